"""Evidence calls noise noise, and finds an edge that is there."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Panel
from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.research.evidence import gather
from crypto_signals.research.resampling import REPETITIONS

from . import noise_markets

DEV = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dev" / "equity_daily.parquet"
EFFECT_R = 0.30
Record = Callable[[str, object], None]
QUICK = 2_000


def false_finds(make: Callable[[int], Panel], seeds: Iterable[int], repetitions: int) -> tuple[int, int, int]:
    """How many markets had any edge, how many rows were put to the test, and of how many trades."""
    finds = tested = trades = 0
    for seed in seeds:
        found = gather(make(seed), noise_markets.freely(CATALOGUE), repetitions=repetitions)
        finds += any(row.verdict is Verdict.EDGE for row in found.rows)
        tested += found.tested
        trades += sum(row.n for row in found.rows if row.conviction is None)
    return finds, tested, trades


def shuffled(seed: int) -> Panel:
    if not DEV.exists():
        pytest.skip("shared/data/dev is not beside this checkout")
    return noise_markets.shuffled_bars(seed, DEV)


def noise(record_property: Record, markets: int, repetitions: int) -> int:
    """Half random walks, half shuffled bars; gives in how many an edge was claimed."""
    finds = 0
    for name, make in (("random walks", noise_markets.random_walks), ("shuffled real bars", shuffled)):
        claimed, tested, trades = false_finds(make, range(markets // 2), repetitions)
        said = f"noise, {name}: an edge in {claimed} of {markets // 2} markets"
        record_property("figure", f"{said} ({tested} rows tested, {trades} trades)")
        finds += claimed
    return finds


def finds_of_planted(record_property: Record, seeds: range, repetitions: int) -> int:
    catalogue = CATALOGUE.including(noise_markets.planted_detector())
    finds = 0
    for seed in seeds:
        planted = noise_markets.with_edge(seed, EFFECT_R, catalogue)
        assert planted.trades >= 900
        assert planted.dates >= 500
        rows = gather(planted.panel, noise_markets.freely(catalogue), repetitions=repetitions).rows
        (row,) = (row for row in rows if row.detector == "planted" and row.conviction is None)
        finds += row.verdict is Verdict.EDGE
        record_property("figure", _said(planted, row))
    return finds


def _said(planted: noise_markets.Planted, row: Evidence) -> str:
    return (
        f"planted {planted.effect_r:+.2f} R on {planted.trades} trades of {planted.dates} dates: "
        f"{row.verdict.value}, mean {row.mean_r:+.2f} R ({row.mean_r_lo:+.2f} to {row.mean_r_hi:+.2f}), "
        f"random entries {row.baseline_mean_r:+.2f}, adjusted p {row.p_value_adjusted:.4f}"
    )


@pytest.mark.proof
def test_noise_has_no_edge(record_property: Record) -> None:
    """Of 24 markets without one, an edge is claimed in 4 at most."""
    assert noise(record_property, 24, QUICK) <= 4


@pytest.mark.proof
def test_an_edge_that_is_there_is_found(record_property: Record) -> None:
    """+0.30 R after one detector, in each of two markets."""
    assert finds_of_planted(record_property, range(2), QUICK) == 2


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_noise_has_no_edge_in_200_markets(record_property: Record) -> None:
    """In at most 18 of 200: what 5 % allow with a chance of 99 %."""
    assert noise(record_property, 200, REPETITIONS) <= 18


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_an_edge_that_is_there_is_found_in_nine_of_ten_markets(record_property: Record) -> None:
    """+0.30 R after one detector, 1,000 trades on more than 500 dates."""
    assert finds_of_planted(record_property, range(10), REPETITIONS) >= 9
