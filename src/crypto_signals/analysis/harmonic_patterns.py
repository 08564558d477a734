"""Harmonic patterns on confirmed pivots: context, known on the bar that confirms their last point.

A pattern's points before the last are consecutive pivots of one grade: reversals of 1.5, 2.5 or 4 ATR. Its
last point is confirmed by the first reversal of 1 ATR, whatever the grade: a reversal of 4 ATR would confirm
it when most of the move is over. If the market then goes further, the shape may complete once more, with a
new last point. One bar gives at most one hit of a pattern: the cleanest.

Every ratio of `harmonic_shapes` may miss its ideal by ``tolerance``, relative to the ratio. The default of
5 % keeps every D apart: 0.786 × 1.05 and 0.886 × 0.95 do not meet, while at 6 % one D may be that of a
Gartley and of a Bat; at 3 % a Gartley occurs less than once in 5,000 bars. Strength is 100 when all ratios
are ideal, and 0 when the worst one is at the edge of what is allowed.

- **Reversal zone**: from the lowest to the highest of the levels that the ratios of the last leg project
  (where a ratio may be several, the nearest to the last point), each ± the tolerance; with the last point.
- **Structure**, whose loss refutes: X for Gartley, Bat and Cypher; a further harmonic ratio of the leg that
  defines the last point for the others: 1.27 XA for the Alternate Bat, 1.414 XA for the Butterfly, 2 XA for
  both Crabs, 1.27 0X for the Shark, 0.618 BC for the 5-0, 1.27, 1.618 or 2 AB for ABCD, twice the last
  retracement for Three Drives; the end of wave 5 for Elliott.
- **Targets**: of 38.2, 61.8, 100, 127.2, 161.8 and 261.8 % of AD, from D, the first three beyond the close.
  For Shark, Cypher and 5-0 of the last leg, for Three Drives and Elliott of the whole move.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import CANDLESTICK_GATES, Detector, Find, detector
from crypto_signals.analysis.harmonic_kernel import (
    BAR,
    PATTERN,
    POINT_BARS,
    POINT_PRICES,
    POINTS,
    SIDE,
    STRENGTH,
    STRUCTURE,
    TARGETS,
    ZONE,
    Tables,
    find_harmonics,
)
from crypto_signals.analysis.harmonic_shapes import SHAPES, Shape, Variant
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

GRADES = (1.5, 2.5, 4.0)
"""The reversals, in ATR, that make the swings of a pattern."""
CONFIRMING_ATRS = 1.0
"""The reversal that confirms the last point."""
TOLERANCE = 0.05
MAX_TOLERANCE = 0.1


class _Found(NamedTuple):
    """All harmonics of one series, in the order of their detectors; ``starts[n]``: the rows of detector n."""

    whole: Ints
    real: Floats
    starts: Ints


def _leg(points: str, leg: str) -> tuple[int, int]:
    """The numbers of a leg's two points among the last six."""
    offset = POINTS - len(points)
    return offset + points.index(leg[0]), offset + points.index(leg[1])


def _legs(points: str, leg: str, of: str) -> tuple[tuple[int, int, int, int], float]:
    """A ratio's four points, and its sign: legs from the same kind of point run the same way."""
    (i, j), (k, l) = _leg(points, leg), _leg(points, of)  # noqa: E741
    return (i, j, k, l), 1.0 if (i - k) % 2 == 0 else -1.0


def _ends(shape: Shape, variant: Variant) -> tuple[int, int, int, int]:
    """Where the targets are measured from, and the three points that give the structure."""
    (start, _, of, to), _ = _legs(shape.points, *variant.refuted[:2])
    return _leg(shape.points, shape.origin * 2)[0], start, of, to


def _tables(tolerance: float) -> Tables:
    """The shapes as the kernel wants them."""
    variants = [(number, shape, variant) for number, shape in enumerate(SHAPES) for variant in shape.variants]
    rows = [(shape.points, ratio) for _, shape, variant in variants for ratio in variant.ratios]
    legs = [_legs(points, ratio.leg, ratio.of) for points, ratio in rows]
    bands = [
        (ratio.allowed(tolerance)[0], ratio.low, ratio.high, ratio.allowed(tolerance)[1], sign)
        for (_, ratio), (_, sign) in zip(rows, legs, strict=True)
    ]
    most = max(len(ratio.levels) for _, ratio in rows)
    refuted = [_legs(shape.points, *variant.refuted[:2]) for _, shape, variant in variants]
    ends = np.cumsum([len(variant.ratios) for _, _, variant in variants])
    return Tables(
        legs=np.array(
            [(*four, ratio.in_time) for (_, ratio), (four, _) in zip(rows, legs, strict=True)], np.int64
        ),
        bands=np.array(bands),
        levels=np.array([ratio.levels + (np.nan,) * (most - len(ratio.levels)) for _, ratio in rows]),
        variants=np.array(
            [
                (len(shape.points), number, end - len(variant.ratios), end, *_ends(shape, variant))
                for (number, shape, variant), end in zip(variants, ends, strict=True)
            ],
            np.int64,
        ),
        refuted=np.array(
            [sign * variant.refuted[2] for (_, _, variant), (_, sign) in zip(variants, refuted, strict=True)]
        ),
        tolerance=tolerance,
    )


def _find_all(study: Study, tables: Tables) -> _Found:
    minor = study.pivots(CONFIRMING_ATRS)
    grades = [study.pivots(grade) for grade in GRADES]
    whole, real = find_harmonics(
        study.series.close,
        *minor.columns,
        minor.starts,
        np.concatenate([grade.index for grade in grades]),
        np.concatenate([grade.price for grade in grades]),
        np.concatenate([grade.kind for grade in grades]),
        np.concatenate([grade.confirmed_at for grade in grades]),
        np.stack([grade.starts for grade in grades]) + np.cumsum([0, *map(len, grades)])[:-1, None],
        study.asked,
        tables,
    )
    number = 2 * whole[:, PATTERN] + (whole[:, SIDE] < 0)
    order = np.argsort(number, kind="stable")
    return _Found(whole[order], real[order], np.searchsorted(number[order], np.arange(2 * len(SHAPES) + 1)))


def _finder(number: int, shape: Shape, tables: Tables) -> Find:
    points = len(shape.points)
    key = ("harmonics", tables.tolerance)

    def find(study: Study) -> Hits:
        found = study.keep(key, lambda: _find_all(study, tables))
        rows = slice(found.starts[number], found.starts[number + 1])
        whole, real = found.whole[rows], found.real[rows]
        if not len(whole):
            return Hits.none()
        anchors = whole[:, POINT_BARS + POINTS - points :]
        return Hits.of(
            whole[:, BAR],
            strength=real[:, STRENGTH],
            structure=real[:, STRUCTURE],
            targets=real[:, TARGETS : TARGETS + 3],
            zone=real[:, ZONE : ZONE + 2],
            duration_bars=whole[:, BAR] - anchors[:, 0],
            anchors=anchors,
            anchor_prices=real[:, POINT_PRICES + POINTS - points :],
            labels=shape.labels,
        )

    return find


def _definition(shape: Shape, tolerance: float) -> str:
    """The ratios in words, and how exact they must be."""
    variants = "; or ".join(", ".join(map(str, variant.ratios)) for variant in shape.variants)
    exact = any(ratio.limits for variant in shape.variants for ratio in variant.ratios)
    except_for = ", but not those above, below or in bars" if exact else ""
    words = (
        f"Swings {', '.join(shape.labels)} with {variants}.",
        f"Ratios may miss by {100 * tolerance:g} %{except_for}.",
        shape.rule,
    )
    return " ".join(words).strip()


def harmonics(tolerance: float = TOLERANCE) -> tuple[Detector, ...]:
    """Every harmonic detector, bullish before bearish, with ratios that may miss by ``tolerance``.

    0.03 means 3 % of the ratio. Raises ValueError for a tolerance that is not above 0 and at most 0.1: wider
    ones take any zigzag for a pattern.

    >>> [entry.name for entry in harmonics(0.03)][2:4]
    ['gartley_bullish', 'gartley_bearish']
    """
    if not 0 < tolerance <= MAX_TOLERANCE:
        raise ValueError(f"a harmonic tolerance lies above 0 and is at most {MAX_TOLERANCE}, not {tolerance}")
    tables = _tables(tolerance)
    found = (
        detector(
            f"{shape.name}_{suffix}",
            family=Family.HARMONIC,
            direction=direction,
            role=Role.CONTEXT,
            gates=CANDLESTICK_GATES,
            definition=_definition(shape, tolerance),
            source=shape.source,
        )(_finder(2 * number + side, shape, tables))
        for number, shape in enumerate(SHAPES)
        for side, (suffix, direction) in enumerate(
            (("bullish", Direction.LONG), ("bearish", Direction.SHORT))
        )
    )
    return tuple(replace(entry, tolerance=tolerance) for entry in found)


HARMONICS = harmonics()
"""Every harmonic detector with the default tolerance."""
