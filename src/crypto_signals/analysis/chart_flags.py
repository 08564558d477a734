"""Flags and pennants: a steep pole, and a short rest whose lines follow the bars, not the pivots.

Bulkowski, Encyclopedia of Chart Patterns (2005): a steep and quick rise, then at most three weeks between two
lines, parallel for a flag and converging for a pennant. Numbers for that: the pole runs from a pivot low to a
pivot high (reversal 1 ATR), takes at most 15 bars and is at least 4 times the ATR of its first bar. The rest
is the 3 to 15 bars between the top and the breakout; it makes no new high and gives back at most half of the
pole. Its line is the tangent from the top over its highs, and is broken above its low. It is a pennant if the
lowest low of its second half lies above that of its first half, else a flag. Structure: its low; stop: 1 %
under that. Height: the pole. Strength: 100 for a rest that gives nothing back, 0 for one that gives half.
"""

from typing import cast

import numpy as np

from crypto_signals.analysis.chart_kernels import NONE_YET, Found, Marks, Rows, enter, marks_of, rows
from crypto_signals.analysis.chart_setups import Swings, lowest
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.ties import at_least, is_above
from crypto_signals.compile_cache import njit

FLAG = 0
PENNANT = 1
MIN_POLE_ATRS = 4.0
MAX_POLE_BARS = 15
MIN_REST_BARS = 3
MAX_REST_BARS = 15
MAX_RETRACEMENT = 0.5
BREAKOUT = cast("int", np.int64(4))
"""The number of the last anchor, of the type for which `enter` is compiled."""


@njit(cache=True, nogil=True, error_model="numpy")
def _is_pole(top: int, index: Ints, price: Floats, atr: Floats) -> bool:
    """Whether the rise from the pivot low before ``top`` to the pivot high ``top`` is a pole."""
    foot = top - 1
    return bool(
        index[top] - index[foot] <= MAX_POLE_BARS
        and at_least(price[top] - price[foot], MIN_POLE_ATRS * atr[index[foot]])
    )


@njit(cache=True, nogil=True, error_model="numpy")
def _kind_of_rest(low: Floats, at: int, stop: int) -> int:
    """A rest whose lows rise from its first half to its second is a pennant, else it is a flag."""
    half = at + 1 + (stop - at - 1) // 2
    early, late = lowest(low, at + 1, half), lowest(low, half, stop)
    return PENNANT if low[late] > low[early] else FLAG


@njit(cache=True, nogil=True, error_model="numpy")
def _breakout(
    high: Floats, low: Floats, close: Floats, at: int, peak: float, floor: float, confirmed_at: int
) -> tuple[int, int, int, float]:
    """The breakout of the rest behind the high ``peak`` at bar ``at``: bar, touching bar, low's bar, line.

    The touching bar is the one on the tangent from the top. The breakout bar is -1 if there is none.
    """
    touch = -1
    slope = -np.inf
    lowest = at + 1
    for t in range(at + 1, min(at + MAX_REST_BARS + 2, len(close))):
        if low[t] < low[lowest]:
            lowest = t
        if is_above(floor, low[t]):
            break
        line = peak + slope * (t - at)
        if t >= confirmed_at and t - 1 - at >= MIN_REST_BARS and is_above(close[t], line):
            return t, touch, lowest, line
        if high[t] > peak:
            break
        if at_least(high[t], line):
            slope = (high[t] - peak) / (t - at)
            touch = t
    return -1, -1, -1, np.nan


@njit(cache=True, nogil=True, error_model="numpy")
def _breakouts(
    shape: int,
    high: Floats,
    low: Floats,
    close: Floats,
    atr: Floats,
    swings: Swings,
    confirmed_at: Ints,
    found: Rows,
    count: int,
) -> int:
    """Enter the breakouts of one shape in one series; the new count."""
    index, price, kind = swings
    for top in range(1, len(index)):
        if kind[top] < 0 or not _is_pole(top, index, price, atr):
            continue
        at, peak = index[top], price[top]
        pole = peak - price[top - 1]
        floor = peak - MAX_RETRACEMENT * pole
        t, touch, trough, line = _breakout(high, low, close, at, peak, floor, confirmed_at[top])
        if t < 0 or touch < 0 or _kind_of_rest(low, at, t) != shape:
            continue
        bottom = low[trough]
        if not is_above(line, bottom):
            continue
        found.anchors[count, 0], found.prices[count, 0] = index[top - 1], price[top - 1]
        found.anchors[count, 1], found.prices[count, 1] = at, peak
        found.anchors[count, 2], found.prices[count, 2] = touch, high[touch]
        found.anchors[count, 3], found.prices[count, 3] = trough, bottom
        strength = 100 * (1 - (peak - bottom) / (MAX_RETRACEMENT * pole))
        levels = bottom, bottom - 0.01 * abs(bottom), line, pole
        enter(found, count, BREAKOUT, t, close[t], strength, *levels)
        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def flag_breakouts(
    high: Floats, low: Floats, close: Floats, atr: Floats, offsets: Ints, marks: Marks
) -> Found:
    """Every breakout of a flag, then of a pennant; anchors: pole foot, pole top, touch, low, breakout."""
    found = rows(len(marks.bar))
    ends = np.empty(2, np.int64)
    count = NONE_YET
    for shape in range(2):
        for row in range(len(offsets) - 1):
            swings, confirmed_at = marks_of(row, marks)
            known = close[: offsets[row + 1]]
            count = _breakouts(shape, high, low, known, atr, swings, confirmed_at, found, count)
        ends[shape] = count
    return found, ends
