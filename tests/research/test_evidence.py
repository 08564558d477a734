"""Evidence on the bundled bars: the population, its baseline, and what the rows say."""

from collections import defaultdict
from functools import partial

import numpy as np
import pytest

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Panel
from crypto_signals.analysis.study import Study
from crypto_signals.app.bars import file_history
from crypto_signals.app.demo import SAMPLE_BARS
from crypto_signals.domain.evidence import Verdict
from crypto_signals.domain.strategy import Costs, GateLimits, Gates, Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.research.backtest import Test
from crypto_signals.research.evidence import Findings, gather
from crypto_signals.research.outcomes import Track, is_open, is_trade, rules_of
from crypto_signals.research.population import REACH_BARS, measure, one_at_a_time, random_plans
from crypto_signals.research.setups import find_setups

TEST = Test(Strategy(), CATALOGUE, MarketCalendar())
QUICK = 500


@pytest.fixture(scope="module")
def panel() -> Panel:
    return file_history(
        [SAMPLE_BARS / name for name in ("crypto_daily.parquet", "equity_daily.parquet")], "1Day"
    ).panel


@pytest.fixture(scope="module")
def findings(panel: Panel) -> Findings:
    return gather(panel, TEST, repetitions=QUICK)


def test_each_detector_has_one_trade_at_a_time(panel: Panel) -> None:
    """The next begins on the bar on which the last was known to have ended, or later; and none is left out
    that could have begun."""
    study = Study(panel["IBM"])
    open_gates = Gates(normal=GateLimits(volume_ratio=0, rsi=100, reward_to_risk=0, adx=0))
    setups = find_setups(study, CATALOGUE, Strategy(gates=open_gates), AssetClass.EQUITY)
    setups = setups.take(setups.failed == 0)
    track = Track.of(study, AssetClass.EQUITY, TEST.calendar, panel.ts.max())
    outcomes = track.outcomes(setups.plans, rules_of(TEST.strategy))
    taken = set(one_at_a_time(setups, outcomes).tolist())
    assert 0 < len(taken) < len(setups)
    busy_until: dict[int, int] = defaultdict(int)
    for row in range(len(setups)):
        detector, bar = int(setups.detector[row]), int(setups.plans["bar"][row])
        assert (row in taken) == (bar >= busy_until[detector])
        if row in taken:
            busy_until[detector] = 1 << 60 if is_open(outcomes)[row] else int(outcomes["closed_bar"][row])


def test_random_entries_are_near_and_alike(panel: Panel) -> None:
    """Within 126 bars of the setup's own, the same side, and every level as far in ATR as the setup's."""
    study = Study(panel["BTC/USD"])
    setups = find_setups(study, CATALOGUE, Strategy(), AssetClass.CRYPTO)
    setups = setups.take(setups.failed == 0)
    costs = Strategy(costs=Costs(slippage_atr=0.1)).costs
    drawn = random_plans(study, setups, partial(costs.rate, AssetClass.CRYPTO), np.random.default_rng(1))
    far = drawn["bar"] - setups.plans["bar"][:, None]
    usual = drawn["bar"] < len(study) - 1
    assert np.abs(far[usual]).max() <= REACH_BARS
    assert far.min() < -100
    assert far.max() > 100
    assert (drawn["side"] == setups.plans["side"][:, None]).all()
    assert (drawn["entry"] == study.series.close[drawn["bar"]])[usual].all()
    atr = study.atr()[drawn["bar"]]
    assert np.allclose(drawn["cost_rate"], 0.0025 + 0.1 * atr / study.series.close[drawn["bar"]])
    for name in ("stop", "invalidation"):
        own = (setups.plans[name] - setups.plans["entry"]) / setups.atr
        there = (drawn[name] - drawn["entry"]) / atr
        known = usual & ~np.isnan(own)[:, None]
        assert np.allclose(there[known], np.broadcast_to(own[:, None], there.shape)[known])


def test_the_baseline_of_a_trade_is_the_mean_of_its_random_entries(panel: Panel) -> None:
    """Every closed trade has one, and on average it lies near what the market gave everyone."""
    (one,) = measure(Panel.of([panel["MSFT"]]), TEST)
    assert len(one) > 30
    assert np.isfinite(one.baseline_r).all()
    assert (np.isfinite(one.r) == one.closed).all()
    assert abs(one.baseline_r.mean()) < 0.5
    assert one.baseline_r.std() < one.r[one.closed].std()


def test_the_same_bars_give_the_same_trades(panel: Panel) -> None:
    """Whatever the number of processes."""
    here, there = measure(panel, TEST, processes=1), measure(panel, TEST, processes=2)
    for one, other in zip(here, there, strict=True):
        assert (one.detector == other.detector).all()
        for name in ("r", "baseline_r", "entry_ts"):
            assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)


def test_a_row_for_every_detector_and_conviction(findings: Findings) -> None:
    """Each trigger of each asset class three times, gap patterns for stocks alone; trials counts all."""
    whole = [row for row in findings.rows if row.conviction is None]
    triggers = len(CATALOGUE.triggers)
    gaps = sum(entry.needs_gap for entry in CATALOGUE.triggers)
    assert len(whole) == 2 * triggers - gaps
    assert len(findings.rows) == 3 * len(whole)
    assert {row.trials for row in findings.rows} == {len(whole)}
    assert findings.tested < len(whole)
    by_setup = defaultdict(int)
    for row in findings.rows:
        by_setup[row.detector, row.asset_class, row.conviction is None] += row.n
    assert all(by_setup[name, kind, True] == by_setup[name, kind, False] for name, kind, _ in by_setup)


def test_rows_say_only_what_was_measured(findings: Findings) -> None:
    """Intervals enclose their means; what cannot be said is None; only whole rows with enough trades are
    tested; the adjusted p-value is never below the single one."""
    for row in findings.rows:
        assert (row.mean_r is None) == (row.hit_rate is None) == (row.n == 0)
        assert (row.mean_r_lo is None) == (row.dates < 2)
        if row.mean_r_lo is not None and row.n >= 30:
            assert row.mean_r is not None and row.mean_r_hi is not None  # noqa: PT018
            assert row.mean_r_lo <= row.mean_r <= row.mean_r_hi
        few = row.n < 30 or row.dates < 30
        assert (row.verdict is Verdict.TOO_FEW) == few
        tested = row.conviction is None and not few
        assert (row.p_value is not None) == (row.p_value_adjusted is not None) == tested
        if row.p_value is not None and row.p_value_adjusted is not None:
            assert 0 < row.p_value <= row.p_value_adjusted <= 1
        if row.verdict is Verdict.EDGE:
            assert row.mean_r_lo is not None
            assert row.mean_r_lo > 0
            assert row.conviction is not Conviction.HIGH


def test_rows_carry_their_period(findings: Findings) -> None:
    """The first and last bars of their own asset class, and how many instruments it had."""
    crypto = next(row for row in findings.rows if row.asset_class is AssetClass.CRYPTO)
    equity = next(row for row in findings.rows if row.asset_class is AssetClass.EQUITY)
    assert (crypto.symbols, equity.symbols) == (3, 6)
    assert f"{crypto.since:%Y-%m-%d} {crypto.until:%Y-%m-%d}" == "2014-11-28 2020-01-17"
    assert f"{equity.since:%Y-%m-%d} {equity.until:%Y-%m-%d}" == "2000-03-01 2018-12-31"


def test_trades_that_have_not_closed_are_counted_apart(panel: Panel) -> None:
    """Cut the bars where trades are open: n_open counts them, and n is without them."""
    cut = Panel.of(series[:1500] for series in panel)
    rows = gather(cut, TEST, repetitions=QUICK).rows
    measured = measure(cut, TEST)
    whole = [row for row in rows if row.conviction is None]
    assert sum(row.n for row in whole) == sum(int(one.closed.sum()) for one in measured)
    assert sum(row.n_open for row in whole) == sum(int((~one.closed).sum()) for one in measured) > 0
    assert is_trade(np.zeros(0, [("entry_bar", "i8"), ("reason", "i8")])).shape == (0,)


def test_a_strategy_without_a_trade_has_rows_that_say_nothing(panel: Panel) -> None:
    """No division by zero, no number made up."""
    never = Test(Strategy(triggers=("kicking_bullish",)), CATALOGUE, TEST.calendar)
    rows = gather(Panel.of([panel["IBM"][:400]]), never, repetitions=QUICK).rows
    assert {(row.n, row.mean_r, row.p_value, row.rank_r, row.profit_factor) for row in rows} == {
        (0, None, None, None, None)
    }
    assert {row.verdict for row in rows} == {Verdict.TOO_FEW}
