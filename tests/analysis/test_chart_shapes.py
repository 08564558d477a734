"""Textbook shapes are found with the right anchors on the right bar; with one rule broken they are not."""

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import detect
from crypto_signals.domain.vocabulary import Direction, Family, Role

from .shapes import AXIS, BROKEN, CUP, DOUBLE, DRAWINGS, FLAG, FLAT_TOP, HEAD, Drawing, anchor_bars

both_directions = pytest.mark.parametrize("mirrored", [False, True], ids=["bullish", "bearish"])
each_drawing = pytest.mark.parametrize("drawing", DRAWINGS, ids=lambda drawing: drawing.bullish)


def found_in(drawing: Drawing, series: Series, *, mirrored: bool) -> list[Detection]:
    return detect(series, [CATALOGUE[drawing.name(mirrored=mirrored)]])


def test_there_is_a_drawing_of_every_chart_pattern() -> None:
    """No detector goes untested, in either direction."""
    drawn = {drawing.name(mirrored=mirrored) for drawing in DRAWINGS for mirrored in (False, True)}
    assert drawn == {entry.name for entry in CATALOGUE if entry.family is Family.CHART}
    assert {drawing.bullish for drawing, _, _ in BROKEN} == {drawing.bullish for drawing in DRAWINGS}


@both_directions
@each_drawing
def test_a_textbook_shape_stands_on_its_vertices(drawing: Drawing, mirrored: bool) -> None:
    """One detection; its anchors lie where they were drawn, its bar is the first to close beyond the line."""
    series = drawing.bars(mirrored=mirrored)
    (found,) = found_in(drawing, series, mirrored=mirrored)
    ends, bars, side = drawing.ends(), anchor_bars(series, found), found.direction.side
    assert found.direction is (Direction.SHORT if mirrored else Direction.LONG)
    assert {ends[vertex] for vertex in drawing.vertices} <= set(bars)
    assert bars[-1] == found.index
    assert ends[-2] < found.index <= ends[-1]
    assert found.neckline is not None
    assert side * (found.entry - found.neckline) > 0
    before = found.index - 1
    assert before == max(bars[:-1]) or side * (series.close[before] - found.neckline) <= 1.0


@both_directions
@each_drawing
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_noise_does_not_hide_a_shape(drawing: Drawing, seed: int, mirrored: bool) -> None:
    """With a little noise it is found in its last leg, its anchors within two bars of the vertices."""
    series = drawing.bars(mirrored=mirrored, seed=seed)
    (found,) = found_in(drawing, series, mirrored=mirrored)
    ends, bars = drawing.ends(), np.array(anchor_bars(series, found))
    assert ends[-2] < found.index <= ends[-1]
    for vertex in drawing.vertices:
        assert np.abs(bars - ends[vertex]).min() <= 2


@both_directions
@pytest.mark.parametrize(
    "drawing",
    [drawing for drawing in DRAWINGS if "flag" not in drawing.bullish and "pennant" not in drawing.bullish],
    ids=lambda drawing: drawing.bullish,
)
def test_time_may_be_stretched(drawing: Drawing, mirrored: bool) -> None:
    """Twice as slow, the same shape (flags and pennants are short by definition)."""
    slow = drawing.stretched(2)
    series = slow.bars(mirrored=mirrored)
    (found,) = found_in(drawing, series, mirrored=mirrored)
    assert {slow.ends()[vertex] for vertex in drawing.vertices} <= set(anchor_bars(series, found))


@both_directions
@each_drawing
@pytest.mark.parametrize("scale", [2.0**-30, 2.0**30])
def test_scale_does_not_matter(drawing: Drawing, scale: float, mirrored: bool) -> None:
    """Prices a billion times smaller or greater give the same bars and, scaled, the same levels."""
    plain = found_in(drawing, drawing.bars(mirrored=mirrored), mirrored=mirrored)
    scaled = found_in(drawing, drawing.bars(mirrored=mirrored, scale=scale), mirrored=mirrored)
    assert [(d.index, d.strength, d.stop * scale, d.targets[2] * scale) for d in plain] == [
        (d.index, d.strength, d.stop, d.targets[2]) for d in scaled
    ]


@each_drawing
def test_a_bearish_pattern_is_the_bullish_one_mirrored(drawing: Drawing) -> None:
    """The same bar, and levels as far on the other side."""
    (up,) = found_in(drawing, drawing.bars(), mirrored=False)
    (down,) = found_in(drawing, drawing.bars(mirrored=True), mirrored=True)
    assert (up.index, up.strength) == (down.index, pytest.approx(down.strength, abs=15))
    levels = zip(
        (up.entry, up.neckline, *up.targets), (down.entry, down.neckline, *down.targets), strict=True
    )
    for above, below in levels:
        assert above is not None
        assert above - AXIS == pytest.approx(AXIS - below)


@both_directions
@pytest.mark.parametrize(
    ("drawing", "rule", "broken"), BROKEN, ids=[f"{drawing.bullish}: {rule}" for drawing, rule, _ in BROKEN]
)
def test_a_shape_with_one_rule_broken_is_not_found(
    drawing: Drawing, rule: str, broken: Drawing, mirrored: bool
) -> None:
    """Nothing is found when one part of the definition does not hold."""
    assert found_in(drawing, broken.bars(mirrored=mirrored), mirrored=mirrored) == [], rule


def test_the_levels_of_a_double_bottom() -> None:
    """Neckline at the peak, refuted under the lower bottom, targets measured by the height."""
    series = DOUBLE.bars()
    (found,) = detect(series, [CATALOGUE["double_bottom"]])
    assert [anchor.label for anchor in found.anchors] == ["bottom 1", "peak", "bottom 2", "breakout"]
    assert found.neckline == pytest.approx(98.3)
    assert found.invalidation == pytest.approx(87.7)
    moves = [(target - found.entry) / (98.3 - 87.7) for target in found.targets]
    assert moves == pytest.approx([0.5, 1.0, 1.5])
    assert series.close[found.index - 1] <= 98.3 < found.entry


def test_the_levels_of_an_inverse_head_and_shoulders() -> None:
    """The stop is 0.1 ATR under the right shoulder; the neckline runs on through both highs."""
    (found,) = detect(HEAD.bars(), [CATALOGUE["inverse_head_and_shoulders"]])
    assert found.invalidation == pytest.approx(88.1)
    assert found.stop == pytest.approx(88.1 - 0.1 * found.atr)
    ends = HEAD.ends()
    assert found.neckline == pytest.approx(95.3 + 0.3 * (found.index - ends[1]) / (ends[3] - ends[1]))


def test_the_levels_of_a_bull_flag() -> None:
    """Stop 1 % under the flag's low, which is the invalidation; targets 50, 100 and 150 % of the pole."""
    (found,) = detect(FLAG.bars(), [CATALOGUE["bull_flag"]])
    foot, top, low = found.anchors[0].price, found.anchors[1].price, found.anchors[3].price
    assert (top, low) == (pytest.approx(114.3), pytest.approx(110.2))
    assert (found.stop, found.invalidation) == (pytest.approx(0.99 * low), low)
    moves = [(target - found.entry) / (top - foot) for target in found.targets]
    assert moves == pytest.approx([0.5, 1.0, 1.5])


def test_the_levels_of_a_cup_and_of_a_triangle() -> None:
    """A cup is as high as it is deep and stops under its handle; a triangle is as high as its wider end."""
    (cup,) = detect(CUP.bars(), [CATALOGUE["cup_and_handle"]])
    assert cup.targets[1] - cup.entry == pytest.approx(120.1 - 102.7)
    assert cup.invalidation == pytest.approx(113.7)
    (triangle,) = detect(FLAT_TOP.bars(), [CATALOGUE["ascending_triangle"]])
    assert triangle.targets[1] - triangle.entry == pytest.approx(110.3 - 95.7, abs=0.2)
    assert triangle.invalidation == pytest.approx(104.5)


def test_a_structure_that_took_more_than_90_days_is_context() -> None:
    """A double bottom stretched to four times its length opens nothing; the plain one is a trigger."""
    (slow,) = detect(DOUBLE.stretched(4).bars(), [CATALOGUE["double_bottom"]])
    (plain,) = detect(DOUBLE.bars(), [CATALOGUE["double_bottom"]])
    assert (slow.role, plain.role) == (Role.CONTEXT, Role.TRIGGER)
    assert plain.duration_days < 90 < slow.duration_days
