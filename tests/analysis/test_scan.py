"""From hits to detections: levels, warm-up, suspect bars, gap patterns, order, freshness."""

from dataclasses import replace

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE, Detector, detector
from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.context import fresh_contexts
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

from .bars import random_series, real_series

NAN = float("nan")


def planted(
    bars: list[int], direction: Direction = Direction.LONG, *, duration: int = 5, **own: float | list[float]
) -> Detector:
    """A detector that fires on the given bars, with the pattern's own values for some columns."""

    def find(_: Study) -> Hits:
        index = np.array(bars, np.int64)
        columns = {name: np.array([value] * len(bars), np.float64) for name, value in own.items()}
        return Hits.of(
            index,
            strength=np.full(len(bars), 50.0),
            duration_bars=np.full(len(bars), duration),
            anchors=index[:, None],
            anchor_prices=np.ones((len(bars), 1)),
            labels=("here",),
            **columns,
        )

    name = "planted_" + direction
    return detector(name, family=Family.CHART, direction=direction, definition=".", source="-")(find)


@pytest.mark.parametrize(("direction", "side"), [(Direction.LONG, 1), (Direction.SHORT, -1)])
def test_levels_follow_the_general_rule(direction: Direction, side: int) -> None:
    """Without a structure the stop is 1.5 ATR away, with one 0.1 ATR beyond it; targets are 2, 4, 6 ATR."""
    series = random_series(1, 400)
    (plain,) = detect(series, [planted([300], direction)])
    entry, atr = float(series.close[300]), float(Study(series).atr()[300])
    assert (plain.entry, plain.atr, plain.invalidation) == (entry, atr, None)
    assert plain.stop == entry - side * 1.5 * atr
    assert plain.targets == tuple(entry + side * atr * n for n in (2.0, 4.0, 6.0))
    assert plain.reward_to_risk == pytest.approx(4 / 1.5)
    price = entry - side * 2 * atr
    (structured,) = detect(series, [planted([300], direction, structure=price)])
    assert (structured.stop, structured.invalidation) == (price - side * 0.1 * atr, price)


def test_a_pattern_s_own_levels_win() -> None:
    """Its stop and its targets are taken as they are, target by target."""
    series = random_series(1, 400)
    entry, atr = float(series.close[300]), float(Study(series).atr()[300])
    own = planted([300], structure=entry - 1, stop=entry - 2, targets=[entry + 1, NAN, entry + 99])
    (found,) = detect(series, [own])
    assert (found.stop, found.targets) == (entry - 2, (entry + 1, entry + 4 * atr, entry + 99))


def test_a_stop_on_the_wrong_side_is_no_detection() -> None:
    """Neither is one without a price: nothing that cannot be traded is handed out."""
    series = random_series(1, 400)
    assert detect(series, [planted([300], stop=float(series.close[300]))]) == []
    assert detect(series, [planted([300], stop=-1.0)]) == []


def test_nothing_fires_in_the_warm_up_or_on_suspect_bars() -> None:
    """Bars 0 to 249 are warm-up; a suspect bar opens nothing, its neighbours do."""
    series = random_series(1, 400)
    suspect = np.zeros(400, np.bool_)
    suspect[271] = True
    flagged = replace(series, suspect=suspect)
    found = detect(flagged, [planted([100, 249, 250, 270, 271, 272])])
    assert [detection.index for detection in found] == [250, 270, 272]
    assert not any(detection.index == 271 for detection in detect(flagged, CATALOGUE))


def test_gap_patterns_do_not_run_for_crypto() -> None:
    """The same bars under a crypto symbol lose exactly the detections that need a gap."""
    stock = random_series(1, 2000, symbol="X")
    coin = replace(stock, symbol="X/USD")
    on_stock, on_coin = detect(stock, CATALOGUE), detect(coin, CATALOGUE)
    lost = {d.detector for d in on_stock} - {d.detector for d in on_coin}
    assert lost
    assert all(CATALOGUE[name].needs_gap for name in lost)
    assert not any(CATALOGUE[d.detector].needs_gap for d in on_coin)


def test_detections_are_sorted_and_complete() -> None:
    """By time, then by name; each says what its detector is."""
    series = real_series("demo/equity_daily", "IBM")[:1000]
    found = detect(series, CATALOGUE)
    assert found == sorted(found, key=lambda d: (d.ts, d.detector))
    for detection in found:
        entry = CATALOGUE[detection.detector]
        assert (detection.family, detection.direction) == (entry.family, entry.direction)
        assert detection.symbol == "IBM"
        assert detection.ts.tzinfo is not None
        assert detection.anchors


def test_a_study_that_starts_too_late_is_refused() -> None:
    """A study made for the last bar cannot answer for earlier ones."""
    study = Study(random_series(1, 400), first=399)
    assert detect(study, CATALOGUE, 399) == detect(study.series, CATALOGUE, 399)
    with pytest.raises(ValueError, match="after bar 10"):
        detect(study, CATALOGUE, 10)


def near_neckline(duration: int, side: Direction = Direction.LONG) -> tuple[Series, Detector]:
    """Flat bars, and a structure known at bar 250 whose neckline they stay close to."""
    series = random_series(2, 400)
    flat = replace(series, close=np.full(400, 100.0), high=np.full(400, 101.0), low=np.full(400, 99.0))
    return flat, planted([250], side, duration=duration, neckline=99.5)


@pytest.mark.parametrize(("duration", "fresh_bars"), [(200, 20), (100, 20), (95, 20)])
def test_a_macro_structure_is_fresh_for_20_bars(duration: int, fresh_bars: int) -> None:
    """From the bar on which it was known, on its own side, near its neckline."""
    series, structure = near_neckline(duration)
    study = Study(series)
    fresh = [t for t in range(400) if fresh_contexts(study, [structure], t)[Direction.LONG]]
    assert fresh == list(range(250, 250 + fresh_bars + 1))
    assert fresh_contexts(study, [structure], 250) == {
        Direction.LONG: ("planted_long",),
        Direction.SHORT: (),
    }


def test_a_standard_breakout_gives_no_context() -> None:
    """90 days or less: it triggers, and raises nobody's conviction."""
    series, structure = near_neckline(90)
    assert fresh_contexts(Study(series), [structure], 250)[Direction.LONG] == ()
    assert detect(series, [structure])[0].role is Role.TRIGGER


def test_a_structure_is_not_fresh_far_from_its_neckline() -> None:
    """More than one ATR away it says nothing; inside its reversal zone it does."""
    series, _ = near_neckline(200)
    far = planted([250], duration=200, neckline=80.0)
    zoned = replace(planted([250], duration=10, zone=[99.0, 100.5]), role=Role.CONTEXT)
    study = Study(series)
    assert fresh_contexts(study, [far], 251)[Direction.LONG] == ()
    assert [t for t in range(400) if fresh_contexts(Study(series), [zoned], t)[Direction.LONG]] == [
        *range(250, 256)
    ]


def test_readings_are_what_the_indicators_say() -> None:
    """Numbers where they are warm, None where not, IndexError outside."""
    study = Study(random_series(1, 400))
    early, late = confluence(study, 10), confluence(study, 399)
    assert early["rsi"] is None
    assert None not in late.values()
    assert late["rsi"] == study.rsi()[399]
    assert late["atr_pct"] == pytest.approx(100 * study.atr()[399] / study.series.close[399])
    assert late["volume_ratio"] == pytest.approx(study.series.volume[399] / study.series.volume[380:].mean())
    with pytest.raises(IndexError):
        confluence(study, 400)


def test_a_confirmation_without_its_shape_is_no_hit() -> None:
    """A hikkake that TA-Lib confirms although its shape lies before the first bar has nothing to draw."""
    closes = np.array([10, 11, 9, 10, 12, 11, 13, 12, 14, 13, 15, 14.0])
    series = Series.of(
        "X", np.arange(12).astype("datetime64[D]"), (closes, closes + 1, closes - 1, closes), np.ones(12)
    )
    for sign in ("bullish", "bearish"):
        study = Study(series)
        study.keep(("candle", "CDLHIKKAKE"), lambda: np.array([0] * 8 + [200, 0, -200, 0], np.int32))
        assert not len(CATALOGUE[f"hikkake_{sign}"](study))
