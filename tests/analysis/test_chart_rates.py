"""How often each chart detector fires on real bars, and what holds of everything it finds there."""

from collections import Counter
from functools import cache

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.chart_patterns import CHART_PATTERNS
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.detector import SETTLED_BARS, Detector
from crypto_signals.analysis.panel import Series, as_datetime, as_ts64
from crypto_signals.analysis.scan import detect

from .bars import real_series, shared_file
from .shapes import anchor_bars

TUNED_ON = (("dev/equity_daily", "2015-01-01"), ("dev/crypto_daily", "2021-01-01"))
MARKETS = ("daily equity", "daily crypto", "hourly crypto")
SYMBOLS = 12
"""Symbols read of each file: enough to count by, few enough for every run."""


@cache
def market(name: str) -> list[Series]:
    """The bars that tolerances may be tuned on; of hourly crypto, the demo's."""
    if name == "hourly crypto":
        return [real_series("demo/crypto_hourly", "BTC/USD")]
    file, end = TUNED_ON[MARKETS.index(name)]
    symbols = pc.unique(pq.read_table(shared_file(f"{file}.parquet"), columns=["symbol"])["symbol"])
    every = [real_series(file, symbol) for symbol in sorted(symbols.to_pylist())]
    early = [series[: int(np.searchsorted(series.ts, np.datetime64(end, "us")))] for series in every]
    long = [series for series in early if len(series) > 2 * SETTLED_BARS]
    return long[:: max(1, len(long) // SYMBOLS)][:SYMBOLS]


@cache
def found(name: str) -> list[tuple[Series, Detection]]:
    return [(series, one) for series in market(name) for one in detect(series, CHART_PATTERNS)]


def test_the_rates_are_sensible() -> None:
    """Hits per 1,000 bars: each detector fires somewhere, none on more than one bar in fifty."""
    bars = {name: sum(len(series) - SETTLED_BARS for series in market(name)) for name in MARKETS}
    counts = {name: Counter(one.detector for _, one in found(name)) for name in MARKETS}
    print(f"{'hits per 1,000 bars':<32}" + "".join(f"{name:>15}" for name in MARKETS))
    for entry in CHART_PATTERNS:
        rates = [1000 * counts[name][entry.name] / bars[name] for name in MARKETS]
        print(f"{entry.name:<32}" + "".join(f"{rate:>15.2f}" for rate in rates))
        assert 0 < max(rates) < 20, entry.name


@pytest.mark.parametrize("name", MARKETS)
def test_what_holds_of_every_hit(name: str) -> None:
    """Anchors in order up to the breakout, a close beyond the line, a structure and a stop behind it."""
    assert len(found(name)) > 100
    for series, one in found(name):
        bars, side = anchor_bars(series, one), one.direction.side
        assert one.ts == one.confirmed_at == as_datetime(series.ts[one.index])
        assert bars[-1] == one.index == max(bars)
        assert bars[0] == min(bars)
        assert bars[0] < bars[1] <= bars[2]
        assert one.neckline is not None
        assert one.invalidation is not None
        assert side * (one.entry - one.neckline) > 0
        assert side * (one.neckline - one.invalidation) > 0
        assert side * (one.entry - one.stop) > 0
        assert 0 <= one.strength <= 100
        steps = np.diff([one.entry, *one.targets]) * side
        assert steps == pytest.approx(np.full(3, steps[0]))


@pytest.mark.parametrize("entry", CHART_PATTERNS, ids=lambda entry: entry.name)
def test_a_later_start_gives_the_same_hits(entry: Detector) -> None:
    """Hits that stand on bars past the warm-up of a history 300 bars shorter are the same, to 1e-6."""
    for series in market("hourly crypto") + market("daily equity")[:6]:
        later = series[300:]
        first = as_ts64(as_datetime(later.ts[SETTLED_BARS]))
        sets = [
            {one.ts: one for one in detect(bars, [entry]) if as_ts64(one.anchors[0].ts) >= first}
            for bars in (series, later)
        ]
        assert sets[0].keys() == sets[1].keys()
        for ts, one in sets[0].items():
            assert sets[1][ts].stop == pytest.approx(one.stop, rel=1e-6)
            assert sets[1][ts].targets == pytest.approx(one.targets, rel=1e-6)
