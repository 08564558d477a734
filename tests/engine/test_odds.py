"""Measured odds in a run: what is quoted, what ranks, what refuses, and what has drifted away."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.signals import GateResult, Progress, Signal
from crypto_signals.domain.strategy import Costs, Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, Status
from crypto_signals.engine.drift import ALPHA, drifted
from crypto_signals.engine.odds import NO_ODDS, Odds
from crypto_signals.engine.views import signal_view
from domain.odds import evidence
from domain.stories import DAY, SIGNAL_BAR, signal

from .world import BTC, World, bars, day, pattern, refusals

Build = Callable[..., World]
D = 60
FREE = Strategy(name="test", cooldown_hours=0)


def crypto(detector: str, **changes: object) -> Evidence:
    past = {"asset_class": AssetClass.CRYPTO, "until": day(0), "since": day(-900)}
    return evidence(detector, **(past | changes))  # type: ignore[arg-type]


def measured(w: World, *rows: Evidence) -> None:
    """Gives the world's run evidence that was measured as it trades."""
    w.odds = Odds(rows, w.strategy.rules_version(w.job().catalogue.fingerprint))


def test_a_signal_carries_what_was_measured_of_it(world: Build) -> None:
    """The row of any conviction, stored with the signal and shown under the contract's names."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    measured(w, crypto("hit"), crypto("hit", conviction=Conviction.NORMAL, n=3), crypto("other"))
    w.after(D)
    assert w.only().evidence == crypto("hit")
    shown = signal_view(w.only())["evidence"]
    assert (shown["conviction"], shown["n"], shown["from"][:10], shown["to"][:10]) == (
        "ALL", 214, "2015-07-16", "2018-01-01",
    )  # fmt: skip
    assert "rank_r" not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"until": day(D)},
        {"direction": Direction.SHORT},
        {"asset_class": AssetClass.EQUITY},
        {"detector": "hat"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_evidence_of_something_else_is_not_quoted(world: Build, wrong: dict[str, object]) -> None:
    """Another side, class or detector; or bars of which the signal's own is one."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    measured(w, crypto("hit", **wrong) if "detector" not in wrong else crypto("hat"))
    w.after(D)
    assert w.only().evidence is None


def test_evidence_measured_with_other_rules_is_not_quoted_and_said_once(world: Build) -> None:
    """Odds of other gates, exits or costs are odds of another setup."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    other = w.strategy.model_copy(update={"costs": Costs(slippage_bp=9)})
    w.odds = Odds([crypto("hit")], other.rules_version(w.job().catalogue.fingerprint))
    summary = w.after(D)
    assert w.only().evidence is None
    assert sum(line.startswith("strategy test quotes no odds") for line in summary.warnings) == 1
    assert not any("measure again" in line for line in world({BTC: bars(D)}).after(D).warnings)


def test_evidence_ranks_before_family_and_reward(world: Build) -> None:
    """Of two setups on one bar the one that did better opens; one that was never measured comes last."""
    first, second, third = (pattern(name, {BTC: [day(D)]}) for name in ("a", "b", "c"))
    w = world({BTC: bars(D)}, first, second, third)
    measured(w, crypto("b", rank_r=-0.2), crypto("c", rank_r=0.1))
    w.after(D)
    assert w.opened[0].detector == "c"
    assert w.opened[0].confirmed_by == ("b", "a")


@pytest.mark.parametrize(
    ("row", "opens"),
    [
        (crypto("hit", mean_r_lo=0.01), True),
        (crypto("hit", mean_r_lo=-0.01), False),
        (crypto("hit", mean_r_lo=0.9, n=2, verdict=Verdict.TOO_FEW), False),
        (None, False),
    ],
    ids=["good enough", "not good enough", "too few", "never measured"],
)
def test_a_strategy_may_ask_for_evidence(world: Build, row: Evidence | None, opens: bool) -> None:
    """What was not measured, or not good enough, becomes a shadow that says so."""
    strategy = Strategy(name="test", min_mean_r_lo=0.0)
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}), strategy=strategy)
    measured(w, *([] if row is None else [row]))
    w.after(D)
    assert refusals(w.only()) == ([] if opens else ["evidence"])
    assert w.only().gates[-1].limit == 0.0


# ------------------------------------------------------------------- drift


def closed(number: int, hit: bool, **changes: object) -> Signal:
    """A trade that was found on day ``number``, in an instrument of its own, and has ended."""
    ts = SIGNAL_BAR + number * DAY
    status = Status.TP3_HIT if hit else Status.STOPPED
    progress = Progress(
        status=status, entry_ts=ts + DAY, entry_fill=100.0, entry_bar=1, targets_hit=3 if hit else 0,
        closed_at=ts + 3 * DAY, result_r=1.0 if hit else -1.0,
    )  # fmt: skip
    told = signal(
        signal_id=f"s{number}", symbol=f"C{number}/USD", detector="hit", bar_ts=ts, progress=progress
    )
    return replace(told, **changes)  # type: ignore[arg-type]


ODDS = Odds([crypto("hit", until=SIGNAL_BAR - DAY)], "rules")


def test_a_setup_that_stopped_working_is_named() -> None:
    """One hit of twenty where at least 46 of 100 were measured."""
    (drift,) = drifted([closed(n, n == 7) for n in range(20)], ODDS)
    assert (drift.detector, drift.direction, drift.asset_class, drift.n) == ("hit", "long", "crypto", 20)
    assert (drift.hit_rate, drift.expected_lo) == (0.05, 0.46)
    assert drift.e_value >= 1 / ALPHA


def test_a_setup_that_does_as_measured_is_not() -> None:
    """Half of them hit, in any order; or there is no evidence to compare with."""
    trades = [closed(n, n % 2 == 0) for n in range(200)]
    assert drifted(trades, ODDS) == []
    assert drifted([closed(n, False) for n in range(20)], NO_ODDS) == []


def test_trades_of_one_day_are_one_bet() -> None:
    """Twenty stops of one crash say no more than one."""
    crash = [replace(closed(5, False), symbol=f"C{n}/USD") for n in range(20)]
    assert drifted(crash, ODDS) == []


def test_what_was_never_measured_is_not_compared() -> None:
    """Trades that quality gates refused are another population; those in whose way others stood are not.
    Open ones, and ones that were never entered, say nothing yet."""
    bad = [closed(n, False, gates=(GateResult("volume", passed=False),)) for n in range(20)]
    assert drifted(bad, ODDS) == []
    crowded = [closed(n, False, gates=(GateResult("slot", passed=False),)) for n in range(20)]
    assert len(drifted(crowded, ODDS)) == 1
    waiting = [replace(trade, progress=Progress()) for trade in crowded]
    assert drifted(waiting, ODDS) == []
    few = Odds([crypto("hit", until=SIGNAL_BAR - DAY, verdict=Verdict.TOO_FEW)])
    assert drifted(crowded, few) == []


def test_of_an_instrument_one_trade_counts_at_a_time() -> None:
    """As where the odds were measured: twenty stops in one coin within three days each are seven trades."""
    crowd = [closed(n, False, symbol="BTC/USD") for n in range(20)]
    (drift,) = drifted(crowd, ODDS)
    assert drift.n == 7


def test_nothing_is_concluded_while_earlier_trades_are_undecided() -> None:
    """A stop comes sooner than a target: what has closed first is worse than what will have. An open trade
    that has reached its first target is decided."""
    stops = [closed(n, False) for n in range(1, 21)]
    waiting = replace(closed(0, False), progress=Progress(status=Status.ACTIVE, entry_ts=SIGNAL_BAR + DAY))
    assert drifted([waiting, *stops], ODDS) == []
    running = replace(waiting, progress=replace(waiting.progress, status=Status.TP1_HIT, targets_hit=1))
    (drift,) = drifted([running, *stops], ODDS)
    assert drift.n == 21


def test_the_more_there_is_to_compare_the_more_it_takes() -> None:
    """Also of what has had no trade yet: else each newcomer would have a chance of its own."""
    stops = [closed(n, False) for n in range(12)]
    (drift,) = drifted(stops, ODDS)
    others = [crypto(f"other{n}", until=SIGNAL_BAR - DAY) for n in range(int(drift.e_value * ALPHA))]
    assert drifted(stops, Odds([*ODDS.rows, *others])) == []


def test_a_run_looks_back_to_where_the_evidence_ends(world: Build) -> None:
    """Trades that closed long ago count as long as the store has them; the summary names the setup."""
    days = [day(n) for n in range(20, 400, 8)]
    stopped = {n + 2: (100.0, 100.5, 80.0, 99.0, 1000.0) for n in range(20, 400, 8)}
    w = world({BTC: bars(D + 400, stopped)}, pattern("hit", {BTC: days}), strategy=FREE)
    measured(w, crypto("hit"))
    w.after(19)
    w.after(300)
    (drift,) = w.after(D + 400).drift
    assert (drift.detector, drift.hit_rate) == ("hit", 0.0)
    assert drift.n > 30


def history(rng: np.random.Generator, rate: float, days: int) -> list[Signal]:
    """Two trades a day, of which ``rate`` hit; a stop takes five days on average, a target fourteen."""
    trades = []
    for number in range(2 * days):
        hit = bool(rng.random() < rate)
        ts = SIGNAL_BAR + number // 2 * DAY
        length = min(int(rng.geometric(1 / 14 if hit else 1 / 5)), 60)
        trade = closed(number, hit, bar_ts=ts)
        progress = replace(trade.progress, entry_ts=ts + DAY, closed_at=ts + length * DAY)
        trades.append(replace(trade, progress=progress))
    return trades


def as_of(trades: list[Signal], now: dt.datetime) -> list[Signal]:
    """What was known of them then."""
    open_ = Progress(status=Status.ACTIVE, entry_ts=now)
    return [
        trade if trade.progress.closed_at <= now else replace(trade, progress=open_)  # type: ignore[operator]
        for trade in trades
        if trade.bar_ts <= now
    ]


def ever(rng: np.random.Generator, rate: float) -> bool:
    trades = history(rng, rate, 120)
    return any(drifted(as_of(trades, SIGNAL_BAR + n * DAY), ODDS) for n in range(2, 181, 3))


def test_looking_every_day_raises_few_false_alarms(record_property: Callable[[str, object], None]) -> None:
    """At the lower end of the measured rate, looked at for half a year while trades open and close, at most
    1 history in 20 is flagged; at half that rate nearly every one."""
    rng = np.random.default_rng(1)
    false = sum(ever(rng, 0.46) for _ in range(100)) / 100
    true = sum(ever(rng, 0.23) for _ in range(20)) / 20
    record_property("figure", f"drift: {false:.1%} false alarms, {true:.0%} of halved rates found")
    assert false <= 0.05
    assert true >= 0.95
