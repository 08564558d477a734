"""When bars are known, and which sessions there are: crypto by the clock, US stocks by their exchange.

Stamps are UTC opening times. A daily stock bar may carry 00:00 UTC of its date or New York midnight
(04:00 or 05:00 UTC): both lie on its own UTC date, and so does every regular session.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from math import ceil

import numpy as np
from numpy.typing import NDArray

from crypto_signals.analysis.panel import as_datetime, as_ts64
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market import sessions

Timestamps = NDArray[np.datetime64]

CRYPTO_GRACE = timedelta(seconds=60)
EQUITY_GRACE = timedelta(minutes=20)
OPEN_MINUTE = 9 * 60 + 30
CLOSE_MINUTE = 16 * 60
_FIRST, _LAST = np.datetime64(sessions.FIRST), np.datetime64(sessions.LAST)
_MINUTE = np.timedelta64(60_000_000, "us")
_DAY = timedelta(days=1)
_NEXT_DAY = np.timedelta64(1, "D")


class MarketCalendar:
    """The `Calendar` port: crypto trades round the clock in UTC days, stocks in NYSE sessions.

    A stock stamp on a day without a session counts as if that day had regular hours, and its neighbours
    are counted from the session before. Raises ``UsageError`` for a stock day outside the shipped table.
    """

    def ends(self) -> datetime:
        """The last day that the shipped table of sessions knows."""
        return datetime.fromisoformat(sessions.LAST).replace(tzinfo=UTC)

    def grace(self, asset_class: AssetClass) -> timedelta:
        """How long after its close a bar is known."""
        return CRYPTO_GRACE if asset_class is AssetClass.CRYPTO else EQUITY_GRACE

    def known_at(self, asset_class: AssetClass, timeframe: Timeframe, ts: Timestamps) -> Timestamps:
        """When each bar that opened at ``ts`` counts as known: its close plus the grace, as naive UTC."""
        if asset_class is AssetClass.CRYPTO:
            return ts + np.timedelta64(timeframe.span + CRYPTO_GRACE)
        return _closes(timeframe, ts) + np.timedelta64(EQUITY_GRACE)

    def close_after(self, asset_class: AssetClass, timeframe: Timeframe, ts: datetime, bars: int) -> datetime:
        """The close, without grace, of the ``bars``-th bar after the one that opened at ``ts``."""
        if asset_class is AssetClass.CRYPTO:
            return ts + timeframe.span * (bars + 1)
        stamps = np.array([as_ts64(ts)])
        if timeframe.is_daily and bars:
            stamps = _session(stamps, bars)
        elif bars:
            stamps = _later_bar(stamps, timeframe, bars)
        return as_datetime(_closes(timeframe, stamps)[0])

    def session_after(self, asset_class: AssetClass, ts: datetime, sessions: int) -> datetime:
        """00:00 UTC of the date of the ``sessions``-th session after the one of ``ts`` (negative: before)."""
        stamps = np.array([as_ts64(ts)])
        if asset_class is AssetClass.CRYPTO:
            return as_datetime(_midnight(stamps)[0]) + sessions * _DAY
        return as_datetime(_session(stamps, sessions)[0])

    def bars_per_session(self, asset_class: AssetClass, timeframe: Timeframe) -> int:
        """How many bars a full session has. Intraday stock bars start on the clock's grid, as vendors cut
        them, so 09:30 to 16:00 holds 78 bars of 5 minutes, and the 6 hours that start from 10:00 to 15:00.
        """
        if asset_class is AssetClass.CRYPTO:
            return max(1, _DAY // timeframe.span)
        span = int(timeframe.span.total_seconds() // 60)
        first = ceil(OPEN_MINUTE / span) * span
        return max(1, ceil((CLOSE_MINUTE - first) / span))

    def is_regular(self, asset_class: AssetClass, timeframe: Timeframe, ts: Timestamps) -> NDArray[np.bool_]:
        """Which bars open within regular trading; false only for intraday stock bars outside it.

        A bar that opens before 09:30 and runs past it holds early trades, and is not regular.
        """
        if asset_class is AssetClass.CRYPTO or timeframe.is_daily:
            return np.ones(len(ts), np.bool_)
        days = _days(ts)
        opens = _new_york(days, OPEN_MINUTE)
        return np.is_busday(days, busdaycal=_exchange()) & (ts >= opens) & (ts < _session_closes(days))

    def canonical(self, asset_class: AssetClass, timeframe: Timeframe, ts: Timestamps) -> Timestamps:
        """Daily stock bars stamped 00:00 UTC of their date, whatever the vendor; all others as they are."""
        if asset_class is AssetClass.EQUITY and timeframe.is_daily:
            return _midnight(ts)
        return ts

    def first_look(self, asset_class: AssetClass, timeframe: Timeframe, now: datetime, bars: int) -> datetime:
        """A time so early that ``bars`` bars opened since and are known at ``now``, if none is missing."""
        if asset_class is AssetClass.CRYPTO:
            return now - timeframe.span * (bars + 3)
        full_sessions = ceil(bars / self.bars_per_session(asset_class, timeframe))
        back = full_sessions if timeframe.is_daily else ceil(full_sessions * 1.05)  # half days have fewer
        return self.session_after(asset_class, now, -back - 3)

    def missing_between(
        self, asset_class: AssetClass, timeframe: Timeframe, ts: Timestamps
    ) -> NDArray[np.int64]:
        """How many bars are missing between each two (int64[n - 1]); of stocks' intraday bars, how many whole
        sessions, as not every interval is traded."""
        if asset_class is AssetClass.CRYPTO:
            steps = np.diff(ts) // np.timedelta64(timeframe.span) - 1
        else:
            days = ts.astype("datetime64[D]")
            steps = np.busday_count(days[:-1], days[1:], busdaycal=_exchange()) - 1
        missing: NDArray[np.int64] = np.maximum(0, steps)
        return missing

    def bars_between(
        self, asset_class: AssetClass, timeframe: Timeframe, start: datetime, end: datetime
    ) -> int:
        """About how many bars open from ``start`` to ``end``, half days counted as whole ones."""
        if asset_class is AssetClass.CRYPTO:
            return max(0, (end - start) // timeframe.span + 1)
        first, last = (np.datetime64(moment.astimezone(UTC).date()) for moment in (start, end))
        days = int(np.busday_count(first, last + _NEXT_DAY, busdaycal=_exchange()))
        return max(0, days) * self.bars_per_session(asset_class, timeframe)


def _closes(timeframe: Timeframe, ts: Timestamps) -> Timestamps:
    """Bars end with their session, not after it; a bar outside the session ends by the clock."""
    closes = _session_closes(_days(ts))
    if timeframe.is_daily:
        return closes
    ends = ts + np.timedelta64(timeframe.span)
    return np.where((ts < closes) & (ends > closes), closes, ends)


def _later_bar(ts: Timestamps, timeframe: Timeframe, bars: int) -> Timestamps:
    """The stamp of the ``bars``-th regular bar after ``ts``, on the same grid within the New York day."""
    span = np.timedelta64(timeframe.span).astype("timedelta64[us]")
    days = np.busday_offset(_days(ts), np.arange(2 * bars + 30), roll="backward", busdaycal=_exchange())
    days = days[days <= _LAST]
    phase = (ts - _new_york(_days(ts), 0)) % span
    opens, closes = _new_york(days, OPEN_MINUTE), _session_closes(days)
    first = opens + (phase - OPEN_MINUTE * _MINUTE) % span
    first[0] = max(first[0], ts[0] + span)
    counts = np.maximum(0, -((first - closes) // span))
    total = np.cumsum(counts)
    session = int(np.searchsorted(total, bars))
    if session == len(total):
        raise UsageError(
            f"the exchange calendar (to {sessions.LAST}) has no {bars} {timeframe} bars after {ts[0]} UTC; "
            "use a shorter timeframe, or a newer release"
        )
    stamp: Timestamps = first[[session]] + (bars - (total[session] - counts[session]) - 1) * span
    return stamp


def _session(ts: Timestamps, sessions_later: int) -> Timestamps:
    """00:00 UTC of the date of a later (or, if negative, earlier) session."""
    day = np.busday_offset(_days(ts), sessions_later, roll="backward", busdaycal=_exchange())
    return _known(day).astype("datetime64[us]")


def _session_closes(days: Timestamps) -> Timestamps:
    """For days within the table; NaT where ``days`` is."""
    closes = _every_close()
    missing = np.isnat(days)
    if missing.any():
        return np.where(missing, np.datetime64("NaT", "us"), closes[np.where(missing, 0, _place(days))])
    found: Timestamps = closes[_place(days)]
    return found


def _place(days: Timestamps) -> NDArray[np.int64]:
    return (days - _FIRST).view(np.int64)


@cache
def _every_close() -> Timestamps:
    """The close of each day of the table, whether it has a session or not."""
    days = np.arange(_FIRST, _LAST + _NEXT_DAY)
    minutes = np.full(days.shape, CLOSE_MINUTE)
    for minute, early in _early_closes():
        minutes[np.isin(days, early)] = minute
    return _new_york(days, minutes)


def _new_york(days: Timestamps, minutes: int | NDArray[np.int_]) -> Timestamps:
    """The UTC time of so many minutes past midnight by the New York clock, for times after 02:00."""
    changes = _dates(sessions.SUMMER_TIME)
    summer = np.searchsorted(changes, days, side="right") % 2
    midnights: Timestamps = days.astype("datetime64[us]")
    return midnights + (minutes + (5 - summer) * 60) * _MINUTE


def _midnight(ts: Timestamps) -> Timestamps:
    return ts.astype("datetime64[D]").astype("datetime64[us]")


def _days(ts: Timestamps) -> Timestamps:
    return _known(ts.astype("datetime64[D]"))


def _known(days: Timestamps) -> Timestamps:
    """``days``, all within the table."""
    outside = (days < _FIRST) | (days > _LAST)
    if outside.any():
        raise UsageError(
            f"the exchange calendar knows {sessions.FIRST} to {sessions.LAST}, not {days[outside][0]}; "
            "use stock bars from those years, or a newer release"
        )
    return days


@cache
def _exchange() -> np.busdaycalendar:
    return np.busdaycalendar(holidays=_dates(sessions.HOLIDAYS))


@cache
def _early_closes() -> tuple[tuple[int, Timestamps], ...]:
    return ((13 * 60, _dates(sessions.CLOSES_1300)), (14 * 60, _dates(sessions.CLOSES_1400)))


@cache
def _dates(table: str) -> Timestamps:
    """The dates of a table of `sessions`, in order."""
    years = (line.split() for line in table.split("\n") if line)
    return np.array([f"{year}-{day[:2]}-{day[2:]}" for year, *days in years for day in days], "datetime64[D]")
