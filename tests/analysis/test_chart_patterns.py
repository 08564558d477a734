"""Textbook shapes are found with the right anchors; with one rule broken they are not."""

import numpy as np
import pytest

from crypto_signals.analysis.chart_patterns import (
    CHART_PATTERNS,
    bull_flag,
    double_bottom,
    inverse_head_and_shoulders,
)
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Floats, Series, as_datetime
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Role

from .bars import CALM_BARS, calm_then, drawn, real_series

Knots = list[tuple[int, float]]

DOUBLE_BOTTOM: Knots = [(10, 112), (12, 88), (13, 98), (13, 88.4), (14, 102)]
INVERSE_HEAD: Knots = [(12, 88), (7, 95), (8, 82), (8, 95.3), (7, 88.4), (9, 101)]
BULL_FLAG: Knots = [(6, 114), (6, 110.5), (4, 117)]

TEXTBOOK = [
    (double_bottom, DOUBLE_BOTTOM),
    (inverse_head_and_shoulders, INVERSE_HEAD),
    (bull_flag, BULL_FLAG),
]

BROKEN: list[tuple[Detector, str, Knots]] = [
    (double_bottom, "the bottoms differ by 6 %", [(10, 112), (12, 88), (13, 98), (13, 93), (14, 102)]),
    (double_bottom, "the second bottom is 6 % lower", [(10, 112), (12, 88), (13, 98), (13, 83), (18, 102)]),
    (double_bottom, "20 bars apart", [(10, 112), (12, 88), (10, 98), (10, 88.4), (14, 102)]),
    (double_bottom, "no close above the peak", [(10, 112), (12, 88), (13, 98), (13, 88.4), (9, 97), (9, 90)]),
    (double_bottom, "the bottoms give way first",
     [(10, 112), (12, 88), (13, 98), (13, 88.4), (4, 92), (5, 83.5), (16, 102)]),
    (double_bottom, "the breakout comes too late",
     [(10, 112), (12, 88), (13, 98), (13, 88.4), (40, 94), (5, 102)]),
    (inverse_head_and_shoulders, "the head is not the lowest",
     [(12, 88), (7, 95), (8, 89), (8, 95.3), (7, 88.4), (9, 101)]),
    (inverse_head_and_shoulders, "the shoulders differ by 5 %",
     [(12, 92.5), (7, 95.5), (8, 82), (8, 95.3), (7, 88), (9, 101)]),
    (inverse_head_and_shoulders, "the highs differ by 5 %",
     [(12, 88), (7, 95), (8, 82), (8, 99.5), (7, 88.4), (12, 106)]),
    (inverse_head_and_shoulders, "the right shoulder gives way first",
     [(12, 88), (7, 95), (8, 82), (8, 95.3), (7, 88.4), (3, 92), (4, 85), (12, 101)]),
    (bull_flag, "the pole takes 20 bars", [(20, 114), (6, 110.5), (4, 117)]),
    (bull_flag, "the flag gives back more than half", [(6, 114), (6, 105.5), (6, 117)]),
    (bull_flag, "the flag takes 20 bars", [(6, 114), (20, 110.5), (4, 117)]),
    (bull_flag, "no close above the flag's line", [(6, 114), (12, 109), (10, 101)]),
]  # fmt: skip


def noisy(closes: Floats, seed: int) -> Floats:
    """The same path with a little noise."""
    return closes + np.random.default_rng(seed).normal(0, 0.03, len(closes))


def found_in(detector: Detector, knots: Knots, *, seed: int | None = None) -> list[Detection]:
    closes = calm_then(knots) if seed is None else noisy(calm_then(knots), seed)
    return detect(drawn(closes), [detector])


def bar_numbers(series: Series, detection: Detection) -> list[int]:
    return [int(np.flatnonzero(series.ts == np.datetime64(anchor.ts.replace(tzinfo=None), "us"))[0])
            for anchor in detection.anchors]  # fmt: skip


def ends(knots: Knots) -> list[int]:
    """The bar of each knot."""
    return (CALM_BARS - 1 + np.cumsum([bars for bars, _ in knots])).tolist()


@pytest.mark.parametrize(("detector", "knots"), TEXTBOOK)
@pytest.mark.parametrize("seed", [None, 1, 2, 3, 4, 5])
def test_a_textbook_shape_is_found_once(detector: Detector, knots: Knots, seed: int | None) -> None:
    """One detection in the last leg, without and with noise."""
    (detection,) = found_in(detector, knots, seed=seed)
    assert ends(knots)[-2] < detection.index <= ends(knots)[-1]


@pytest.mark.parametrize(("detector", "rule", "knots"), BROKEN, ids=[f"{d.name}: {r}" for d, r, _ in BROKEN])
def test_a_shape_with_one_rule_broken_is_not_found(detector: Detector, rule: str, knots: Knots) -> None:
    """Nothing is found when one part of the definition does not hold."""
    assert found_in(detector, knots) == [], rule


@pytest.mark.parametrize(("detector", "knots"), TEXTBOOK)
def test_scale_does_not_matter(detector: Detector, knots: Knots) -> None:
    """Prices a million times smaller give the same bars."""
    closes = calm_then(knots)
    small = drawn(closes * 1e-6, wick=0.3e-6)
    assert [d.index for d in detect(small, [detector])] == [
        d.index for d in detect(drawn(closes), [detector])
    ]


def test_the_anchors_of_a_double_bottom() -> None:
    """Both bottoms, the peak and the breakout lie where they were drawn; levels follow the definition."""
    series = drawn(calm_then(DOUBLE_BOTTOM))
    (detection,) = detect(series, [double_bottom])
    _, first, peak, second, _ = ends(DOUBLE_BOTTOM)
    assert bar_numbers(series, detection)[:3] == [first, peak, second]
    assert [anchor.label for anchor in detection.anchors] == ["bottom 1", "peak", "bottom 2", "breakout"]
    assert detection.neckline == pytest.approx(98.3)
    assert detection.invalidation == pytest.approx(87.7)
    assert detection.targets[1] - detection.entry == pytest.approx(98.3 - 87.7)
    assert series.close[detection.index - 1] <= 98.3 < detection.entry


def test_the_anchors_of_an_inverse_head_and_shoulders() -> None:
    """E1 to E5 lie where they were drawn; the stop is under the right shoulder."""
    series = drawn(calm_then(INVERSE_HEAD))
    (detection,) = detect(series, [inverse_head_and_shoulders])
    assert bar_numbers(series, detection)[:5] == ends(INVERSE_HEAD)[:5]
    assert detection.invalidation == pytest.approx(88.1)
    assert detection.stop == pytest.approx(88.1 - 0.1 * detection.atr)
    assert detection.neckline is not None
    assert 95.3 < detection.neckline < detection.entry


def test_the_levels_of_a_bull_flag() -> None:
    """Stop 1 % under the flag's low, which is the invalidation; targets 50, 100 and 150 % of the pole."""
    series = drawn(calm_then(BULL_FLAG))
    (detection,) = detect(series, [bull_flag])
    foot, top = detection.anchors[0].price, detection.anchors[1].price
    low = detection.anchors[3].price
    assert (top, low) == (pytest.approx(114.3), pytest.approx(110.2))
    assert (detection.stop, detection.invalidation) == (pytest.approx(0.99 * low), low)
    moves = [(target - detection.entry) / (top - foot) for target in detection.targets]
    assert moves == pytest.approx([0.5, 1.0, 1.5])


def test_a_structure_that_took_more_than_90_days_is_context() -> None:
    """A double bottom stretched to four times its length opens nothing; the plain one is a trigger."""
    (slow,) = found_in(double_bottom, [(4 * bars, price) for bars, price in DOUBLE_BOTTOM])
    (plain,) = found_in(double_bottom, DOUBLE_BOTTOM)
    assert (slow.role, plain.role) == (Role.CONTEXT, Role.TRIGGER)
    assert plain.duration_days < 90 < slow.duration_days


@pytest.mark.parametrize("detector", CHART_PATTERNS, ids=lambda entry: entry.name)
def test_every_chart_detector_fires_on_real_bars(detector: Detector) -> None:
    """Rarely, but it does, and each time its anchors are in order and its close is beyond the neckline."""
    found = [
        (series, detection)
        for symbol in ("AAPL", "IBM", "MSFT", "GOOG")
        for series in [real_series("demo/equity_daily", symbol)]
        for detection in detect(Study(series), [detector])
    ]
    assert 5 < len(found) < 200
    for series, detection in found:
        assert detection.neckline is not None
        assert detection.neckline < detection.entry
        assert detection.ts == detection.confirmed_at == as_datetime(series.ts[detection.index])
        assert all(anchor.ts <= detection.ts for anchor in detection.anchors)
        assert detection.anchors[0].ts < detection.anchors[1].ts < detection.anchors[-1].ts
