"""With one leg ratio moved out of its band no pattern is found: every end of every band."""

from functools import cache

import numpy as np
import pytest

from crypto_signals.analysis.harmonic_patterns import TOLERANCE
from crypto_signals.analysis.harmonic_shapes import SHAPES, Ratio, Shape, Variant
from crypto_signals.analysis.panel import Bools, Floats
from crypto_signals.domain.vocabulary import Direction

from .test_harmonic_patterns import BY_SHAPE, DRAWINGS, IDEALS, SIDES, hits, path, suffixed


def legs(shape: Shape, ratio: Ratio) -> tuple[tuple[int, int], tuple[int, int]]:
    """The point numbers of a ratio's two legs."""
    leg, of = ratio.leg, ratio.of
    at = shape.points.index
    return (at(leg[0]), at(leg[1])), (at(of[0]), at(of[1]))


def value(shape: Shape, ratio: Ratio, points: Floats) -> Floats:
    """The ratio in each row of points, or in bars drawn at a constant pace; NaN when the legs run wrong."""
    (i, j), (k, l) = legs(shape, ratio)  # noqa: E741 - the points of two legs
    if ratio.in_time:
        return np.abs(points[:, j] - points[:, i]) / np.abs(points[:, l] - points[:, k])
    same_way = (i % 2 == k % 2) == (
        np.sign(points[:, j] - points[:, i]) == np.sign(points[:, l] - points[:, k])
    )
    return np.where(
        same_way, np.abs(points[:, j] - points[:, i]) / np.abs(points[:, l] - points[:, k]), np.nan
    )


def violations(shape: Shape, variant: Variant, points: Floats, margin: float) -> Bools:
    """bool[ratios, rows]: which ratios lie further than ``margin`` beyond what is allowed."""
    columns = []
    for ratio in variant.ratios:
        least, most = ratio.allowed(TOLERANCE)
        found = value(shape, ratio, points)
        columns.append(~((found >= least * (1 - margin)) & (found <= most * (1 + margin))))
    return np.array(columns)


def bands() -> list[tuple[str, int, int, str]]:
    """Every end of every band that a price can pass: shape, variant, ratio, which end."""
    return [
        (shape.name, v, r, end)
        for shape in SHAPES
        for v, variant in enumerate(shape.variants)
        for r, ratio in enumerate(variant.ratios)
        for end, edge in zip(("low", "high"), ratio.allowed(TOLERANCE), strict=True)
        if not ratio.in_time and 0 < edge < np.inf
    ]


@cache
def samples(name: str) -> Floats:
    """Many ways to draw a shape: each number near its ideal or far from it; alternating swings alone."""
    drawing = DRAWINGS[name]
    rng = np.random.default_rng(5)
    ideals = np.array([ideal for shape, ideal in IDEALS if shape == name])
    rows = ideals[rng.integers(0, len(ideals), 60_000)]
    near, far = rows * rng.uniform(0.8, 1.2, rows.shape), rng.uniform(0.1, 3.0, rows.shape)
    numbers = np.where(rng.random(rows.shape) < 0.3, rows, np.where(rng.random(rows.shape) < 0.7, near, far))
    points = drawing.points(*numbers.T)
    columns = np.column_stack([np.broadcast_to(np.asarray(point, np.float64), len(rows)) for point in points])
    turns = np.diff(columns, axis=1)
    swings = (np.sign(turns[:, :-1]) == -np.sign(turns[:, 1:])).all(axis=1) & (turns[:, -1] < 0)
    sized = (np.abs(turns).min(axis=1) > 0.08) & (columns.min(axis=1) > -2.5) & (columns.max(axis=1) < 3.5)
    return columns[swings & sized]


def broken(name: str, v: int, r: int, end: str) -> Floats:
    """A shape with one ratio beyond one end of its band and the others, as far as can be, within theirs."""
    shape = BY_SHAPE[name]
    variant, points = shape.variants[v], samples(name)
    ratio = variant.ratios[r]
    least, most = ratio.allowed(TOLERANCE)
    found = value(shape, ratio, points)
    beyond = (found < least * 0.97) if end == "low" else (found > most * 1.03)
    clear = np.all([violations(shape, each, points, 0.02).any(axis=0) for each in shape.variants], axis=0)
    rows = np.flatnonzero(beyond & clear)
    others = violations(shape, variant, points[rows], 0.0).sum(axis=0)
    return points[rows[np.argmin(others)]]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("name", "v", "r", "end"), bands())
def test_a_ratio_beyond_its_band_is_refused(name: str, v: int, r: int, end: str, side: Direction) -> None:
    """One ratio moved out of its band, low or high: no such pattern ends at the last point."""
    closes, bars = path(broken(name, v, r, end).tolist(), side)
    assert bars[-1] not in hits(closes, suffixed(name, side)).anchors[:, -1:]


@pytest.mark.parametrize("name", [name for name in DRAWINGS if name != "abcd"])
def test_each_ratio_counts_by_itself(name: str) -> None:
    """For most bands a shape exists in which that ratio alone is wrong: the refusal above is its doing.

    Not of an ABCD: any two of its three ratios give the third.
    """
    shape = BY_SHAPE[name]
    alone = 0
    mine = [band for band in bands() if band[0] == name and band[1] == 0]
    for _, v, r, end in mine:
        wrong = violations(shape, shape.variants[v], broken(name, v, r, end)[None, :], 0.0)[:, 0]
        assert wrong[r]
        alone += int(wrong.sum() == 1)
    assert alone >= 0.6 * len(mine)
