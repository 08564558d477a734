"""What is unusual about the newest bars of many symbols, told against the calendar: a line for each kind.

None of it is a fault of a bar, and nothing is refused because of it: thin markets have gaps.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache, partial

import numpy as np

from crypto_signals.analysis.panel import Series, as_datetime
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.market.calendars import MarketCalendar

NEWEST_BARS = 20
ODD_VOLUME = 20.0
"""So many times the median of the bars before, or so small a part of it."""
MOST_NAMED = 5


def unusual(
    panel: Iterable[Series], timeframe: Timeframe, calendar: MarketCalendar, now: datetime
) -> list[str]:
    """For people: symbols without the newest bar, with gaps among the last 20, or with an odd volume."""
    is_late = cache(partial(_is_late, timeframe, calendar, now))
    late: list[str] = []
    holed: list[str] = []
    odd: list[str] = []
    for series in panel:
        if is_late(Instrument.of(series.symbol).asset_class, as_datetime(series.ts[-1])):
            late.append(f"{series.symbol} (newest {_when(series.ts[-1], timeframe)})")
        if missing := _missing(series, timeframe, calendar):
            holed.append(f"{series.symbol} ({missing})")
        if (times := _volume_times(series)) is not None:
            odd.append(f"{series.symbol} ({times:.2g}×)")
    return [
        *_line("without the bar that is due", late),
        *_line(f"with bars missing among the last {NEWEST_BARS}", holed),
        *_line("whose newest volume is far from its usual size", odd),
    ]


def _line(what: str, symbols: list[str]) -> Iterator[str]:
    if symbols:
        more = len(symbols) - MOST_NAMED
        named = ", ".join(symbols[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
        yield f"{len(symbols)} {'symbol' if len(symbols) == 1 else 'symbols'} {what}: {named}"


def _is_late(
    timeframe: Timeframe, calendar: MarketCalendar, now: datetime, kind: AssetClass, newest: datetime
) -> bool:
    """Whether a day's bar is missing at the end; of shorter bars a session's worth, as not each is traded."""
    bars = 1 if timeframe.is_daily else calendar.bars_per_session(kind, timeframe)
    try:
        due = calendar.close_after(kind, timeframe, newest, bars)
    except UsageError:
        return False
    return due + calendar.grace(kind) <= now


def _missing(series: Series, timeframe: Timeframe, calendar: MarketCalendar) -> int:
    kind = Instrument.of(series.symbol).asset_class
    return int(calendar.missing_between(kind, timeframe, series.ts[-NEWEST_BARS:]).sum())


def _volume_times(series: Series) -> float | None:
    """How many times its usual size the newest volume is, if that is odd; a pair may go without a trade."""
    usual = float(np.median(series.volume[-NEWEST_BARS - 1 : -1])) if len(series) > NEWEST_BARS else 0.0
    newest = float(series.volume[-1])
    if usual <= 0 or (series.is_crypto and newest == 0):
        return None
    times = newest / usual
    return None if 1 / ODD_VOLUME <= times <= ODD_VOLUME else times


def _when(ts: np.datetime64, timeframe: Timeframe) -> str:
    return f"{as_datetime(ts):%Y-%m-%d}" if timeframe.is_daily else f"{as_datetime(ts):%Y-%m-%d %H:%M} UTC"
