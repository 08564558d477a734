"""The readings stored with a signal: what each one says on bars drawn for it, and that all are documented."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest

from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.divergence import MAX_AGE_BARS, SWING_ATRS, rsi_divergence
from crypto_signals.analysis.panel import Floats, Series
from crypto_signals.analysis.study import Study

from .bars import calm_then, dated, drawn, random_series, real_series

CODES = {
    "rsi_divergence": {-1, 0, 1},
    "rsi_hidden_divergence": {-1, 0, 1},
    "bollinger_squeeze": {0, 1},
    "keltner_squeeze": {0, 1},
    "ema_trend": {-1, 0, 1},
    "sma_trend": {-1, 0, 1},
    "volume_escalation": set(range(6)),
    "regime_trend": {-1, 0, 1},
    "regime_volatility": {-1, 0, 1},
}


def last(closes: Floats, **columns: Floats) -> dict[str, float | None]:
    """The readings at the last of some drawn bars."""
    return read(replace(drawn(closes), **columns))


def read(series: Series) -> dict[str, float | None]:
    return confluence(Study(series), len(series) - 1)


def test_every_key_stands_in_the_one_table() -> None:
    """The docstring names each key, once, and no other; the keys are the same at any bar."""
    rows = [line.split("|")[1] for line in (confluence.__doc__ or "").splitlines() if line.count("|") == 3]
    documented = [name for row in rows for name in re.findall(r"[a-z]\w+", row) if name != "key"]
    study = Study(random_series(1, 300))
    assert sorted(documented) == sorted(confluence(study, 299))
    assert confluence(study, 0).keys() == confluence(study, 299).keys()


def test_codes_are_what_they_say() -> None:
    """On real bars every code occurs with all of its values, and with no other."""
    study = Study(real_series("demo/equity_daily", "AAPL"))
    seen = [confluence(study, t) for t in range(250, len(study))]
    for name, codes in CODES.items():
        assert {readings[name] for readings in seen} == codes, name


@pytest.mark.parametrize("side", [1, -1])
def test_a_trend_is_read_on_every_scale(side: int) -> None:
    """A long straight move: averages in order, price beyond them, a trending regime."""
    readings = last(400.0 + side * np.arange(300.0))
    assert readings["ema_trend"] == readings["sma_trend"] == readings["regime_trend"] == side
    for name in ("ema_20", "ema_50", "ema_200", "sma_20", "sma_50", "sma_200"):
        assert side * (readings[f"{name}_distance"] or 0) > 0
    assert side * (readings["ema_50_slope"] or 0) == pytest.approx(10 / (readings["atr"] or 0), rel=1e-3)


def test_a_market_that_falls_asleep_is_squeezed_calm_and_contracted() -> None:
    """Swings that shrink to a tenth: the narrowest bands, the least ATR, half of it gone; grown: all else."""
    swings, size = (-1.0) ** np.arange(310), np.concatenate((np.full(250, 5.0), np.linspace(5.0, 0.5, 60)))
    asleep, awake = last(100 + size * swings), last(100 + (5.5 - size) * swings)
    assert (asleep["bollinger_squeeze"], asleep["bollinger_width_rank"]) == (1, 0)
    assert (asleep["regime_volatility"], asleep["atr_rank"]) == (-1, 0)
    assert (asleep["atr_contraction"] or 1) < 0.5
    assert (awake["bollinger_squeeze"], awake["bollinger_width_rank"]) == (0, 1)
    assert (awake["regime_volatility"], awake["atr_rank"]) == (1, 1)
    assert (awake["atr_contraction"] or 1) > 2


def test_bands_inside_keltners_are_a_squeeze() -> None:
    """Long shadows and close closes: the bands of closes lie within the range of bars; else they do not."""
    closes = 100 + 0.1 * np.sin(np.arange(300.0))
    assert read(drawn(closes, wick=3.0))["keltner_squeeze"] == 1
    assert read(drawn(100 + np.arange(300.0), wick=0.1))["keltner_squeeze"] == 0


@pytest.mark.parametrize(
    ("volume", "rises"),
    [([5, 4, 3, 2], 0), ([5, 4, 5, 6], 2), ([1, 2, 3, 4], 3), ([1, 1, 1, 2], 1), ([1, 2, 3, 3], 0)],
)
def test_escalation_counts_rising_volumes(volume: list[float], rises: int) -> None:
    """Bars in a row with more volume than the one before, up to the last one; five at most."""
    series = drawn(np.full(40, 100.0))
    column = np.concatenate((np.full(36, 9.0), volume))
    assert read(replace(series, volume=column))["volume_escalation"] == rises
    assert read(replace(series, volume=np.arange(40.0)))["volume_escalation"] == 5


def test_bars_without_volume_have_no_escalation() -> None:
    """No volume at all is not known, rather than zero."""
    assert read(replace(drawn(np.full(40, 100.0)), volume=np.zeros(40)))["volume_escalation"] is None


def two_lows(first: float, second: float, *, bounce: int = 12) -> Floats:
    """A steep fall to one low, a bounce, a slow fall to another low, and a turn that confirms it."""
    return calm_then([(6, first), (bounce, 96.0), (20, second), (4, second + 6)])


@pytest.mark.parametrize("side", [1, -1])
def test_a_lower_low_with_a_higher_rsi_is_a_regular_divergence(side: int) -> None:
    """Steep to the first low, slowly to a lower one: bullish; mirrored: bearish."""
    closes = two_lows(86.0, 85.0)
    found = rsi_divergence(Study(drawn(closes if side > 0 else 200 - closes)), len(closes) - 1)
    assert found.regular == side


@pytest.mark.parametrize("side", [1, -1])
def test_a_higher_low_with_a_lower_rsi_is_a_hidden_divergence(side: int) -> None:
    """Slowly to the first low, steeply to a higher one."""
    closes = calm_then([(40, 140.0), (14, 132.0), (10, 142.0), (2, 133.0), (4, 141.0)])
    found = rsi_divergence(Study(drawn(closes if side > 0 else 300 - closes)), len(closes) - 1)
    assert found.hidden == side


def test_a_divergence_is_known_with_its_pivot_and_grows_old() -> None:
    """Not before the bar that confirms the second low; no longer than 20 bars after that low."""
    closes = np.concatenate((two_lows(86.0, 85.0), np.full(30, 91.0)))
    study = Study(drawn(closes))
    pivots = study.pivots(SWING_ATRS)
    low = int(np.flatnonzero(pivots.price == study.series.low.min())[0])
    known, made = int(pivots.confirmed_at[low]), int(pivots.index[low])
    said = {t: rsi_divergence(study, t).regular for t in range(made, len(study))}
    assert {t for t, value in said.items() if value == 1} == set(range(known, made + MAX_AGE_BARS + 1))


def test_a_divergence_that_failed_is_gone() -> None:
    """A close below the second low takes it back."""
    closes = np.concatenate((two_lows(86.0, 85.0), [84.0]))
    study = Study(drawn(closes))
    assert rsi_divergence(study, len(closes) - 2).regular == 1
    assert rsi_divergence(study, len(closes) - 1).regular != 1


def test_flat_bars_have_readings_or_none() -> None:
    """Without any movement nothing is divided by zero, and what cannot be said is None."""
    flat = np.full(300, 50.0)
    readings = read(dated("FLAT", flat, flat, flat, flat, np.ones(300)))
    assert readings["ema_20_distance"] is None
    assert readings["atr_contraction"] is None
    assert (readings["bollinger_squeeze"], readings["bollinger_width_rank"]) == (0, 0.5)
    assert all(value is None or math.isfinite(value) for value in readings.values())
