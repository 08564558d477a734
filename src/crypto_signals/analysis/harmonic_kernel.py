"""The compiled walk behind the harmonic detectors: one pass over the pivots, driven by a table of ratios.

A ratio is ``sign × leg / other leg``, so mirrored prices give the same ratios and one walk serves both sides.
The code below reads and writes single numbers: array expressions would multiply its time to compile.
"""

from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.analysis.ties import at_least, is_above
from crypto_signals.compile_cache import njit

POINTS = 6
"""The most points that a shape has; shorter ones use the last of them."""
LAST = POINTS - 1
TARGET_STEPS = (0.382, 0.618, 1.0, 1.272, 1.618, 2.618)

BAR, PATTERN, SIDE, POINT_BARS = 0, 1, 2, 3
"""Columns of the whole numbers of a hit."""
STRENGTH, STRUCTURE, TARGETS, ZONE, POINT_PRICES = 0, 1, 2, 5, 7
"""Columns of its real numbers: 3 targets, 2 ends of the zone, 6 prices."""


class Tables(NamedTuple):
    """The shapes as arrays, one row a ratio or a variant.

    | array | columns |
    |---|---|
    | ``legs`` int64[r, 5] | points i, j, k, l of the ratio of leg i→j to leg k→l; 1 if it is of bars |
    | ``bands`` float64[r, 5] | least allowed, least ideal, most ideal, most allowed; the sign |
    | ``levels`` float64[r, m] | the ratios that project the last point, NaN where there is no more |
    | ``variants`` int64[v, 8] | points, pattern, its ratios' first row and end, origin, structure's i, k, l |
    | ``refuted`` float64[v] | the structure's ratio, with its sign |
    """

    legs: Ints
    bands: Floats
    levels: Floats
    variants: Ints
    refuted: Floats
    tolerance: float


@njit(cache=True, nogil=True)
def _distance(value: float, least: float, low: float, high: float, most: float) -> float:
    """0 where a ratio is ideal, 1 where it is hardly allowed, infinity beyond (and for NaN)."""
    if not (is_above(value, least) and is_above(most, value)):
        return np.inf
    if value < low:
        return (low - value) / (low - least)
    if value > high and most < np.inf:
        return (value - high) / (most - high)
    return 0.0


@njit(cache=True, nogil=True)
def _worst(variant: int, bars: Ints, prices: Floats, tables: Tables) -> float:
    """How far the worst ratio of a variant is from its ideal: 0 to 1, infinity if one is not allowed."""
    legs, bands = tables.legs, tables.bands
    worst = 0.0
    for row in range(tables.variants[variant, 2], tables.variants[variant, 3]):
        i, j, k, l = legs[row, 0], legs[row, 1], legs[row, 2], legs[row, 3]  # noqa: E741 - points of two legs
        if legs[row, 4]:
            leg, of = float(bars[j] - bars[i]), float(bars[l] - bars[k])
        else:
            leg, of = bands[row, 4] * (prices[j] - prices[i]), prices[l] - prices[k]
        if of == 0:
            return np.inf
        away = _distance(leg / of, bands[row, 0], bands[row, 1], bands[row, 2], bands[row, 3])
        if away == np.inf:
            return away
        worst = max(worst, away)
    return worst


@njit(cache=True, nogil=True)
def _nearest_level(row: int, start: float, unit: float, price: float, levels: Floats) -> float:
    """The projecting ratio of a row whose level lies nearest to a price; NaN if the row projects nothing."""
    nearest, least = np.nan, np.inf
    for column in range(levels.shape[1]):
        away = abs(start + levels[row, column] * unit - price)
        if away < least:
            nearest, least = levels[row, column], away
    return nearest


@njit(cache=True, nogil=True)
def _write_zone(variant: int, prices: Floats, tables: Tables, real: Floats, at: int) -> None:
    """From the lowest to the highest of the last point and the levels nearest to it, each ± the tolerance."""
    low = high = prices[LAST]
    for row in range(tables.variants[variant, 2], tables.variants[variant, 3]):
        start = prices[tables.legs[row, 0]]
        unit = tables.bands[row, 4] * (prices[tables.legs[row, 3]] - prices[tables.legs[row, 2]])
        nearest = _nearest_level(row, start, unit, prices[LAST], tables.levels)
        if nearest > 0:
            one = start + nearest * (1 - tables.tolerance) * unit
            other = start + nearest * (1 + tables.tolerance) * unit
            low, high = min(low, one, other), max(high, one, other)
    real[at, ZONE], real[at, ZONE + 1] = low, high


@njit(cache=True, nogil=True)
def _write_targets(side: int, close: float, last: float, reach: float, real: Floats, at: int) -> None:
    """The first three steps of the way back that lie beyond the close; NaN where there is none."""
    count = 0
    for step in TARGET_STEPS:
        target = last + step * reach
        if count < 3 and target > 0 and is_above(side * target, side * close):
            real[at, TARGETS + count] = target
            count += 1
    for missing in range(count, 3):
        real[at, TARGETS + missing] = np.nan


@njit(cache=True, nogil=True)
def _write(
    variant: int, worst: float, side: int, close: float, prices: Floats, tables: Tables, real: Floats, at: int
) -> None:
    """Fill in row ``at`` of the real numbers."""
    variants = tables.variants
    start, of = prices[variants[variant, 5]], prices[variants[variant, 7]] - prices[variants[variant, 6]]
    real[at, STRENGTH] = 100 * (1 - worst)
    real[at, STRUCTURE] = start + tables.refuted[variant] * of
    _write_targets(side, close, prices[LAST], prices[variants[variant, 4]] - prices[LAST], real, at)
    _write_zone(variant, prices, tables, real, at)
    for point in range(POINTS):
        real[at, POINT_PRICES + point] = prices[point]


@njit(cache=True, nogil=True)
def _range_since(bar: int, d: int, index: Ints, price: Floats) -> tuple[float, float]:
    """The range of the minor pivots after ``bar`` and before the pivot ``d``."""
    low, high = np.inf, -np.inf
    for m in range(d - 1, -1, -1):
        if index[m] <= bar:
            break
        low, high = min(low, price[m]), max(high, price[m])
    return low, high


@njit(cache=True, nogil=True)
def _newest(at: int, stop: int, bar: int, known: int, index: Ints, confirmed_at: Ints) -> int:
    """The last pivot after ``at`` that lies before ``bar`` and was confirmed at ``known``."""
    while at + 1 < stop and index[at + 1] < bar and confirmed_at[at + 1] <= known:
        at += 1
    return at


@njit(cache=True, nogil=True)
def _take_points(at: int, start: int, index: Ints, price: Floats, bars: Ints, prices: Floats) -> None:
    """Copy the pivots up to ``at`` as the points before the last; NaN where there was none yet."""
    for point in range(LAST):
        m = at - LAST + 1 + point
        bars[point] = index[m] if m >= start else 0
        prices[point] = price[m] if m >= start else np.nan


@njit(cache=True, nogil=True)
def _is_extreme(side: int, price: float, before: float, low: float, high: float) -> bool:
    """Whether a last point lies beyond the range since the point before it, and that one beyond it too."""
    if side > 0:
        return bool(price < low and high <= before)
    return bool(price > high and low >= before)


@njit(cache=True, nogil=True)
def _grown(whole: Ints, real: Floats) -> tuple[Ints, Floats]:
    """The same rows with room for as many again."""
    rows = len(whole)
    more_whole, more_real = (
        np.empty((2 * rows, whole.shape[1]), np.int64),
        np.empty((2 * rows, real.shape[1])),
    )
    for row in range(rows):
        for column in range(whole.shape[1]):
            more_whole[row, column] = whole[row, column]
        for column in range(real.shape[1]):
            more_real[row, column] = real[row, column]
    return more_whole, more_real


@njit(cache=True, nogil=True)
def _series_of(d: int, series: int, begins: Ints, starts: Ints, newest: Ints) -> int:
    """The series of the minor pivot ``d``; where it is a later one, its major pivots are all still unseen."""
    while d >= begins[series + 1]:
        series += 1
        for g in range(len(newest)):
            newest[g] = starts[g, series] - 1
    return series


@njit(cache=True, nogil=True)
def find_harmonics(
    close: Floats,
    index: Ints,
    price: Floats,
    kind: Ints,
    confirmed_at: Ints,
    begins: Ints,
    major_index: Ints,
    major_price: Floats,
    major_kind: Ints,
    major_confirmed_at: Ints,
    starts: Ints,
    asked: Bools,
    tables: Tables,
) -> tuple[Ints, Floats]:
    """Every shape that a minor pivot completes, at most one a pivot and pattern: the cleanest.

    The last point is a minor pivot, the others are consecutive major pivots of one grade that were confirmed
    when it was. The last point must lie beyond all minor pivots since the point before it, and none of them
    beyond that one. Rows are in the order of their bars: (bar, pattern, side, bars of 6 points) and
    (strength, structure, 3 targets, 2 ends of the zone, prices of 6 points). Bars that are not ``asked`` have
    none.

    Series may lie end to end: the minor pivots of series s begin at ``begins[s]``, its major pivots of grade
    g at ``starts[g, s]``, and end where those of the next series begin.
    """
    grades, variants = len(starts), tables.variants
    whole, real = np.empty((64, POINT_BARS + POINTS), np.int64), np.empty((64, POINT_PRICES + POINTS))
    count = 0
    newest, low, high = np.empty(grades, np.int64), np.empty(grades), np.empty(grades)
    bars, prices = np.zeros(POINTS, np.int64), np.empty(POINTS)
    series = -1
    for d in range(len(index)):
        series = _series_of(d, series, begins, starts, newest)
        side, t, oldest_row = -kind[d], confirmed_at[d], count
        for g in range(grades):
            at = _newest(newest[g], starts[g, series + 1], index[d], t, major_index, major_confirmed_at)
            if at < starts[g, series]:
                continue
            if at != newest[g]:
                newest[g] = at
                low[g], high[g] = _range_since(major_index[at], d, index, price)
            extreme = _is_extreme(side, price[d], major_price[at], low[g], high[g])
            low[g], high[g] = min(low[g], price[d]), max(high[g], price[d])
            if not asked[t] or major_kind[at] == kind[d] or not extreme:
                continue
            _take_points(at, starts[g, series], major_index, major_price, bars, prices)
            bars[LAST], prices[LAST] = index[d], price[d]
            for variant in range(len(variants)):
                worst = _worst(variant, bars, prices, tables)
                if worst == np.inf:
                    continue
                row = oldest_row
                while row < count and whole[row, PATTERN] != variants[variant, 1]:
                    row += 1
                if row < count and at_least(real[row, STRENGTH], 100 * (1 - worst)):
                    continue
                if row == len(whole):
                    whole, real = _grown(whole, real)
                count = max(count, row + 1)
                whole[row, BAR], whole[row, PATTERN], whole[row, SIDE] = t, variants[variant, 1], side
                for point in range(POINTS):
                    whole[row, POINT_BARS + point] = bars[point]
                _write(variant, worst, side, close[t], prices, tables, real, row)
    return whole[:count], real[:count]
