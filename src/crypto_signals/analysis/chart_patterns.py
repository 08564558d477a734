"""Chart patterns on confirmed pivots: each fires once, on the bar whose close breaks out.

The rules of each shape, with their sources and numbers, stand in `chart_shapes`, `chart_lines`, `chart_flags`
and `chart_bowls`. Common to all:

* The breakout is the first close beyond the line once every pivot is confirmed, and the signal's bar. A shape
  is dropped by a close beyond its structure, and when it has waited too long.
* Targets: 50, 100 and 150 % of the pattern's height from the entry.
* Stop: flags and pennants 1 % beyond their low; heads and shoulders and cups 0.1 ATR beyond their structure.
  Elsewhere a stop beyond the whole pattern would be further away than target 2, so it lies 0.1 ATR beyond the
  last minor swing (reversal 1 ATR) since the last pivot, and beyond the structure only if there is none.
* Strength: 100 for a perfect shape, 0 at the edge of what the definition allows.
* The bearish pattern is the bullish one on negated prices, exactly.
* A price that meets a computed line or measure to a part in a thousand million is tied with it (`ties`): what
  may be as much as something else may be a tie, a breakout must be more.

What a hit stands on reaches back at most 250 bars before its last pivot. A history that starts later gives
the same hits among those whose first anchor lies past its own warm-up (two walks over the same bars soon meet
in a common pivot, and agree from there on); what stands on bars before that, it cannot see.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

import numpy as np

from crypto_signals.analysis.chart_bowls import bowl_breakouts
from crypto_signals.analysis.chart_flags import flag_breakouts
from crypto_signals.analysis.chart_kernels import Found, Marks, Rows, pivot_breakouts
from crypto_signals.analysis.chart_table import (
    BOWL_ENTRIES,
    LINE_ENTRIES,
    MINOR_SWING_ATRS,
    POLE_ENTRIES,
    SWING_ENTRIES,
    Entry,
)
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import Detector, Find, detector
from crypto_signals.analysis.panel import Floats
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family

SIDES = (Direction.LONG, Direction.SHORT)


def _bars(study: Study, side: int) -> tuple[Floats, Floats, Floats]:
    """High, low and close, or for shorts their mirror image: negated, with highs and lows exchanged."""
    bars = study.series
    if side > 0:
        return bars.high, bars.low, bars.close
    return study.keep("mirrored bars", lambda: (-bars.low, -bars.high, -bars.close))


def _swings(study: Study, side: int, reversal: float) -> Marks:
    """The pivots, or their mirror image."""
    pivots = study.pivots(reversal)
    index, price, kind, confirmed_at = pivots.columns
    if side > 0:
        return Marks(index, price, kind, confirmed_at, pivots.starts)
    return study.keep(
        ("mirrored pivots", reversal), lambda: Marks(index, -price, -kind, confirmed_at, pivots.starts)
    )


class Table(NamedTuple):
    """The hits of several shapes on one side, in prices of the market; ``ends`` is where each shape's end."""

    rows: Rows
    zone: Floats
    ends: list[int]


def _table(found: Found, side: int) -> Table:
    """What a kernel found, cut to what it used and turned back from the mirror."""
    rows, ends = found
    used = ends.tolist()
    count = used[-1]
    levels, prices = rows.levels[:count], rows.prices[:count]
    if side < 0:
        levels, prices = -levels, -prices
    kept = Rows(rows.bars[:count], rows.strength[:count], levels, rows.anchors[:count], prices)
    return Table(kept, np.full((count, 2), np.nan), used)


def _on_pivots(study: Study, side: int, group: tuple[Entry, ...]) -> Table:
    _, _, close = _bars(study, side)
    swings, minor = _swings(study, side, group[0].swing), _swings(study, side, MINOR_SWING_ATRS)
    first, last = group[0].shape, group[-1].shape
    return _table(pivot_breakouts(first, last, close, study.atr(), study.offsets, swings, minor), side)


def _behind_poles(study: Study, side: int, group: tuple[Entry, ...]) -> Table:
    swings = _swings(study, side, group[0].swing)
    return _table(flag_breakouts(*_bars(study, side), study.atr(), study.offsets, swings), side)


def _bowls(study: Study, side: int, group: tuple[Entry, ...]) -> Table:
    _, low, close = _bars(study, side)
    swings, minor = _swings(study, side, group[0].swing), _swings(study, side, MINOR_SWING_ATRS)
    return _table(bowl_breakouts(low, close, study.atr(), study.offsets, swings, minor), side)


Group: TypeAlias = tuple[Callable[[Study, int, tuple[Entry, ...]], Table], tuple[Entry, ...]]

GROUPS: tuple[Group, ...] = (
    (_on_pivots, SWING_ENTRIES),
    (_on_pivots, LINE_ENTRIES),
    (_behind_poles, POLE_ENTRIES),
    (_bowls, BOWL_ENTRIES),
)
"""Shapes that one walk finds together, in the order in which it gives them."""


def _one_of(group: Group, place: int, side: int) -> Find:
    """Finds one shape of a group; the others are found in the same walk, and kept for their detectors."""
    walk, entries = group
    key = ("chart", entries[0].names[0], side)
    labels = entries[place].labels[side < 0]

    def find(study: Study) -> Hits:
        rows, zone, ends = study.keep(key, lambda: walk(study, side, entries))
        start, end = ends[place - 1] if place else 0, ends[place]
        if start == end:
            return Hits.none()
        bars, levels = rows.bars[start:end], rows.levels[start:end]
        anchors = rows.anchors[start:end, : len(labels)]
        return Hits(
            bars,
            rows.strength[start:end],
            levels[:, 0],
            levels[:, 1],
            levels[:, 3:],
            levels[:, 2],
            zone[start:end],
            bars - anchors[:, 0],
            anchors,
            rows.prices[start:end, : len(labels)],
            labels,
        )

    return find


def _both(group: Group, place: int) -> Iterator[Detector]:
    """The bullish detector of a shape, then the bearish one."""
    entry = group[1][place]
    for name, direction, definition in zip(entry.names, SIDES, entry.definitions, strict=True):
        yield detector(
            name,
            family=Family.CHART,
            direction=direction,
            gates=entry.gates,
            definition=definition,
            source=entry.source,
        )(_one_of(group, place, direction.side))


CHART_PATTERNS = tuple(
    found for group in GROUPS for place in range(len(group[1])) for found in _both(group, place)
)
"""Every chart detector, the bullish one of each shape before the bearish."""
