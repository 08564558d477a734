"""Which triggers become signals, which become shadows, and why."""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

import pytest

from crypto_signals.domain.signals import signal_id
from crypto_signals.domain.strategy import GateLimits, Gates, Strategy
from crypto_signals.domain.vocabulary import Conviction, Direction, Family, Role, Status

from .world import (
    BTC,
    ETH,
    LTC,
    Bars,
    Ohlcv,
    Scripted,
    World,
    bars,
    day,
    flat,
    hour,
    market_truth,
    pattern,
    quiet,
    refusals,
    sessions,
)

Build = Callable[..., World]
SHORT = Direction.SHORT
D = 60
STOPPING = flat(85.0)


def stocks(*symbols: str, count: int = 80) -> tuple[dict[str, Bars], list[dt.datetime]]:
    stamps = sessions(count)
    return {symbol: {ts: quiet(n) for n, ts in enumerate(stamps)} for symbol in symbols}, stamps


def test_a_trigger_opens_a_signal(world: Build) -> None:
    """A trigger whose gates pass becomes a signal, with its bar's own numbers, and is announced."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    summary = w.after(D)
    signal = w.only()
    assert signal.bar_ts == day(D)
    assert signal.plan.entry == quiet(D)[3]
    assert (signal.plan.stop, signal.plan.targets) == (90.0, (110.0, 120.0, 130.0))
    assert signal.valid_until == day(D + 2)
    assert (signal.status, signal.late_bars, signal.run_id) == (Status.WAITING, 0, summary.run_id)
    assert signal.strategy_version == w.strategy.version
    assert [call.symbol for call in w.channel.told] == [BTC]
    assert (summary.signals, summary.shadow_signals, summary.announcements) == (1, 0, 1)


def test_the_id_is_that_of_the_setup(world: Build) -> None:
    """The id is the UUID5 of strategy, instrument, timeframe, bar, detector and direction."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    w.after(D)
    signal = w.only()
    same = (signal.timeframe, day(D), "hit", Direction.LONG)
    assert signal.signal_id == signal_id("test", BTC, *same)
    others = {
        signal_id("other", BTC, *same),
        signal_id("test", ETH, *same),
        signal_id("test", BTC, signal.timeframe, day(D - 1), "hit", Direction.LONG),
        signal_id("test", BTC, signal.timeframe, day(D), "hit2", Direction.LONG),
        signal_id("test", BTC, signal.timeframe, day(D), "hit", SHORT),
        signal.signal_id,
    }
    assert len(others) == 6


def test_all_failing_gates_are_stored(world: Build) -> None:
    """A refused trigger is a shadow with every failing gate, each with its numbers; it is not announced."""
    gates = ("volume", "rsi", "reward_to_risk", "bad_stop", "neckline", "adx")
    weak = pattern("weak", {BTC: [day(D)]}, gates=gates, stop=50.0, neckline=150.0)
    w = world({BTC: bars(D)}, weak)
    summary = w.after(D)
    signal = w.only()
    assert signal.status is Status.REJECTED_BY_FILTER
    assert {"volume", "reward_to_risk", "bad_stop", "neckline"} <= set(refusals(signal))
    assert all(gate.value is not None and gate.limit is not None and gate.detail for gate in signal.gates)
    assert [gate.gate for gate in signal.gates] == list(gates)
    assert w.channel.calls == []
    assert (summary.signals, summary.shadow_signals) == (0, 1)


def test_an_unwarm_reading_refuses(world: Build) -> None:
    """A trigger on a bar where an indicator is not known yet is refused, not passed."""
    w = world({BTC: bars(18)}, pattern("early", {BTC: [day(18)]}, gates=("volume", "adx")))
    w.after(18)
    assert refusals(w.only()) == ["volume", "adx"]
    assert [gate.value for gate in w.only().failed_gates] == [None, None]


def test_crypto_cannot_be_sold_short(world: Build) -> None:
    """ "Crypto is long only": a short becomes a shadow `not_shortable`; a stock's short becomes a signal."""
    market, stamps = stocks("SPY")
    w = world(
        {BTC: bars(D)} | market,
        pattern("down", {BTC: [day(D)], "SPY": [stamps[-1]]}, direction=SHORT),
    )
    w.after(D)
    assert refusals(w.only()) == ["not_shortable"]
    w.after_session(stamps[-1])
    assert [signal.symbol for signal in w.opened] == ["SPY"]
    assert w.opened[0].direction is SHORT


def test_opposite_triggers_on_one_bar(world: Build) -> None:
    """ "Opposite triggers on one bar: both shadow `conflict`." No signal is opened, nothing is told."""
    market, stamps = stocks("SPY")
    where = {"SPY": [stamps[-1]]}
    w = world(
        market,
        pattern("up", where),
        pattern("also_up", where),
        pattern("down", where, direction=SHORT),
    )
    w.after_session(stamps[-1])
    assert {signal.detector: refusals(signal) for signal in w.signals()} == {
        "up": ["conflict"],
        "also_up": ["conflict"],
        "down": ["conflict"],
    }
    assert w.channel.calls == []


def test_a_context_is_no_conflict(world: Build) -> None:
    """Only triggers conflict; a context of the other side opens nothing and hinders nothing."""
    market, stamps = stocks("SPY")
    where = {"SPY": [stamps[-1]]}
    w = world(market, pattern("up", where), pattern("down", where, direction=SHORT, role=Role.CONTEXT))
    w.after_session(stamps[-1])
    assert (w.only().detector, w.only().is_shadow) == ("up", False)


def test_one_open_signal_per_instrument(world: Build) -> None:
    """While a signal is open, another trigger of its instrument is a shadow `slot`; others are free."""
    where = {BTC: [day(D), day(D + 1)], ETH: [day(D + 1)]}
    w = world({BTC: bars(D + 1), ETH: bars(D + 1)}, pattern("hit", where))
    w.each(D, D + 1)
    assert [(signal.symbol, signal.bar_ts) for signal in w.opened] == [(BTC, day(D)), (ETH, day(D + 1))]
    (shadow,) = w.shadows
    assert refusals(shadow) == ["slot"]
    assert f"{day(D):%Y-%m-%d}" in shadow.failed_gates[0].detail


def test_an_opposite_trigger_closes_nothing(world: Build) -> None:
    """ "An opposite trigger never closes an open signal": it becomes a shadow `slot`."""
    market, stamps = stocks("SPY")
    w = world(
        market,
        pattern("up", {"SPY": [stamps[-2]]}),
        pattern("down", {"SPY": [stamps[-1]]}, direction=SHORT),
    )
    w.after_session(stamps[-2])
    w.after_session(stamps[-1])
    (signal,) = w.opened
    assert signal.progress.status is Status.ACTIVE
    assert [refusals(shadow) for shadow in w.shadows] == [["slot"]]


def test_two_strategies_have_their_own_slots(world: Build) -> None:
    """ "One open signal per (strategy, instrument)": another strategy is not held back."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    w.clock.set(day(D + 1) + dt.timedelta(seconds=60))
    job = replace(w.job(), strategies=(Strategy(name="one"), Strategy(name="two")))
    job.run()
    assert sorted((signal.strategy, signal.is_shadow) for signal in w.signals()) == [
        ("one", False),
        ("two", False),
    ]


def test_same_side_triggers_confirm(world: Build) -> None:
    """The first opens; same-side others that passed are listed in it, best first, and are no signals."""
    where = {BTC: [day(D)]}
    w = world(
        {BTC: bars(D)},
        pattern("plain", where),
        pattern("chart", where, family=Family.CHART),
        pattern("alike", where),
        pattern("refused", where, gates=("neckline",), neckline=150.0),
    )
    w.after(D)
    (signal,) = w.opened
    assert (signal.detector, signal.confirmed_by) == ("chart", ("alike", "plain"))
    assert [shadow.detector for shadow in w.shadows] == ["refused"]


def test_ranking(world: Build) -> None:
    """Candidates of one bar rank by HIGH first, chart before candlestick, reward-to-risk, name."""
    where = {BTC: [day(D)]}
    w = world(
        {BTC: bars(D)},
        pattern("b_same", where),
        pattern("a_same", where),
        pattern("z_better", where, targets=(110.0, 150.0, 160.0)),
        pattern("z_chart", where, family=Family.CHART, targets=(104.0, 106.0, 108.0)),
    )
    w.after(D)
    (signal,) = w.opened
    assert (signal.detector, *signal.confirmed_by) == ("z_chart", "z_better", "a_same", "b_same")


def structure_of(symbols: tuple[str, ...], **kwargs: object) -> object:
    """A harmonic context around 100, fresh for 20 bars from three bars before the trigger."""
    where = {symbol: [day(D - 3)] for symbol in symbols}
    kwargs = {"family": Family.HARMONIC, "role": Role.CONTEXT, "duration": 40, "neckline": 100.0} | kwargs
    return pattern("harmonic", where, **kwargs)  # type: ignore[arg-type]


def test_high_conviction_goes_first_over_instruments(world: Build) -> None:
    """Over instruments too, HIGH beats chart and reward; HIGH needs a fresh structure of the same side."""
    where = {BTC: [day(D)], ETH: [day(D)]}
    w = world(
        {BTC: bars(D), ETH: bars(D)},
        pattern("hit", where, targets=(101.0, 101.5, 102.0)),
        pattern("best", {BTC: [day(D)]}, family=Family.CHART),
        structure_of((ETH,)),
        strategy=Strategy(name="test", max_announcements=1),
    )
    w.after(D)
    (signal,) = w.opened
    assert (signal.symbol, signal.conviction, signal.context) == (ETH, Conviction.HIGH, ("harmonic",))
    assert [(shadow.symbol, refusals(shadow)) for shadow in w.shadows] == [(BTC, ["over_budget"])]


def test_a_structure_of_the_other_side_gives_no_conviction(world: Build) -> None:
    """ "a harmonic or MACRO structure of the same side": one of the other side leaves it NORMAL."""
    w = world(
        {BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}), structure_of((BTC,), direction=SHORT, stop=120.0)
    )
    w.after(D)
    assert w.only().conviction is Conviction.NORMAL


def test_high_conviction_has_its_own_limits(world: Build) -> None:
    """HIGH is judged by 1.3 times the volume where NORMAL needs 1.5."""
    busy = {D: (*quiet(D)[:4], 1425.0)}  # 1.4 times the average of 20
    hit = pattern("hit", {BTC: [day(D)], ETH: [day(D)]}, gates=("volume",))
    w = world({BTC: bars(D, busy), ETH: bars(D, busy)}, hit, structure_of((ETH,)))
    w.after(D)
    assert 1.3 < (w.opened[0].confluence["volume_ratio"] or 0) < 1.5
    assert [signal.symbol for signal in w.opened] == [ETH]
    assert [(s.symbol, refusals(s), s.failed_gates[0].limit) for s in w.shadows] == [(BTC, ["volume"], 1.5)]


def many(count: int) -> tuple[str, ...]:
    return tuple(f"C{number:02}/USD" for number in range(count))


def test_at_most_so_many_announcements_a_bar(world: Build) -> None:
    """The best `max_announcements` (10) over all instruments open; the rest are shadow `over_budget`."""
    names = many(13)
    reward = {name: 110.0 + place for place, name in enumerate(names)}
    detectors = [pattern(f"hit{n[1:3]}", {n: [day(D)]}, targets=(105.0, reward[n], 150.0)) for n in names]
    w = world({name: bars(D) for name in names}, *detectors)
    summary = w.after(D)
    assert {signal.symbol for signal in w.opened} == set(names[3:])
    assert [refusals(shadow) for shadow in w.shadows] == [["over_budget"]] * 3
    assert (w.shadows[0].failed_gates[0].value, w.shadows[0].failed_gates[0].limit) == (13, 10)
    assert summary.announcements == 10


def test_the_budget_holds_over_two_runs_of_one_bar(world: Build) -> None:
    """A symbol whose bar of the same time comes with a later run finds the budget used up."""
    names = many(3)
    market = {name: bars(D) for name in names}
    hit = pattern("hit", {name: [day(D)] for name in names})
    w = world(market | {names[0]: bars(D - 1)}, hit, strategy=Strategy(name="test", max_announcements=2))
    w.after(D - 1)
    w.after(D)
    assert {signal.symbol for signal in w.opened} == set(names[1:])
    w.market = market
    w.after(D)
    assert {signal.symbol for signal in w.opened} == set(names[1:])
    assert [(shadow.symbol, refusals(shadow)) for shadow in w.shadows] == [(names[0], ["over_budget"])]


def test_the_budget_is_a_bars_not_a_runs(world: Build) -> None:
    """Catching up over two bars, each bar has its own budget."""
    one, two = many(2)
    hit = pattern("hit", {one: [day(D)], two: [day(D + 1)]})
    w = world({one: bars(D + 1), two: bars(D + 1)}, hit, strategy=Strategy(name="test", max_announcements=1))
    w.after(D - 1)
    w.after(D + 1)
    assert {signal.symbol for signal in w.opened} == {one, two}


def test_one_open_shadow_per_setup(world: Build) -> None:
    """ "One shadow open per (instrument, detector, direction)"; after it closed there may be another."""
    where = {BTC: [day(D), day(D + 1), day(D + 4)]}
    refused = pattern("refused", where, gates=("neckline",), neckline=150.0)
    w = world({BTC: bars(D + 4, {D + 2: STOPPING})}, refused)
    w.each(D, D + 4)
    assert [shadow.bar_ts for shadow in w.shadows] == [day(D), day(D + 4)]


def test_an_open_shadow_blocks_no_signal(world: Build) -> None:
    """Shadows hold neither slot nor cool-down: the same setup may open a signal on the next bar."""
    busy = {D + 1: (*quiet(D + 1)[:4], 9000.0)}
    w = world({BTC: bars(D + 1, busy)}, pattern("hit", {BTC: [day(D), day(D + 1)]}, gates=("volume",)))
    w.each(D, D + 1)
    assert [signal.bar_ts for signal in w.opened] == [day(D + 1)]
    assert [shadow.bar_ts for shadow in w.shadows] == [day(D)]


# ------------------------------------------------------------------- cool-down

AFTER = flat(91.0)


def cooled(world: Build, again: int, *, after: Ohlcv = AFTER, name: str = "hit", **rules: object) -> World:
    """A signal of day D entered on D+1 and stopped at 90 on D+2; another trigger ``again`` bars later."""
    where, later = {BTC: [day(D)]}, {BTC: [day(D + 2 + again)]}
    changed = {D + 1: flat(100.0), D + 2: (95.0, 96.0, 89.0, 90.0, 1000.0)}
    changed |= dict.fromkeys(range(D + 3, D + 12), after)
    for number, bar in list(changed.items()):
        changed[number] = (*bar[:4], 1000.0 + number)
    first = pattern("hit", {BTC: [*where[BTC], *(later[BTC] if name == "hit" else ())]}, stop=90.0)
    others = () if name == "hit" else (pattern(name, later, stop=80.0),)
    w = world({BTC: bars(D + 10, changed)}, first, *others, strategy=Strategy(name="test", **rules))
    w.each(D, D + 10)
    assert w.opened[0].progress.closed_at == day(D + 2)
    return w


@pytest.mark.parametrize("again", [0, 1, 2])
def test_cooldown_refuses(world: Build, again: int) -> None:
    """48 h are 2 daily bars: the bar that closed the signal and the two after it are blocked."""
    w = cooled(world, again, name="other")
    assert len(w.opened) == 1
    (shadow,) = w.shadows
    assert refusals(shadow) == ["cooldown"]
    gate = shadow.failed_gates[0]
    assert (gate.value, gate.limit) == (again, 2)
    assert "2" in gate.detail


def test_cooldown_ends(world: Build) -> None:
    """The third bar after the close is free."""
    w = cooled(world, 3, name="other")
    assert [signal.bar_ts for signal in w.opened] == [day(D), day(D + 5)]


def test_cooldown_of_half_a_bar_rounds_up(world: Build) -> None:
    """12 h on daily bars block one bar, not none."""
    assert len(cooled(world, 1, name="other", cooldown_hours=12.0).opened) == 1
    assert len(cooled(world, 2, name="other", cooldown_hours=12.0).opened) == 2


def test_no_cooldown(world: Build) -> None:
    """With COOLDOWN_HOURS 0 the next bar is free."""
    assert len(cooled(world, 1, name="other", cooldown_hours=0.0).opened) == 2


def test_cooldown_of_a_pattern(world: Build) -> None:
    """With the scope PATTERN only the detector that closed is blocked; with SYMBOL all of them."""
    assert len(cooled(world, 1, name="other", cooldown_scope="PATTERN").opened) == 2
    assert len(cooled(world, 1, name="other", cooldown_scope="SYMBOL").opened) == 1


def test_cooldown_of_the_same_pattern(world: Build) -> None:
    """With the scope PATTERN the same detector is blocked."""
    w = cooled(world, 1, after=flat(91.0), cooldown_scope="PATTERN")
    assert [refusals(shadow) for shadow in w.shadows] == [["cooldown"]]


@pytest.mark.parametrize(("close", "opens"), [(99.0, True), (98.99, False), (81.0, True), (81.01, False)])
def test_the_escape_from_a_cooldown(world: Build, close: float, opens: bool) -> None:
    """ "unless the close is ≥ 10 % away from its exit", up or down; the exit was at 90."""
    w = cooled(world, 1, after=(close, close + 0.1, close - 0.1, close, 1000.0), name="other")
    assert (len(w.opened) == 2) is opens


def test_cooldown_in_hourly_bars(world: Build) -> None:
    """On hours, 48 h are 48 bars, counted in bars: missing ones do not count."""
    for again, opens in ((48, False), (49, True)):
        changed = {D + 1: flat(100.0), D + 2: (95.0, 96.0, 89.0, 90.0, 1000.0)}
        changed |= {n: (91.0, 91.2, 90.8, 91.1, 1000.0 + n) for n in range(D + 3, D + 80)}
        last = D + 2 + again
        w = world(
            {BTC: bars(last, changed, at=hour)},
            pattern("hit", {BTC: [hour(D)]}, stop=90.0),
            pattern("other", {BTC: [hour(last)]}, stop=80.0),
            strategy=Strategy(name="test", timeframe="1Hour"),
        )
        w.after_hour(D)
        w.after_hour(last)
        assert (len(w.opened) == 2) is opens, again


def test_a_gap_does_not_shorten_the_cooldown(world: Build) -> None:
    """Cool-downs are counted in bars, not in hours: after five days without bars the next is still bar 1."""
    changed = {D + 1: flat(100.0), D + 2: (95.0, 96.0, 89.0, 90.0, 1000.0)} | {
        n: (91.0, 91.2, 90.8, 91.1, 1000.0 + n) for n in range(D + 3, D + 12)
    }
    w = world(
        {BTC: bars(D + 9, changed, missing=range(D + 3, D + 8))},
        pattern("hit", {BTC: [day(D)]}, stop=90.0),
        pattern("other", {BTC: [day(D + 8)]}, stop=80.0),
    )
    w.each(D, D + 9)
    assert [(refusals(s), s.failed_gates[0].value) for s in w.shadows] == [(["cooldown"], 1)]


def test_a_cancelled_signal_keeps_slot_and_cooldown(world: Build) -> None:
    """A signal that could not be announced "keeps its slot and cool-down", and is followed silently."""
    changed = {D + 2: (95.0, 96.0, 89.0, 90.0, 1000.0), D + 3: flat(91.0), D + 4: flat(92.0)}
    w = world(
        {BTC: bars(D + 4, changed)},
        pattern("hit", {BTC: [day(D)]}),
        pattern("held", {BTC: [day(D + 1)]}),
        pattern("cooled", {BTC: [day(D + 3)]}, stop=80.0),
    )
    w.after(D - 1)
    w.after(D + 4)
    (signal,) = w.opened
    assert (signal.status, signal.progress.status) == (Status.CANCELLED, Status.STOPPED)
    assert {shadow.detector: refusals(shadow) for shadow in w.shadows} == {
        "held": ["slot"],
        "cooled": ["cooldown"],
    }
    assert w.channel.calls == []


# ------------------------------------------------------------------- suspect bars, triggers, looking twice


def test_a_suspect_bar_opens_nothing_but_advances(world: Build) -> None:
    """ "Suspect: opens nothing, still advances open signals, flagged.\""""
    spike = {D + 1: (100.0, 401.0, 99.0, 400.0, 1000.0)}
    w = world(
        {BTC: bars(D + 1, spike)},
        pattern("hit", {BTC: [day(D)]}),
        pattern("on_spike", {BTC: [day(D + 1)]}),
    )
    w.after(D)
    summary = w.after(D + 1)
    assert w.only().progress.status is Status.TP3_HIT
    assert [problem.ts for problem in summary.problems] == [day(D + 1)]
    assert summary.exit_code == 0


def test_a_strategy_chooses_its_triggers(world: Build) -> None:
    """``triggers`` replaces the catalogue's choice: a named context opens, an unnamed trigger does not."""
    where = {BTC: [day(D)]}
    w = world(
        {BTC: bars(D)},
        pattern("named", where, role=Role.CONTEXT),
        pattern("unnamed", where),
        strategy=Strategy(name="test", triggers=("named",)),
    )
    w.after(D)
    assert (w.only().detector, w.only().confirmed_by) == ("named", ())


def test_a_macro_pattern_does_not_convict_itself(world: Build) -> None:
    """ "HIGH: a trigger while a harmonic or MACRO structure is fresh": a pattern is no support of itself.

    A chart pattern of more than 90 days is context; named as a trigger it must not raise itself to HIGH.
    """
    macro = pattern("macro", {BTC: [day(150)]}, family=Family.CHART, duration=120, neckline=100.0)
    w = world({BTC: bars(150)}, macro, strategy=Strategy(name="test", triggers=("macro",)))
    w.after(150)
    assert [s.conviction for s in w.signals()] in ([], [Conviction.NORMAL])


def test_a_strategy_chooses_its_symbols(world: Build) -> None:
    """``symbols`` limits what the strategy looks at."""
    where = {BTC: [day(D)], ETH: [day(D)]}
    w = world(
        {BTC: bars(D), ETH: bars(D)},
        pattern("hit", where),
        strategy=Strategy(name="test", symbols=(ETH,)),
    )
    summary = w.after(D)
    assert w.only().symbol == ETH
    assert (summary.symbols_total, summary.symbols_processed) == (1, 1)


def test_looking_twice_opens_nothing_new(world: Build) -> None:
    """A second run over the same bars changes no signal, no event and no effect, and tells nothing."""
    where = {BTC: [day(D)], ETH: [day(D)]}
    w = world(
        {BTC: bars(D), ETH: bars(D)},
        pattern("hit", where),
        pattern("refused", where, gates=("neckline",), neckline=150.0),
    )
    w.after(D)
    before = [w.store.signal(signal.signal_id) for signal in w.signals()]
    summary = w.after(D)
    assert [w.store.signal(signal.signal_id) for signal in w.signals()] == before
    assert (summary.signals, summary.shadow_signals, summary.announcements) == (0, 0, 0)
    assert len(w.channel.calls) == 2


def test_forgetting_the_watermark_opens_nothing_new(world: Build) -> None:
    """Ids are deterministic: even without a watermark the same bar gives no second signal or shadow."""
    where = {BTC: [day(D)]}
    w = world(
        {BTC: bars(D, {D: flat(100.0)})},
        pattern("hit", where),
        pattern("refused", where, gates=("neckline",), neckline=150.0),
    )
    w.after(D)
    with w.store._session.writing() as connection:
        connection.exec_driver_sql("DELETE FROM watermarks")
    w.after(D)
    assert len(w.signals()) == 2
    assert len(w.channel.calls) == 1


def test_the_first_look_judges_the_newest_bar_alone(world: Build) -> None:
    """A symbol never looked at before opens nothing on bars of the past."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D - 2), day(D - 1)]}))
    w.after(D)
    assert w.signals() == []


def test_late_bars_are_told(world: Build) -> None:
    """A signal found while catching up says by how many bars it is late."""
    w = world({BTC: bars(D + 3)}, pattern("hit", {BTC: [day(D)]}))
    w.after(D - 1)
    w.after(D + 3)
    assert w.only().late_bars == 3


def test_what_opens_depends_on_bars_alone(world: Build) -> None:
    """ "Decisions depend on bars and strategy version only", not on whether anything could be delivered."""
    from crypto_signals.domain.errors import ChannelPaused, Refused  # noqa: PLC0415

    where = {BTC: [day(D), day(D + 3), day(D + 8)], ETH: [day(D + 1)], LTC: [day(D + 1), day(D + 2)]}
    changed = {D + 2: (95.0, 96.0, 89.0, 90.0, 1000.0), D + 5: (100.0, 125.0, 99.0, 121.0, 1000.0)}
    market = {symbol: bars(D + 9, changed) for symbol in (BTC, ETH, LTC)}
    truths = []
    for trouble in (None, Refused("no"), ChannelPaused("gone")):
        w = world(market, pattern("hit", where), channel=Scripted(lambda _call, error=trouble: error))
        w.each(D - 1, D + 9)
        truths.append([market_truth(signal) for signal in w.opened])
    assert truths[0] == truths[1] == truths[2]
    assert len(truths[0]) > 2


def test_a_higher_limit_of_the_strategy_decides(world: Build) -> None:
    """Gate limits are the strategy's own."""
    lenient = Gates(normal=GateLimits(volume_ratio=0.1))
    hit = pattern("hit", {BTC: [day(D)]}, gates=("volume",))
    assert len(world({BTC: bars(D)}, hit).signals()) == 0
    w = world({BTC: bars(D)}, hit, strategy=Strategy(name="test", gates=lenient))
    w.after(D)
    assert not w.only().is_shadow
