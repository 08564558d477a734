"""The catalogue is complete, and says what `rules.md` says."""

import re

import numpy as np
import pytest
import talib

from crypto_signals.analysis.candlestick_table import SHAPES, Shape
from crypto_signals.analysis.candlesticks import CANDLESTICKS
from crypto_signals.analysis.catalogue import CATALOGUE, Catalogue, detector
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

from .bars import dated, random_series, real_series

TRIGGERS = {
    "ENGULFING",
    "3INSIDE",
    "3OUTSIDE",
    "MORNINGSTAR",
    "EVENINGSTAR",
    "MORNINGDOJISTAR",
    "EVENINGDOJISTAR",
    "HAMMER",
    "INVERTEDHAMMER",
    "SHOOTINGSTAR",
    "HANGINGMAN",
    "PIERCING",
    "DARKCLOUDCOVER",
    "3WHITESOLDIERS",
    "3BLACKCROWS",
    "KICKING",
    "ABANDONEDBABY",
    "RISEFALL3METHODS",
    "MATHOLD",
    "3LINESTRIKE",
    "BREAKAWAY",
    "TASUKIGAP",
}


def continuous_market(seed: int, bars: int) -> Series:
    """A market that never stops: each bar opens where the one before closed. Some bars have no shadows."""
    rng = np.random.default_rng(seed)
    close = np.round(100 + np.cumsum(rng.standard_t(3, bars)), 1)
    close = close - close.min() + 50
    opened = np.concatenate((close[:1], close[:-1]))
    upper, lower = rng.exponential(0.7, (2, bars)) * rng.integers(0, 2, (2, bars))
    high, low = np.maximum(opened, close) + upper, np.minimum(opened, close) - lower
    return dated("NEVER/STOPS", opened, high, low, close, np.ones(bars))


def test_all_61_functions_are_there() -> None:
    """Each TA-Lib candlestick function has its row, once."""
    functions = [shape.function for shape in SHAPES]
    assert sorted(functions) == sorted(talib.get_function_groups()["Pattern Recognition"])
    assert len(CANDLESTICKS) == sum(len(shape.signs) for shape in SHAPES)


def test_names_are_unique_and_snake_case() -> None:
    """Scripts match on names; both directions of one shape differ by their suffix alone."""
    assert len(set(CATALOGUE.names)) == len(CATALOGUE)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in CATALOGUE.names)
    for name in CATALOGUE.names:
        if name.endswith("_bullish"):
            other = name.removesuffix("_bullish") + "_bearish"
            assert CATALOGUE[name].direction is Direction.LONG
            assert CATALOGUE[other].direction is Direction.SHORT


def test_the_triggers_are_those_of_the_rules() -> None:
    """The default trigger list, word for word; every chart breakout is a trigger too."""
    assert {shape.function for shape in SHAPES if shape.trigger} == {f"CDL{name}" for name in TRIGGERS}
    by_role = {entry.name for entry in CATALOGUE if entry.role is Role.TRIGGER}
    assert {entry.name for entry in CATALOGUE if entry.family is Family.CHART} <= by_role
    assert by_role == {entry.name for entry in CATALOGUE.triggers}
    assert {"engulfing_bullish", "engulfing_bearish", "hammer", "tweezer_bottom", "tweezer_top"} <= by_role
    assert not by_role & {"doji", "harami_bullish", "spinning_top_bullish", "long_line_bearish"}


def test_every_entry_can_be_read_by_people() -> None:
    """A definition that is a sentence, a source, a warm-up, gates."""
    for entry in CATALOGUE:
        assert entry.definition[0].isupper()
        assert entry.definition.endswith(".")
        assert entry.source
        assert entry.warm_up_bars > 0
        assert {"volume", "rsi", "reward_to_risk", "bad_stop"} <= set(entry.gates)
        assert ("neckline" in entry.gates) == (entry.family is Family.CHART)
    assert {entry.name for entry in CATALOGUE if "adx" in entry.gates} == {
        "bull_flag",
        "bear_flag",
        "pennant_bullish",
        "pennant_bearish",
        "channel_break_bullish",
        "channel_break_bearish",
    }


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_ta_lib_has_the_signs_of_the_table(shape: Shape) -> None:
    """On real bars a function never gives a sign that the table does not have."""
    seen: set[int] = set()
    for study in (Study(real_series("demo/equity_daily", "IBM")), Study(random_series(5, 5000))):
        seen |= set(np.sign(study.candle(shape.function)).tolist())
    assert seen - {0} <= set(shape.signs)


def test_gap_patterns_never_occur_where_trading_never_stops() -> None:
    """That is what `needs_gap` means; the market proves it for every such function."""
    study = Study(continuous_market(1, 60_000))
    for shape in SHAPES:
        if shape.needs_gap:
            assert not study.candle(shape.function).any(), shape.name
    assert study.candle("CDLENGULFING").any()


def test_ta_lib_always_calls_a_doji_positive() -> None:
    """Shapes without a side have one detector without a suffix; only the gravestone is read as short."""
    for name in ("doji", "long_legged_doji", "rickshaw_man", "dragonfly_doji", "takuri"):
        assert CATALOGUE[name].direction is Direction.LONG
    assert CATALOGUE["gravestone_doji"].direction is Direction.SHORT
    assert CATALOGUE["gravestone_doji"].role is Role.CONTEXT


def test_a_hikkake_counts_on_the_bar_that_confirms_it() -> None:
    """Each hit is a ±200 of TA-Lib; its shape was completed one to three bars before."""
    study = Study(real_series("demo/equity_daily", "IBM"))
    values = study.candle("CDLHIKKAKE")
    for name, sign in (("hikkake_bullish", 1), ("hikkake_bearish", -1)):
        hits = CATALOGUE[name](study)
        assert hits.index.tolist() == np.flatnonzero(values == 200 * sign).tolist()
        assert (values[hits.anchors[:, 2]] == 100 * sign).all()
        waited = hits.index - hits.anchors[:, 2]
        assert ((waited >= 1) & (waited <= 3)).all()
        assert hits.labels[-1] == "confirmation"


def test_the_structure_of_a_candlestick_is_its_extreme() -> None:
    """Longs are refuted under the lowest low of the candles, shorts above the highest high."""
    study = Study(real_series("demo/equity_daily", "MSFT"))
    bullish, bearish = CATALOGUE["three_outside_bullish"](study), CATALOGUE["three_outside_bearish"](study)
    for t, price in zip(bullish.index, bullish.structure, strict=True):
        assert price == study.series.low[t - 2 : t + 1].min()
    for t, price in zip(bearish.index, bearish.structure, strict=True):
        assert price == study.series.high[t - 2 : t + 1].max()


def test_a_name_is_taken_once_and_spelt_in_snake_case() -> None:
    """Two detectors of one name, or a name in capitals, are refused."""
    with pytest.raises(ValueError, match="two detectors are named hammer"):
        CATALOGUE.including(CATALOGUE["hammer"])
    with pytest.raises(ValueError, match="snake_case"):
        detector("Hammer", family=Family.CHART, direction=Direction.LONG, definition=".", source="-")
    assert "hammer" in Catalogue([CATALOGUE["hammer"]])
