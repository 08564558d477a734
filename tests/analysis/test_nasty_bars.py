"""Bars that no market should print never raise, and never become a detection."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.context import fresh_contexts
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study

from .bars import dated, random_series
from .test_causality import indicators


def nasty(seed: int, bars: int, scale: float, kind: str) -> Series:
    """A random walk around ``scale`` with one kind of defect."""
    rng = np.random.default_rng(seed)
    walk = np.ones(bars) if kind == "constant" else np.exp(np.cumsum(rng.normal(0, 0.02, bars)))
    close = scale * walk
    opened = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    volume = np.zeros(bars) if kind == "no volume" else rng.lognormal(5, 2, bars)
    if kind == "holes":
        close[rng.random(bars) < 0.02] = np.nan
    if kind == "zeros":
        low[rng.random(bars) < 0.02] = 0.0
    if kind == "crossed":
        high, low = low, high
    if kind == "negative":
        opened, high, low, close = -opened, -low, -high, -close
    if kind == "spikes":
        high[rng.random(bars) < 0.02] *= 1e6
    return dated("NASTY", opened, high, low, close, volume)


KINDS = ["plain", "constant", "no volume", "holes", "zeros", "crossed", "negative", "spikes"]


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0, 1, 2, 3, 14, 15, 22, 40, 199, 201, 330]),
    st.sampled_from([1e-8, 1.0, 1e8]),
    st.sampled_from(KINDS),
)
@settings(max_examples=120, deadline=None)
def test_nothing_raises(seed: int, bars: int, scale: float, kind: str) -> None:
    """Detectors, indicators, readings and contexts take any bars, and every level is a finite price."""
    series = nasty(seed, bars, scale, kind)
    study = Study(series)
    for found in detect(study, CATALOGUE):
        assert all(math.isfinite(x) and x > 0 for x in (found.entry, found.stop, *found.targets, found.atr))
        assert found.direction.side * (found.entry - found.stop) > 0
        assert math.isfinite(found.reward_to_risk)
    assert all(len(values) == bars for values in indicators(study).values())
    if bars:
        assert all(value is None or math.isfinite(value) for value in confluence(study, bars - 1).values())
        fresh_contexts(study, CATALOGUE, bars - 1)


@pytest.mark.parametrize("bars", [0, 1, 2])
def test_short_series_give_nothing_but_nan(bars: int) -> None:
    """Too short for an indicator means NaN (OBV needs no history at all)."""
    for name, values in indicators(Study(random_series(1, bars))).items():
        if name != "obv":
            assert np.isnan(values).all(), name


@pytest.mark.parametrize("scale", [2.0**-40, 2.0**40])
def test_the_price_of_a_coin_does_not_matter(scale: float) -> None:
    """Bars scaled by a power of two give the same detections and readings, bit for bit."""
    series = random_series(11, 700)
    scaled = dated(
        series.symbol,
        *(getattr(series, name) * scale for name in ("open", "high", "low", "close")),
        series.volume,
    )
    plain, tiny = detect(series, CATALOGUE), detect(scaled, CATALOGUE)
    assert [(d.index, d.detector, d.entry * scale, d.stop * scale) for d in plain] == [
        (d.index, d.detector, d.entry, d.stop) for d in tiny
    ]
    in_price = {"macd", "macd_signal", "macd_hist", "atr"}
    in_price |= {f"{kind}_{bars}" for kind in ("ema", "sma") for bars in (20, 50, 200)}
    one, other = confluence(Study(series), 650), confluence(Study(scaled), 650)
    for name, value in one.items():
        assert value is not None
        assert other[name] == (value * scale if name in in_price else value), name


def test_constant_prices_fire_nothing() -> None:
    """No range, no ATR, no level, no detection."""
    assert detect(nasty(1, 400, 5.0, "constant"), CATALOGUE) == []
