"""Where prices lie on coarse steps much comes out exactly equal; rounding must not decide what that means."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.chart_setups import closeness
from crypto_signals.analysis.panel import Panel, Series
from crypto_signals.analysis.panel_pool import scan_panel
from crypto_signals.analysis.ties import at_least, is_above
from crypto_signals.domain.vocabulary import Family

from .bars import dated, real_series, shared_file

ON_PIVOTS = tuple(entry for entry in CATALOGUE if entry.family is not Family.CANDLESTICK)
TWEEZERS = tuple(entry for entry in CATALOGUE if entry.name.startswith("tweezer"))
FACTORS = (3.7, 0.7, 1.1)
MOST_APART = 1e-6
"""Levels may differ by so much of the price."""


@cache
def hourly() -> Panel:
    path = shared_file("dev/crypto_hourly.parquet")
    names = sorted(pc.unique(pq.read_table(path, columns=["symbol"])["symbol"]).to_pylist())
    return Panel.of(real_series("dev/crypto_hourly", name) for name in names)


@cache
def stepped() -> Panel:
    """Walks of whole steps, of which a day makes a few."""
    rows = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        close = 300.0 + np.cumsum(rng.integers(-4, 5, 2500)) % 150
        opened = np.concatenate((close[:1], close[:-1])) + rng.integers(-1, 2, 2500)
        high = np.maximum(opened, close) + rng.integers(0, 3, 2500)
        low = np.minimum(opened, close) - rng.integers(0, 3, 2500)
        rows.append(dated(f"{seed}", opened, high, low, close, np.ones(2500)))
    return Panel.of(rows)


def times(panel: Panel, factor: float) -> Panel:
    return Panel.of(
        Series.of(row.symbol, row.ts, tuple(price * factor for price in row.prices), row.volume)  # type: ignore[arg-type]
        for row in panel
    )


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("panel", [hourly, stepped])
def test_the_unit_of_prices_does_not_matter(panel: Callable[[], Panel], factor: float) -> None:
    """Chart patterns, harmonics and tweezers: the same bars, the same anchors, the same levels in the new
    unit."""
    entries = (*ON_PIVOTS, *TWEEZERS)
    here, there = scan_panel(panel(), entries), scan_panel(times(panel(), factor), entries)
    assert len(here) > 1000
    places = [(d.symbol, d.ts, d.detector, tuple(a.ts for a in d.anchors)) for d in here]
    assert [(d.symbol, d.ts, d.detector, tuple(a.ts for a in d.anchors)) for d in there] == places
    for one, other in zip(here, there, strict=True):
        levels = np.array([one.stop, *one.targets, one.invalidation or 0.0, one.neckline or 0.0])
        same = np.array([other.stop, *other.targets, other.invalidation or 0.0, other.neckline or 0.0])
        assert np.abs(levels * factor - same).max() <= MOST_APART * other.entry, one


def test_a_tie_is_neither_above_nor_below() -> None:
    """On either side of zero, as prices of bearish patterns are negated; NaN is nothing at all."""
    for sign in (1, -1):
        sum_, whole = sign * (0.1 + 0.2), sign * 0.3
        assert sum_ != whole
        assert not is_above(sum_, whole)
        assert not is_above(whole, sum_)
        assert at_least(sum_, whole)
        assert at_least(whole, sum_)
    assert is_above(0.3000001, 0.3)
    assert not at_least(0.2999999, 0.3)
    assert not is_above(np.nan, 0.3)
    assert not at_least(0.3, np.nan)
    assert is_above(np.inf, 1.0)
    assert at_least(0.0, -np.inf)


@pytest.mark.parametrize("unit", [1.0, 3.7, 0.1, 1e-8, -0.7])
def test_what_is_just_allowed_is_allowed_at_any_price(unit: float) -> None:
    """203 and 197 are each 1.5 % from 200."""
    assert closeness(203 * unit, 197 * unit, 0.015, 0.0) == 0.0
    assert closeness(203.001 * unit, 197 * unit, 0.015, 0.0) < 0.0
