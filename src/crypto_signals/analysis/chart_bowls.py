"""Rounding bottoms: a pivot high, a bowl, and the first close back above that high.

Bulkowski, Encyclopedia of Chart Patterns (2005): a slow, rounded turn, confirmed above the rim where it
began. Numbers for that: 40 to 250 bars from the rim to the breakout; at least 5 ATR deep; a parabola that
opens upwards fits the closes with an R² of 0.75, its vertex at most 0.35 of half the width off the centre;
the lowest low lies in the middle half; 60 % of the closes lie in the lower half. Structure: the lowest low.
Strength: how well the parabola fits. The rounding top is its mirror image.
"""

from typing import cast

import numpy as np

from crypto_signals.analysis.chart_kernels import (
    NONE_YET,
    Found,
    Marks,
    Rows,
    enter,
    marks_of,
    minor_stop,
    rows,
)
from crypto_signals.analysis.chart_setups import MAX_SPAN_BARS, Swings, is_round, lowest
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.ties import at_least
from crypto_signals.compile_cache import njit

MIN_BOWL_BARS = 40
MIN_BOWL_ATRS = 5.0
MIN_FIT = 0.75
MAX_TILT = 0.35
BREAKOUT = cast("int", np.int64(4))
"""The number of the last anchor, of the type for which `enter` is compiled."""


@njit(cache=True, nogil=True, error_model="numpy")
def _fit(close: Floats, rim: int, t: int) -> tuple[float, float]:
    """The parabola through the closes from ``rim`` to ``t``: R², and its vertex (-1 left, 0 middle, 1 right).

    R² is -1 for a curve that does not open upwards.
    """
    half = (t - rim) / 2
    count = t - rim + 1
    y = x2 = x4 = xy = x2y = yy = 0.0
    for bar in range(rim, t + 1):
        x = (bar - rim) / half - 1
        value = close[bar] - close[rim]
        y += value
        yy += value * value
        xy += x * value
        x2 += x * x
        x2y += x * x * value
        x4 += x * x * x * x
    slope = xy / x2
    spread = x4 - x2 * x2 / count
    moment = x2y - x2 * y / count
    bend = moment / spread
    total = yy - y * y / count
    if not (bend > 0 and total > 0):
        return -1.0, 0.0
    return (slope * xy + bend * moment) / total, -slope / (2 * bend)


@njit(cache=True, nogil=True, error_model="numpy")
def _breakouts(
    first: int,
    low: Floats,
    close: Floats,
    atr: Floats,
    swings: Swings,
    confirmed_at: Ints,
    minor: Swings,
    minor_confirmed_at: Ints,
    found: Rows,
    count: int,
) -> int:
    """Enter the breakouts of one series, whose bars begin at ``first``; the new count."""
    index, price, kind = swings
    stack = np.empty(len(index), np.int64)
    waiting = 0
    seen = 0
    for t in range(first, len(close)):
        rim = -1
        fit = 0.0
        while waiting and close[t] > price[stack[waiting - 1]]:
            waiting -= 1
            span = t - index[stack[waiting]]
            if span < MIN_BOWL_BARS or span > MAX_SPAN_BARS:
                continue
            share, vertex = _fit(close, index[stack[waiting]], t)
            if share >= MIN_FIT and abs(vertex) <= MAX_TILT:
                rim, fit = stack[waiting], share
        while seen < len(index) and confirmed_at[seen] <= t:
            if kind[seen] > 0:
                while waiting and price[stack[waiting - 1]] <= price[seen]:
                    waiting -= 1
                stack[waiting] = seen
                waiting += 1
            seen += 1
        if rim < 0:
            continue
        start = index[rim]
        bottom = lowest(low, start, t)
        depth = price[rim] - low[bottom]
        centred = t - start <= 4 * (bottom - start) <= 3 * (t - start)
        if not (centred and at_least(depth, MIN_BOWL_ATRS * atr[t])):
            continue
        if not is_round(close, start, t, low[bottom] + depth / 2):
            continue
        left, right = (start + bottom) // 2, (bottom + t) // 2
        found.anchors[count, 0], found.prices[count, 0] = start, price[rim]
        found.anchors[count, 1], found.prices[count, 1] = left, close[left]
        found.anchors[count, 2], found.prices[count, 2] = bottom, low[bottom]
        found.anchors[count, 3], found.prices[count, 3] = right, close[right]
        stop = minor_stop(t, bottom, atr[t], minor, minor_confirmed_at)
        strength = 100 * (fit - MIN_FIT) / (1 - MIN_FIT)
        enter(found, count, BREAKOUT, t, close[t], strength, low[bottom], stop, price[rim], depth)
        count += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def bowl_breakouts(
    low: Floats, close: Floats, atr: Floats, offsets: Ints, marks: Marks, minor_marks: Marks
) -> Found:
    """Every close above a pivot high that no close had reached since, with a bowl between the two.

    Highs wait on a stack, the latest and lowest on top; a higher one buries those under it. Of several bowls
    that end on one bar the widest counts.
    """
    found = rows(len(marks.bar))
    count = NONE_YET
    for row in range(len(offsets) - 1):
        swings, confirmed_at = marks_of(row, marks)
        minor, minor_confirmed_at = marks_of(row, minor_marks)
        count = _breakouts(
            offsets[row], low, close[: offsets[row + 1]], atr, swings, confirmed_at, minor,
            minor_confirmed_at, found, count,
        )  # fmt: skip
    return found, np.full(1, count)
