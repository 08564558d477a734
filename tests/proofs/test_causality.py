"""P1: what a detector says at bar t never changes when later bars arrive; short form."""

from pathlib import Path

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Series
from crypto_signals.app.bars import file_history
from crypto_signals.detectors import Direction, Family, Hits, Study, detector
from crypto_signals.research.conformance import Plan, replay

DEV = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dev"
TIMEFRAMES = {
    "crypto_daily": ("1Day", ("BTC/USDT", "ADA/USDT", "DOGE/USD")),
    "equity_daily": ("1Day", ("AAPL", "MSFT", "KO", "SPY")),
    "crypto_hourly": ("1Hour", ("BTC/USDT", "ETH/USDT")),
}
BARS = 1500
PLAN = Plan(prefixes=60)


def real(name: str) -> list[Series]:
    """The last bars of some symbols of one file; skips the test, saying so, where it is missing."""
    path = DEV / f"{name}.parquet"
    if not path.exists():
        pytest.skip(f"shared/data/dev/{path.name} is not beside this checkout")
    timeframe, symbols = TIMEFRAMES[name]
    return [series[-BARS:] for series in file_history([path], timeframe, symbols).panel]


@pytest.mark.proof
@pytest.mark.parametrize("name", TIMEFRAMES)
def test_no_detector_changes_its_mind(name: str) -> None:
    """Every detector of the catalogue, bit for bit, on a seeded sample of prefixes and around detections."""
    for series in real(name):
        found = replay(series, CATALOGUE, PLAN)
        assert found.failures == {}
        assert sum(count > 0 for count in found.detections.values()) > 40, "these bars prove little"
        assert found.prefixes > PLAN.prefixes


@detector("peeks", family=Family.CHART, direction=Direction.LONG, definition="Looks ahead.", source="-")
def peeks(study: Study) -> Hits:
    """Fires on lows that the next bar does not undercut: nobody can know that in time."""
    low = study.series.low
    bars = np.flatnonzero((low[1:-1] < low[:-2]) & (low[1:-1] < low[2:])) + 1
    return Hits.of(
        bars,
        strength=np.full(len(bars), 100.0),
        duration_bars=np.zeros(len(bars), np.int64),
        anchors=bars[:, None],
        anchor_prices=low[bars][:, None],
        labels=("low",),
    )


@pytest.mark.proof
@pytest.mark.parametrize("name", TIMEFRAMES)
def test_a_planted_look_ahead_is_caught(name: str) -> None:
    """The canary: the same replay names the one detector that looks one bar ahead, and no other."""
    series = real(name)[0]
    found = replay(series, CATALOGUE.including(peeks), PLAN)
    assert list(found.failures) == [("causal", "peeks")]
