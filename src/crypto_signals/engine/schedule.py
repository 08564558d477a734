"""When there is something to do: at each close as soon as its bar is known, and twice after it to recover."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import numpy as np

from crypto_signals.analysis.panel import as_datetime, as_ts64
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import Calendar

Series = tuple[AssetClass, Timeframe]
AGAIN = (timedelta(0), timedelta(minutes=20), timedelta(minutes=60))
_DAY = timedelta(days=1)
_LONGEST_BREAK = 7 * _DAY
_SESSION = timedelta(hours=6, minutes=30)


def next_moment(calendar: Calendar, watched: Iterable[Series], after: datetime) -> datetime | None:
    """The first moment later than ``after``; ``None`` where nothing is watched."""
    known = {ts for kind, timeframe in watched for ts in _known(calendar, kind, timeframe, after)}
    return min((ts + wait for ts in known for wait in AGAIN if ts + wait > after), default=None)


def _known(
    calendar: Calendar, kind: AssetClass, timeframe: Timeframe, around: datetime
) -> Iterator[datetime]:
    """When the bars become known that open in the days before and after ``around``."""
    midnight = around.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + n * _DAY for n in range(-2, _LONGEST_BREAK // _DAY)]
    sessions = [day for day in days if calendar.session_after(kind, day - _DAY, 1) == day]
    for day in sessions:
        opens = _opens(calendar, kind, timeframe, day)
        if opens:
            stamps = np.array([as_ts64(ts) for ts in opens], "datetime64[us]")
            yield from map(as_datetime, calendar.known_at(kind, timeframe, stamps))


def _opens(calendar: Calendar, kind: AssetClass, timeframe: Timeframe, day: datetime) -> list[datetime]:
    """When the bars of a day open; those of stocks within its session, at most."""
    if timeframe.is_daily:
        return [day]
    opens = [day + n * timeframe.span for n in range(_DAY // timeframe.span)]
    if kind is AssetClass.CRYPTO:
        return opens
    close = calendar.close_after(kind, Timeframe("1Day"), day, 0)
    return [ts for ts in opens if close - _SESSION - timeframe.span < ts < close]
