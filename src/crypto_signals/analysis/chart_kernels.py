"""The compiled walk behind the chart detectors: pivots as they are confirmed, a pending shape, its breakout.

Everything is written for the bullish pattern; the bearish one is the same code on negated prices, where a
high is minus a low. Cost is linear in the bars: no shape is looked for further back than 250 bars.

A walk takes one series, or several that lie end to end: ``offsets`` says where the bars of each begin, and
``starts`` of `Marks` where its pivots do. No walk looks beyond its series.
"""

from typing import NamedTuple, TypeAlias, cast

import numpy as np

from crypto_signals.analysis.chart_setups import Setup, Swings, line_at, nothing
from crypto_signals.analysis.chart_shapes import look, pivots_of
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.ties import is_above
from crypto_signals.compile_cache import njit

MAX_ANCHORS = 6
STOP_ATRS = 0.1
"""How far beyond the last minor low a breakout's stop lies."""
FIRST_MOVE, SECOND_MOVE, THIRD_MOVE = 0.5, 1.0, 1.5
"""The targets, in heights of the pattern above the entry."""
NONE_YET = cast("int", np.int64(0))
"""Where a count of hits starts. For a plain 0 numba would compile the walk a second time."""


class Rows(NamedTuple):
    """What a walk has found so far: as many rows as there could be, of which the first are used.

    ``levels`` are structure, stop, neckline and three targets.
    """

    bars: Ints
    strength: Floats
    levels: Floats
    anchors: Ints
    prices: Floats


class Marks(NamedTuple):
    """Pivots of several series, in the order of `Pivots.columns`; ``starts`` is where those of each begin."""

    bar: Ints
    price: Floats
    kind: Ints
    confirmed_at: Ints
    starts: Ints


Found: TypeAlias = tuple[Rows, Ints]
"""The rows of several shapes, one shape after the other, and where those of each end."""


@njit(cache=True, nogil=True, error_model="numpy")
def rows(room: int) -> Rows:
    """Room for so many hits."""
    return Rows(
        np.empty(room, np.int64),
        np.empty(room, np.float64),
        np.empty((room, 6), np.float64),
        np.empty((room, MAX_ANCHORS), np.int64),
        np.empty((room, MAX_ANCHORS), np.float64),
    )


@njit(cache=True, nogil=True, error_model="numpy")
def enter(
    found: Rows,
    row: int,
    anchor: int,
    t: int,
    close: float,
    strength: float,
    structure: float,
    stop: float,
    neckline: float,
    height: float,
) -> None:
    """Write the levels of a breakout at bar ``t``, and the breakout as anchor number ``anchor``."""
    found.bars[row] = t
    found.strength[row] = max(0.0, min(100.0, strength))
    found.levels[row, 0] = structure
    found.levels[row, 1] = stop
    found.levels[row, 2] = neckline
    found.levels[row, 3] = close + FIRST_MOVE * height
    found.levels[row, 4] = close + SECOND_MOVE * height
    found.levels[row, 5] = close + THIRD_MOVE * height
    found.anchors[row, anchor] = t
    found.prices[row, anchor] = close


@njit(cache=True, nogil=True, error_model="numpy")
def marks_of(row: int, marks: Marks) -> tuple[Swings, Ints]:
    """The pivots of one series, and when each was confirmed."""
    start, end = marks.starts[row], marks.starts[row + 1]
    swings = Swings(marks.bar[start:end], marks.price[start:end], marks.kind[start:end])
    return swings, marks.confirmed_at[start:end]


@njit(cache=True, nogil=True, error_model="numpy")
def minor_stop(t: int, since: int, atr: float, minor: Swings, confirmed_at: Ints) -> float:
    """0.1 ATR under the last minor low known at bar ``t``; NaN if it was not made after ``since``."""
    last, end = -1, len(confirmed_at)
    while end - last > 1:
        middle = (last + end) // 2
        if confirmed_at[middle] <= t:
            last = middle
        else:
            end = middle
    if last >= 0 and minor.kind[last] > 0:
        last -= 1
    if last < 0 or minor.bar[last] <= since:
        return np.nan
    return float(minor.price[last] - STOP_ATRS * atr)


@njit(cache=True, nogil=True, error_model="numpy")
def closed_above(close: Floats, start: int, stop: int, setup: Setup) -> bool:
    """Whether a bar from ``start`` to ``stop - 1`` closed above the setup's line."""
    for t in range(start, stop):
        line = line_at(t, setup.start, setup.start_price, setup.end, setup.end_price)
        if is_above(close[t], line):
            return True
    return False


@njit(cache=True, nogil=True, error_model="numpy")
def _walk(
    shape: int,
    close: Floats,
    atr: Floats,
    swings: Swings,
    confirmed_at: Ints,
    minor: Swings,
    minor_confirmed_at: Ints,
    found: Rows,
    count: int,
) -> int:
    """Enter the breakouts of one shape; the new count."""
    index, price, _ = swings
    pivots = pivots_of(shape)
    chosen = np.zeros(5, np.int64)
    fresh = np.zeros(5, np.int64)
    setup = nothing()
    for seen in range(4, len(index)):
        known = confirmed_at[seen]
        candidate = look(shape, seen, swings, close, atr[known], fresh)
        if candidate.found and not closed_above(close, candidate.since + 1, known, candidate):
            setup = candidate
            for at in range(pivots):
                chosen[at] = fresh[at]
        until = confirmed_at[seen + 1] if seen + 1 < len(index) else len(close)
        t = known
        while setup.found and t < until:
            line = line_at(t, setup.start, setup.start_price, setup.end, setup.end_price)
            dropped = close[t] < setup.structure or t > setup.deadline
            broken = is_above(close[t], line)
            if not dropped and broken and is_above(line, setup.structure) and t >= setup.earliest:
                for at in range(pivots):
                    found.anchors[count, at] = index[chosen[at]]
                    found.prices[count, at] = price[chosen[at]]
                stop = np.nan
                if setup.minor_stop:
                    stop = minor_stop(t, index[chosen[pivots - 1]], atr[t], minor, minor_confirmed_at)
                levels = setup.structure, stop, line, setup.height
                enter(found, count, pivots, t, close[t], setup.strength, *levels)
                count += 1
            if dropped or broken:
                setup = nothing()
            t += 1
    return count


@njit(cache=True, nogil=True, error_model="numpy")
def pivot_breakouts(
    first_shape: int,
    last_shape: int,
    close: Floats,
    atr: Floats,
    offsets: Ints,
    marks: Marks,
    minor_marks: Marks,
) -> Found:
    """Every breakout of the shapes of that range, all of which stand on the last of the given pivots.

    When a pivot is confirmed a shape is looked for among the last ones; a newer one replaces the one that is
    pending. It fires on the first close above its line, and is dropped by a close under its structure, or
    when its patience ends. One whose line a bar closed above after its last high, before it could be known,
    is none. Minor pivots are those that a stop can hide behind.
    """
    shapes = last_shape - first_shape + 1
    found = rows(len(marks.bar) * shapes)
    ends = np.empty(shapes, np.int64)
    count = NONE_YET
    for at in range(shapes):
        for row in range(len(offsets) - 1):
            swings, confirmed_at = marks_of(row, marks)
            minor, minor_confirmed_at = marks_of(row, minor_marks)
            count = _walk(
                first_shape + at, close[: offsets[row + 1]], atr, swings, confirmed_at, minor,
                minor_confirmed_at, found, count,
            )  # fmt: skip
        ends[at] = count
    return found, ends
