"""The compiled walks behind the chart detectors: one pass over the bars, pivots taken as they are confirmed.

Every kernel is written for the bullish pattern; the bearish one is the same kernel on negated prices. Each
returns the breakout bars (int64[m]) and, for each, the numbers of the pivots that the pattern stands on.
"""

from typing import TypeAlias

import numpy as np
from numba import njit

from crypto_signals.analysis.panel import Floats, Ints

Pattern: TypeAlias = tuple[Ints, Ints]
Pole: TypeAlias = tuple[Ints, Ints, Ints, Floats]

SAME_PRICE = 0.015
"""Two extrema are equal within 1.5 % of their average (Lo, Mamaysky and Wang 2000) ..."""
SAME_PRICE_ATRS = 0.5
"""... or within half an ATR, where that is more: a crypto day moves more than the stocks they studied."""
MAX_SPAN_BARS = 250
MIN_BOTTOMS_APART_BARS = 22
MIN_HEIGHT_ATRS = 3.0
MIN_POLE_ATRS = 4.0
MAX_POLE_BARS = 15
MIN_FLAG_BARS = 3
MAX_FLAG_BARS = 15
MAX_RETRACEMENT = 0.5


@njit(cache=True, nogil=True)
def tolerance(a: float, b: float, atr: float) -> float:
    """How far two prices may each lie from their average and still count as equal."""
    return max(SAME_PRICE * abs(a + b) / 2, SAME_PRICE_ATRS * atr)


@njit(cache=True, nogil=True)
def _first_bottom(second: int, index: Ints, price: Floats, reach: float, atr: float) -> tuple[int, int]:
    """The nearest earlier low that makes a double bottom with the low ``second``, and the peak between.

    ``reach`` is the least height. Both are -1 if there is none.
    """
    peak = second - 1
    between = np.inf
    for first in range(second - 2, 0, -2):
        if index[second] - index[first] > MAX_SPAN_BARS:
            break
        if price[first + 1] > price[peak]:
            peak = first + 1
        floor = min(price[first], price[second])
        apart = index[second] - index[first] > MIN_BOTTOMS_APART_BARS
        same = abs(price[first] - price[second]) / 2 <= tolerance(price[first], price[second], atr)
        fell = price[first - 1] > price[peak]
        if apart and same and fell and between >= floor and price[peak] - floor >= reach:
            return first, peak
        between = min(between, price[first])
    return -1, -1


@njit(cache=True, nogil=True)
def double_bottoms(
    close: Floats, atr: Floats, index: Ints, price: Floats, kind: Ints, confirmed_at: Ints
) -> Pattern:
    """Breakouts of double bottoms; pivots are bottom 1, peak, bottom 2."""
    bars = np.empty(len(index), np.int64)
    pivots = np.empty((len(index), 3), np.int64)
    count = 0
    seen = 0
    first = peak = second = -1
    for t in range(len(close)):
        while seen < len(index) and confirmed_at[seen] <= t:
            if kind[seen] < 0:
                start, top = _first_bottom(seen, index, price, MIN_HEIGHT_ATRS * atr[t], atr[t])
                if start >= 0 and not (close[index[seen] : t] > price[top]).any():
                    first, peak, second = start, top, seen
            seen += 1
        if first < 0:
            continue
        floor = min(price[first], price[second])
        if close[t] < floor or t - index[second] > index[second] - index[first]:
            first = -1
        elif close[t] > price[peak]:
            bars[count] = t
            pivots[count] = first, peak, second
            count += 1
            first = -1
    return bars[:count], pivots[:count]


@njit(cache=True, nogil=True)
def line_at(t: int, start: int, start_price: float, end: int, end_price: float) -> float:
    """The straight line through two points, at bar ``t``."""
    return start_price + (end_price - start_price) * (t - start) / (end - start)


@njit(cache=True, nogil=True)
def _is_head_and_shoulders(e5: int, index: Ints, price: Floats, atr: float) -> bool:
    """Whether the five pivots that end with the low ``e5`` are an inverse head and shoulders."""
    e1, e2, e3, e4 = e5 - 4, e5 - 3, e5 - 2, e5 - 1
    return bool(
        index[e5] - index[e1] <= MAX_SPAN_BARS
        and price[e3] < price[e1]
        and price[e3] < price[e5]
        and abs(price[e1] - price[e5]) / 2 <= tolerance(price[e1], price[e5], atr)
        and abs(price[e2] - price[e4]) / 2 <= tolerance(price[e2], price[e4], atr)
    )


@njit(cache=True, nogil=True)
def _closed_above_neckline(close: Floats, start: int, stop: int, e2: int, index: Ints, price: Floats) -> bool:
    for t in range(start, stop):
        if close[t] > line_at(t, index[e2], price[e2], index[e2 + 2], price[e2 + 2]):
            return True
    return False


@njit(cache=True, nogil=True)
def inverse_heads_and_shoulders(
    close: Floats, atr: Floats, index: Ints, price: Floats, kind: Ints, confirmed_at: Ints
) -> Pattern:
    """Breakouts of inverse heads and shoulders; pivots are E1 to E5."""
    bars = np.empty(len(index), np.int64)
    pivots = np.empty((len(index), 5), np.int64)
    count = 0
    seen = 0
    e5 = -1
    for t in range(len(close)):
        while seen < len(index) and confirmed_at[seen] <= t:
            if (
                kind[seen] < 0
                and seen >= 4
                and _is_head_and_shoulders(seen, index, price, atr[t])
                and not _closed_above_neckline(close, index[seen], t, seen - 3, index, price)
            ):
                e5 = seen
            seen += 1
        if e5 < 0:
            continue
        if close[t] < price[e5] or t - index[e5] > index[e5] - index[e5 - 4]:
            e5 = -1
        elif _closed_above_neckline(close, t, t + 1, e5 - 3, index, price):
            bars[count] = t
            pivots[count] = np.arange(e5 - 4, e5 + 1)
            count += 1
            e5 = -1
    return bars[:count], pivots[:count]


@njit(cache=True, nogil=True)
def _is_pole(top: int, index: Ints, price: Floats, atr: Floats) -> bool:
    """Whether the rise from the pivot low before ``top`` to the pivot high ``top`` is a flag's pole."""
    foot = top - 1
    return bool(
        index[top] - index[foot] <= MAX_POLE_BARS
        and price[top] - price[foot] >= MIN_POLE_ATRS * atr[index[foot]]
    )


@njit(cache=True, nogil=True)
def _breakout(
    high: Floats, low: Floats, close: Floats, top: int, index: Ints, price: Floats, confirmed_at: int
) -> tuple[int, int, int, float]:
    """The breakout of the flag behind the pivot high ``top``: bar, touching bar, bar of the low, line.

    The touching bar is the flag bar on the tangent from the top. The breakout bar is -1 if there is none.
    """
    at, peak = index[top], price[top]
    floor = peak - MAX_RETRACEMENT * (peak - price[top - 1])
    touch = -1
    slope = -np.inf
    lowest = at + 1
    for t in range(at + 1, min(at + MAX_FLAG_BARS + 2, len(close))):
        if low[t] < low[lowest]:
            lowest = t
        if low[t] < floor:
            break
        line = peak + slope * (t - at)
        if t >= confirmed_at and t - 1 - at >= MIN_FLAG_BARS and close[t] > line:
            return t, touch, lowest, line
        if high[t] > peak:
            break
        if (high[t] - peak) / (t - at) >= slope:
            slope = (high[t] - peak) / (t - at)
            touch = t
    return -1, -1, -1, np.nan


@njit(cache=True, nogil=True)
def bull_flags(
    high: Floats,
    low: Floats,
    close: Floats,
    atr: Floats,
    index: Ints,
    price: Floats,
    kind: Ints,
    confirmed_at: Ints,
) -> Pole:
    """Breakouts of bull flags: bars, pivot numbers of the pole's top, (touch, low) bars, flag lines."""
    bars = np.empty(len(index), np.int64)
    tops = np.empty(len(index), np.int64)
    flags = np.empty((len(index), 2), np.int64)
    lines = np.empty(len(index), np.float64)
    count = 0
    for top in range(1, len(index)):
        if kind[top] < 0 or not _is_pole(top, index, price, atr):
            continue
        t, touch, lowest, line = _breakout(high, low, close, top, index, price, confirmed_at[top])
        if t >= 0:
            bars[count] = t
            tops[count] = top
            flags[count] = touch, lowest
            lines[count] = line
            count += 1
    return bars[:count], tops[:count], flags[:count], lines[:count]
