"""From a vendor's rows to the bars that the engine may see: the same steps for files and services."""

from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from crypto_signals.analysis.panel import Series, as_datetime, as_ts64
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.errors import SourceFailed, UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.quality import checked
from crypto_signals.market.raw import RawBars
from crypto_signals.market.splits import unadjusted

FIRST_LOOK_BARS = 501
_ENOUGH_TO_JUDGE = 30
_SAME_IN_A_ROW = 20
"""So many equal gaps are no coincidence, even where bars without trades are left out."""
_FEWEST_IN_A_ROW = 5
"""Enough where there are no other bars."""
_CLOCK_CHANGE = timedelta(hours=1)


def prepared(
    instrument: Instrument,
    timeframe: Timeframe,
    raw: RawBars,
    calendar: MarketCalendar,
    now: datetime | None = None,
) -> tuple[Series, list[BarProblem]]:
    """Valid bars with canonical stamps, in order, and what was wrong with the others.

    Drops intraday stock bars outside regular hours and, if ``now`` is given, bars not yet known then;
    both are no defects. Raises ``SourceFailed`` where the stamps do not belong to the timeframe, or a stock
    bar lies outside the exchange calendar.
    """
    kind = instrument.asset_class
    _require_one_length(timeframe, raw.ts)
    bars = raw.stamped(calendar.canonical(kind, timeframe, raw.ts))
    try:
        keep = calendar.is_regular(kind, timeframe, bars.ts)
        known = calendar.known_at(kind, timeframe, bars.ts)
    except UsageError as error:
        raise SourceFailed(str(error)) from None
    if now is not None:
        keep &= known <= as_ts64(now)
    keep |= np.isnat(bars.ts)
    series, problems = checked(instrument.symbol, bars if keep.all() else bars.take(keep))
    if kind is AssetClass.EQUITY:
        problems += unadjusted(series)
    _require_spacing(timeframe, series.ts)
    _require_no_longer_ones(timeframe, series.ts)
    if kind is AssetClass.CRYPTO and timeframe.is_daily:
        _require_one_boundary(series.ts)
    return series, problems


def _require_one_length(timeframe: Timeframe, ts: NDArray[np.datetime64]) -> None:
    """Of bars of several lengths in one series, each would be taken for one of the same."""
    steps = np.diff(ts.view(np.int64))
    if not len(steps) or steps.min() > timeframe.span / timedelta(microseconds=2):
        return
    stamps = np.unique(ts[~np.isnat(ts)])
    gaps = np.diff(stamps)
    short = np.flatnonzero(gaps <= np.timedelta64(timeframe.span) / 2)
    if not len(short):
        return
    usual = timedelta(microseconds=int(np.median(gaps.astype("timedelta64[us]").view(np.int64))))
    if usual <= timeframe.span / 2:
        raise SourceFailed(
            f"the bars are mostly {_length(usual)} apart, so they are no {timeframe} bars; "
            "set the timeframe that the bars have"
        )
    first, after = (as_datetime(stamps[short[0] + place]) for place in (0, 1))
    raise SourceFailed(
        f"holds bars of more than one length: {timeframe} bars, and {len(short)} that follow sooner than "
        f"that (first: {after:%Y-%m-%d %H:%M} after {first:%Y-%m-%d %H:%M} UTC); "
        "give each length in a file of its own"
    )


def _require_spacing(timeframe: Timeframe, ts: NDArray[np.datetime64]) -> None:
    """Bars of another length would be known at the wrong time, without anyone noticing."""
    if len(ts) < _ENOUGH_TO_JUDGE:
        return
    stamps = ts.view(np.int64)
    gaps = np.sort(stamps[1:] - stamps[:-1])
    usual, closest = (timedelta(microseconds=gaps.item(place)) for place in (len(gaps) // 2, 0))
    if usual < timeframe.span - _CLOCK_CHANGE * timeframe.is_daily or closest >= 2 * timeframe.span:
        raise SourceFailed(
            f"the bars are mostly {_length(usual)} apart, so they are no {timeframe} bars; "
            "set the timeframe that the bars have"
        )


def _require_no_longer_ones(timeframe: Timeframe, ts: NDArray[np.datetime64]) -> None:
    """Longer bars follow each other at one and the same distance; what merely was not traded hardly does."""
    stamps = ts.view(np.int64)
    gaps = stamps[1:] - stamps[:-1]
    wide = np.int64(2 * timeframe.span // timedelta(microseconds=1))
    ends = np.flatnonzero(np.concatenate([[True], (gaps[1:] != gaps[:-1]) | (gaps[1:] < wide), [True]]))
    runs = np.diff(ends)
    longest = int(np.argmax(runs))
    run = int(runs[longest])
    if run < min(_SAME_IN_A_ROW, max(len(gaps), _FEWEST_IN_A_ROW)):
        return
    first = as_datetime(ts[ends[longest]])
    length = _length(timedelta(microseconds=int(gaps[ends[longest]])))
    raise SourceFailed(
        f"from {first:%Y-%m-%d %H:%M} UTC on, {run + 1} of its {len(ts)} bars follow each other "
        f"{length} apart, so they are no {timeframe} bars; give each length in a file of its own"
    )


def _require_one_boundary(ts: NDArray[np.datetime64]) -> None:
    """Alpaca's crypto days once began at midnight in Chicago, and begin at midnight UTC since 2025."""
    starts = np.unique(ts - ts.astype("datetime64[D]"))
    if len(starts) > 1:
        hours = " and ".join(_clock(start.astype("timedelta64[us]").item()) for start in starts[:2])
        raise SourceFailed(
            f"its daily bars begin at {hours} UTC: two kinds of day in one series; "
            "use an intraday timeframe, or bars that share one day boundary"
        )


def _length(span: timedelta) -> str:
    """
    >>> _length(timedelta(minutes=5)), _length(timedelta(hours=1)), _length(timedelta(days=1))
    ('5 min', '1 h', '1 d')
    """
    for unit, size in (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("min", timedelta(minutes=1))):
        if span >= size:
            return f"{span / size:g} {unit}"
    return f"{span.total_seconds():g} s"


def _clock(since_midnight: timedelta) -> str:
    minutes = since_midnight // timedelta(minutes=1)
    return f"{minutes // 60:02}:{minutes % 60:02}"
