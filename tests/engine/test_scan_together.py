"""Scanning symbols together, as runs do, and one by one."""

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Series
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine.sight import Sight, scan_together

STRATEGY = Strategy(name="test")


def walk(symbol: str, seed: int, bars: int = 400) -> Series:
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, bars) * 0.02))
    opened = close * np.exp(rng.normal(0, 0.01, bars))
    high = np.maximum(opened, close) * (1 + rng.exponential(0.01, bars))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.01, bars))
    stamps = np.datetime64("2020-01-01", "us") + np.arange(bars) * np.timedelta64(1, "D")
    return Series.of(symbol, stamps, (opened, high, low, close), rng.lognormal(10, 1, bars))


@pytest.mark.parametrize("kind", ["", "/USD"])
def test_together_finds_what_one_by_one_finds(kind: str) -> None:
    """The same triggers on the newest bar of each symbol, field by field, in the same order."""
    series = [walk(f"S{number}{kind}", number, bars=400 - number) for number in range(60)]
    alone, together = (
        [Sight(Instrument.of(own.symbol), own, own.ts, None, "sip") for own in series] for _ in range(2)
    )
    scan_together(together, CATALOGUE, STRATEGY)
    for sight in alone:
        sight.scan(CATALOGUE, STRATEGY)
    found = [
        [situation.triggers if (situation := sight.situation(sight.first)) else () for sight in sights]
        for sights in (alone, together)
    ]
    assert found[0] == found[1]
    assert sum(map(len, found[0])) > 5
