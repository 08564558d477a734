"""Ideal harmonic shapes are found with the right points, zones and levels, at any scale and pace."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.harmonic_patterns import HARMONICS, harmonics
from crypto_signals.analysis.harmonic_shapes import SHAPES, Shape
from crypto_signals.analysis.panel import Floats
from crypto_signals.analysis.scan import detect, known_hits
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

from .bars import CALM_BARS, calm_then, drawn

BY_NAME = {entry.name: entry for entry in HARMONICS}
BY_SHAPE = {shape.name: shape for shape in SHAPES}
WICK = 0.02
STEP = 1.5
SIZE = 100.0
MIRROR = 700.0


def xabcd(ab: Any, bc: Any, ad: Any) -> list[Any]:
    """X at 0, A at 1: the points of a bullish five-point pattern."""
    b = 1 - ab
    return [0, 1, b, b + bc * ab, 1 - ad]


def abcd(bc: Any, cd: Any) -> list[Any]:
    return [1, 0, bc, bc - cd]


def shark(xa: Any, ab: Any, xc: Any) -> list[Any]:
    return [0, 1, 1 - xa, 1 - xa + ab * xa, 1 - xc]


def cypher(ab: Any, xc: Any, cd: Any) -> list[Any]:
    return [0, 1, 1 - ab, xc, xc - cd * xc]


def five_zero(ab: Any, bc: Any, cd: Any) -> list[Any]:
    return [0, 1, 1 - ab, 1 - ab + bc * ab, 1 - ab + bc * ab * (1 - cd)]


def three_drives(a: Any, two: Any, b: Any, three: Any) -> list[Any]:
    second = a - two * a
    last = second + b * (a - second)
    return [1, 0, a, second, last, last - three * (last - second)]


def elliott(w2: Any, w3: Any, w4: Any, w5: Any) -> list[Any]:
    return [1, 0, w2, w2 - w3, w2 - w3 + w4 * w3, w2 - w3 + w4 * w3 - w5]


class Drawing(NamedTuple):
    """How a bullish shape is built from numbers (or from arrays of them), and the numbers of a good one."""

    points: Callable[..., list[Any]]
    ideal: tuple[float, ...]


DRAWINGS = {
    "abcd": Drawing(abcd, (0.618, 1.0)),
    "gartley": Drawing(xabcd, (0.618, 0.618, 0.786)),
    "bat": Drawing(xabcd, (0.45, 0.6, 0.886)),
    "alternate_bat": Drawing(xabcd, (0.382, 0.86, 1.13)),
    "butterfly": Drawing(xabcd, (0.786, 0.7, 1.27)),
    "crab": Drawing(xabcd, (0.55, 0.7, 1.618)),
    "deep_crab": Drawing(xabcd, (0.886, 0.6, 1.618)),
    "shark": Drawing(shark, (0.5, 1.4, 1.0)),
    "cypher": Drawing(cypher, (0.5, 1.35, 0.786)),
    "five_zero": Drawing(five_zero, (1.3, 1.9, 0.5)),
    "three_drives": Drawing(three_drives, (0.7, 1.4, 0.7, 1.4)),
    "elliott_impulse": Drawing(elliott, (0.5, 1.8, 0.382, 1.0)),
}
MORE_IDEALS = [("abcd", (0.6, 1.27)), ("abcd", (0.5, 1.618)), ("elliott_impulse", (0.4, 0.9, 0.25, 0.7))]
IDEALS = [(name, drawing.ideal) for name, drawing in DRAWINGS.items()] + MORE_IDEALS
SIDES = [Direction.LONG, Direction.SHORT]


def suffixed(name: str, side: Direction) -> str:
    return f"{name}_{'bullish' if side is Direction.LONG else 'bearish'}"


def path(points: Sequence[float], side: Direction, step: float = STEP) -> tuple[Floats, list[int]]:
    """Closes that run through the points at a constant pace, and the bars of the points.

    The first point is reached by a swing, and after the last one the market turns.
    """
    prices = 300 + SIZE * np.array(points)
    if side is Direction.SHORT:
        prices = MIRROR - prices
    up = np.append(np.sign(np.diff(prices)), side.side)
    lead = prices[0] - up[0] * -40.0
    closes = prices + WICK * up
    route = np.append(closes, closes[-1] + side.side * 8 * step)
    before = np.concatenate(([lead], route[:-1]))
    bars = np.maximum(np.ceil(np.abs(route - before) / step).astype(int), 3)
    knots = [(int(count), float(price)) for count, price in zip(bars, route, strict=True)]
    ends = CALM_BARS - 1 + np.cumsum(bars)
    return calm_then(knots, start=float(lead)), ends[:-1].tolist()


def hits(closes: Floats, name: str, scale: float = 1.0) -> Hits:
    series = drawn(closes * scale, wick=WICK * scale)
    return known_hits(Study(series), BY_NAME[name])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("name", "numbers"), IDEALS)
def test_an_ideal_shape_is_found(name: str, numbers: tuple[float, ...], side: Direction) -> None:
    """Once, in its direction alone, with every point where it was drawn, on the bar that turns 1 ATR."""
    closes, bars = path(DRAWINGS[name].points(*numbers), side)
    found = hits(closes, suffixed(name, side))
    assert found.anchors.tolist() == [bars]
    assert found.labels == BY_SHAPE[name].labels
    study = Study(drawn(closes, wick=WICK))
    minor = study.pivots(1.0)
    assert found.index.tolist() == minor.confirmed_at[minor.index == bars[-1]].tolist()
    assert bars[-1] < found.index[0] <= bars[-1] + 4
    assert found.duration_bars.tolist() == [found.index[0] - bars[0]]
    other = Direction.SHORT if side is Direction.LONG else Direction.LONG
    assert bars[-1] not in hits(closes, suffixed(name, other)).anchors[:, -1:]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_scale_does_not_matter(name: str, side: Direction, scale: float) -> None:
    """Prices from a millionth to a million give the same bars, scores and (scaled) zone."""
    closes, _ = path(DRAWINGS[name].points(*DRAWINGS[name].ideal), side)
    plain, scaled = hits(closes, suffixed(name, side)), hits(closes, suffixed(name, side), scale)
    assert scaled.index.tolist() == plain.index.tolist()
    assert scaled.strength == pytest.approx(plain.strength, abs=1e-6)
    assert scaled.zone == pytest.approx(plain.zone * scale)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("stretch", [0.6, 2.0, 4.0])
def test_pace_does_not_matter(name: str, side: Direction, stretch: float) -> None:
    """The same shape in fewer or more bars has the same points."""
    closes, bars = path(DRAWINGS[name].points(*DRAWINGS[name].ideal), side, STEP / stretch)
    assert hits(closes, suffixed(name, side)).anchors.tolist() == [bars]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", DRAWINGS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_noise_below_the_tolerance_does_not_matter(name: str, side: Direction, seed: int) -> None:
    """Every point is found within two bars of where it was drawn."""
    closes, bars = path(DRAWINGS[name].points(*DRAWINGS[name].ideal), side)
    noise = np.random.default_rng(seed).normal(0, 0.1, len(closes))
    found = hits(closes + noise, suffixed(name, side))
    assert (np.abs(found.anchors - np.array(bars)).max(axis=1) <= 2).any()


STRUCTURES = {
    "abcd": 400 - 100 * (1 - 0.618) - 100 * 1.27,
    "gartley": 300,
    "bat": 300,
    "alternate_bat": 400 - 127,
    "butterfly": 400 - 141.4,
    "crab": 400 - 200,
    "deep_crab": 400 - 200,
    "shark": 400 - 127,
    "cypher": 300,
    "five_zero": 270 + 1.9 * 130 * (1 - 0.618),
}


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", STRUCTURES)
def test_the_structure_is_the_documented_ratio(name: str, side: Direction) -> None:
    """X, or the next harmonic ratio of the leg that defines the last point."""
    closes, _ = path(DRAWINGS[name].points(*DRAWINGS[name].ideal), side)
    (structure,) = hits(closes, suffixed(name, side)).structure
    assert structure == pytest.approx(
        STRUCTURES[name] if side is Direction.LONG else MIRROR - STRUCTURES[name]
    )


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", DRAWINGS)
def test_zone_and_levels_make_sense(name: str, side: Direction) -> None:
    """The last point lies in the zone; stop, entry and targets follow one another; the role is context."""
    closes, bars = path(DRAWINGS[name].points(*DRAWINGS[name].ideal), side)
    series = drawn(closes, wick=WICK)
    entry = BY_NAME[suffixed(name, side)]
    (found,) = detect(series, [entry])
    low, high = entry(Study(series)).zone[0]
    assert low <= found.anchors[-1].price <= high
    ladder = [side.side * price for price in (found.stop, found.entry, *found.targets)]
    assert ladder == sorted(ladder)
    assert (found.family, found.role, found.direction) == (Family.HARMONIC, Role.CONTEXT, side)
    assert found.index > bars[-1]


def test_the_zone_of_a_gartley() -> None:
    """From the 0.786 of XA to the nearest harmonic projection of BC, each with the tolerance."""
    closes, _ = path(xabcd(0.618, 0.618, 0.786), Direction.LONG)
    ((low, high),) = hits(closes, "gartley_bullish").zone
    bc = 61.8 * 0.618
    c = 400 - 61.8 + bc
    levels = [400 - 78.6 * 1.05, 400 - 78.6 * 0.95, c - 1.414 * bc * 1.05, c - 1.414 * bc * 0.95]
    assert (low, high) == (pytest.approx(min(levels)), pytest.approx(max(levels)))


def test_targets_are_parts_of_the_way_back() -> None:
    """38.2 and 61.8 % of AD, then A itself."""
    closes, _ = path(xabcd(0.55, 0.7, 1.618), Direction.LONG)
    (found,) = detect(drawn(closes, wick=WICK), [BY_NAME["crab_bullish"]])
    ad = 161.8
    assert found.targets == pytest.approx([400 - ad + part * ad for part in (0.382, 0.618, 1.0)])


def test_strength_falls_to_nothing_at_the_edge_of_the_tolerance() -> None:
    """100 for ideal ratios; half a tolerance away 50; beyond it nothing; a wider tolerance takes more."""
    scores = []
    for miss in (0.0, 0.025, 0.049, 0.06):
        closes, _ = path(xabcd(0.618 * (1 + miss), 0.618, 0.786), Direction.LONG)
        scores.append(hits(closes, "gartley_bullish").strength.tolist())
    assert scores[0] == [pytest.approx(100, abs=0.5)]
    assert scores[1] == [pytest.approx(50, abs=0.5)]
    assert scores[2] == [pytest.approx(2, abs=0.5)]
    assert scores[3] == []
    wide = {entry.name: entry for entry in harmonics(0.1)}["gartley_bullish"]
    assert wide(Study(drawn(closes, wick=WICK))).strength == pytest.approx([40], abs=0.5)


def test_unequal_times_are_no_abcd() -> None:
    """A CD that takes four times the bars of AB is refused, one of twice the bars scores less."""
    closes, bars = path(abcd(0.618, 1.0), Direction.LONG)
    scores = []
    for stretch in (1, 2, 4):
        last = np.interp(
            np.arange(stretch * (bars[3] - bars[2])) / stretch,
            np.arange(len(closes) - bars[2]),
            closes[bars[2] :],
        )
        slow = np.concatenate((closes[: bars[2]], last, closes[bars[3] :]))
        scores.append(hits(slow, "abcd_bullish").strength.tolist())
    assert scores[0] == [pytest.approx(100, abs=1)]
    assert 0 < scores[1][0] < 70
    assert scores[2] == []


@pytest.mark.parametrize("tolerance", [0.0, -0.05, 0.11, float("nan")])
def test_a_tolerance_that_means_nothing_is_refused(tolerance: float) -> None:
    """Zero finds nothing, more than 10 % finds everything."""
    with pytest.raises(ValueError, match="harmonic tolerance"):
        harmonics(tolerance)


def test_the_catalogue_states_ratios_and_tolerance() -> None:
    """Each definition names every ratio; all twelve shapes are there in both directions."""
    assert len(HARMONICS) == 2 * len(SHAPES) == 24
    for shape in SHAPES:
        for side in SIDES:
            definition = BY_NAME[suffixed(shape.name, side)].definition
            assert "5 %" in definition
            assert all(str(ratio) in definition for variant in shape.variants for ratio in variant.ratios)
    assert (
        "AB/XA 0.618, BC/AB 0.382–0.886, CD/BC 1.13–1.618, AD/XA 0.786"
        in BY_NAME["gartley_bullish"].definition
    )
    assert "3 %" in harmonics(0.03)[2].definition


C = (0.382, 0.886)
PUBLISHED = {
    "abcd": {"BC/AB": C, "CD/AB": (1, 1), "CD/BC": (1.13, 2.618)},
    "gartley": {"AB/XA": (0.618, 0.618), "BC/AB": C, "CD/BC": (1.13, 1.618), "AD/XA": (0.786, 0.786)},
    "bat": {"AB/XA": (0.382, 0.5), "BC/AB": C, "CD/BC": (1.618, 2.618), "AD/XA": (0.886, 0.886)},
    "alternate_bat": {"AB/XA": (0.236, 0.382), "BC/AB": C, "CD/BC": (2, 3.618), "AD/XA": (1.13, 1.13)},
    "butterfly": {"AB/XA": (0.786, 0.786), "BC/AB": C, "CD/BC": (1.618, 2.24), "AD/XA": (1.27, 1.27)},
    "crab": {"AB/XA": (0.382, 0.618), "BC/AB": C, "CD/BC": (2.24, 3.618), "AD/XA": (1.618, 1.618)},
    "deep_crab": {"AB/XA": (0.886, 0.886), "BC/AB": C, "CD/BC": (2.24, 3.618), "AD/XA": (1.618, 1.618)},
    "shark": {
        "XA/0X": (0.382, 0.618), "AB/XA": (1.13, 1.618), "BC/AB": (1.618, 2.24), "XC/0X": (0.886, 1.13),
    },
    "cypher": {"AB/XA": (0.382, 0.618), "XC/XA": (1.272, 1.414), "CD/XC": (0.786, 0.786)},
    "five_zero": {
        "AB/XA": (1.13, 1.618), "BC/AB": (1.618, 2.24), "CD/BC": (0.5, 0.5), "CD/AB": (0.809, 1.12),
    },
    "three_drives": {
        "1A/01": (0.618, 0.786), "A2/1A": (1.272, 1.618), "2B/A2": (0.618, 0.786), "B3/2B": (1.272, 1.618),
    },
}  # fmt: skip
"""Carney's and Oglesbee's ratios, as tables of their patterns give them (see `harmonic_shapes`)."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_ideal_ratios_are_the_published_ones(name: str) -> None:
    """Ideal from the least to the most of what is published, for every leg that is."""
    ratios = BY_SHAPE[name].variants[0].ratios
    prices = {f"{ratio.leg}/{ratio.of}": (ratio.low, ratio.high) for ratio in ratios if not ratio.in_time}
    assert prices == PUBLISHED[name]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_every_leg_is_tied_down(shape: Shape) -> None:
    """The ratios of each variant leave no point free: from the first two, all others follow, within bands."""
    for variant in shape.variants:
        known = set(shape.points[:2])
        ratios = [{*ratio.leg, *ratio.of} for ratio in variant.ratios if not ratio.in_time]
        for _ in shape.points:
            known |= {point for points in ratios if len(points - known) == 1 for point in points}
        assert known == set(shape.points)


def test_unequal_times_are_no_three_drives() -> None:
    """A third drive that takes four times the bars of the second is refused."""
    closes, bars = path(three_drives(0.7, 1.4, 0.7, 1.4), Direction.LONG)
    assert len(hits(closes, "three_drives_bullish"))
    last = np.repeat(closes[bars[4] : bars[5]], 4)
    slow = np.concatenate((closes[: bars[4]], last, closes[bars[5] :]))
    assert not len(hits(slow, "three_drives_bullish"))
