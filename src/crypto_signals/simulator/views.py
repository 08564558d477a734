"""What Alpaca makes of the bars that it holds: adjusted, as seen on one exchange alone, and as far as now."""

import zlib
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from crypto_signals.simulator.bars_store import (
    DAY,
    NEW_YORK,
    BarsStore,
    Series,
    Stamps,
    Values,
    instant_of,
    microseconds,
)
from crypto_signals.simulator.exchange import session

PRICE_DIGITS = 4
IEX_SHARE = (0.02, 0.035)
IEX_PRICE_RANGE = 2e-4

RAW = frozenset({"raw"})
SERVED = frozenset({"sip", "delayed_sip", "iex"})
"""The feeds that files stand for; of the others there are no bars."""


@dataclass(frozen=True, slots=True)
class View:
    """The feed and the adjustments that were asked for."""

    feed: str = "sip"
    adjustment: frozenset[str] = RAW


PLAIN = View()


class Views:
    """Bars as they are served at an instant. What is worked out once is kept: it depends on the view and on
    the splits and dividends known by then, and these are few."""

    def __init__(self, store: BarsStore) -> None:
        self._store = store
        self._kept: dict[tuple[str, int, View, int], Series] = {}

    def at(self, now: datetime, symbol: str, interval: int, view: View) -> Series | None:
        """The bars that have opened by ``now``; the newest one is as far as it has come."""
        series = self._store.get(symbol, interval) if view.feed in SERVED else None
        if series is None:
            return None
        opened = _opened(series, interval, now)
        viewed = series if view == PLAIN else self._viewed(series, symbol, interval, view, opened)
        return _so_far(viewed, opened, interval, now)

    def _viewed(self, series: Series, symbol: str, interval: int, view: View, opened: int) -> Series:
        known = (
            0 if series.actions is None else int((series.actions[:opened] != (1.0, 0.0)).any(axis=1).sum())
        )
        key = symbol, interval, view, known
        if key not in self._kept:
            traded = on_iex(series, symbol) if view.feed == "iex" else series
            self._kept[key] = adjusted(traded, view.adjustment, opened)
        return self._kept[key]


def adjusted(series: Series, kinds: frozenset[str], opened: int) -> Series:
    """The bars in today's terms, where ``opened`` of them have opened: a split or dividend changes all bars
    before it, and none after; prices have four digits then."""
    if series.actions is None or kinds <= {"raw", "spin-off"}:
        return series
    split, dividend = series.actions.T.copy()
    split[opened:], dividend[opened:] = 1.0, 0.0
    before = np.roll(series.values[:, 3], 1)
    before[0] = np.inf
    cash = 1.0 - dividend * split / before if kinds & {"dividend", "all"} else np.ones(len(series))
    shares = split if kinds & {"split", "all"} else np.ones(len(series))
    factor = _of_later(cash / shares)[:, None]
    prices = np.where(
        factor == 1.0, series.values[:, :4], np.round(series.values[:, :4] * factor, PRICE_DIGITS)
    )
    return replace(
        series, values=np.column_stack([prices, np.round(series.values[:, 4] * _of_later(shares))])
    )


def on_iex(series: Series, symbol: str) -> Series:
    """A few per cent of the volume, at slightly other prices: the same ones each time."""
    low_share, high_share = IEX_SHARE
    chance = _chances(symbol, series.ts, 5)
    moved = series.values[:, :4] * (1.0 + IEX_PRICE_RANGE * (2.0 * chance[:, :4] - 1.0))
    prices = np.round(moved, PRICE_DIGITS)
    prices[:, 1], prices[:, 2] = prices.max(axis=1), prices.min(axis=1)
    volume = np.floor(series.values[:, 4] * (low_share + (high_share - low_share) * chance[:, 4]))
    return replace(series, values=np.column_stack([prices, volume]))


def _of_later(factors: Values) -> Values:
    """For each bar the product of the factors of all bars after it."""
    product: Values = np.append(np.cumprod(factors[:0:-1])[::-1], 1.0)
    return product


def _chances(symbol: str, ts: Stamps, count: int) -> Values:
    """Numbers from 0 to 1 that look random and depend on the symbol and the stamp alone (splitmix64)."""
    lanes = np.arange(1, count + 1, dtype=np.uint64) << np.uint64(40)
    mixed = ts.astype(np.uint64)[:, None] + lanes + np.uint64(zlib.crc32(symbol.encode()))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    chances: Values = (mixed >> np.uint64(11)).astype(np.float64) / 2.0**53
    return chances


def _opened(series: Series, interval: int, now: datetime) -> int:
    """How many bars have opened: a stock's day opens with its session."""
    count = int(np.searchsorted(series.ts, microseconds(now), side="right"))
    if count and _span(series, count - 1, interval)[0] > microseconds(now):
        count -= 1
    return count


def _so_far(series: Series, opened: int, interval: int, now: datetime) -> Series:
    """Cut after the newest bar, which is half done where half of its time has passed."""
    ts, values = series.ts[:opened], series.values[:opened]
    if opened:
        start, end = _span(series, opened - 1, interval)
        done = (microseconds(now) - start) / (end - start)
        if done < 1.0:
            values = values.copy()
            values[-1] = _partly(values[-1], done, whole_volume=series.whole_volume)
    return replace(series, ts=ts, values=values)


def _partly(bar: Values, done: float, *, whole_volume: bool) -> Values:
    """A forming bar: its prices have come this far from the open, and its volume as far."""
    volume = bar[4] * done
    return np.array([*(bar[0] + (bar[:4] - bar[0]) * done), np.floor(volume) if whole_volume else volume])


def _span(series: Series, index: int, interval: int) -> tuple[int, int]:
    """When a bar opens and closes; a stock's day has the hours of its session, of an early close too."""
    start = int(series.ts[index])
    if series.whole_volume and interval == DAY:
        found = session(instant_of(start).astimezone(NEW_YORK).date())
        if found:
            return microseconds(found.opens), microseconds(found.closes)
    return start, start + interval
