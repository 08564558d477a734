"""P6: a failing symbol, service or row never stops the others, and is reported."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

from crypto_signals.analysis.catalogue import Catalogue, detector
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.study import Study
from crypto_signals.domain.errors import NoBars
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Direction, ExitReason, Family, Status
from crypto_signals.engine.ports import History, Saved, Wanted

from .world import (
    BTC,
    ETH,
    LTC,
    Call,
    Scripted,
    World,
    bars,
    day,
    flat,
    pattern,
    quiet,
    sessions,
)

Build = Callable[..., World]
D = 60


class Bomb:
    """A detector that raises for the symbols in ``on``."""

    def __init__(self, *on: str) -> None:
        self.on = set(on)

        @detector(
            "bomb", family=Family.CANDLESTICK, direction=Direction.LONG, warm_up_bars=0,
            definition="Raises.", source="the tests",
        )  # fmt: skip
        def find(study: Study) -> Hits:
            if study.series.symbol in self.on:
                raise ZeroDivisionError("boom")
            return Hits.none()

        self.detector = find


def test_a_raising_detector_stops_no_other_symbol(world: Build) -> None:
    """The others are scanned, opened, followed and told; the failing one is reported by name."""
    bomb = Bomb(ETH)
    hit = pattern("hit", {symbol: [day(D)] for symbol in (BTC, ETH, LTC)})
    w = world({symbol: bars(D) for symbol in (BTC, ETH, LTC)}, hit, bomb.detector)
    summary = w.after(D)
    assert {signal.symbol for signal in w.opened} == {BTC, LTC}
    assert [(error.symbol, error.service) for error in summary.errors] == [(ETH, "analysis")]
    assert "boom" in summary.errors[0].error
    assert (summary.symbols_total, summary.symbols_processed, summary.exit_code) == (3, 2, 1)
    assert {call.symbol for call in w.channel.told} == {BTC, LTC}


def test_a_failed_symbol_is_looked_at_again(world: Build) -> None:
    """Its watermark stays, so the next run detects on the bars that failed, in order."""
    bomb = Bomb()
    hit = pattern("hit", {ETH: [day(D + 1)]})
    w = world({BTC: bars(D + 2), ETH: bars(D + 2)}, hit, bomb.detector)
    w.after(D)
    bomb.on = {ETH}
    w.after(D + 1)
    marks = w.store.watermarks("test", "1Day")
    assert (marks[ETH].seen_ts, marks[BTC].seen_ts) == (day(D), day(D + 1))
    bomb.on = set()
    w.after(D + 2)
    assert (w.only().symbol, w.only().bar_ts, w.only().late_bars) == (ETH, day(D + 1), 1)
    assert w.store.watermarks("test", "1Day")[ETH].seen_ts == day(D + 2)


def test_open_signals_of_a_symbol_whose_scan_fails_are_followed(world: Build) -> None:
    """A detector that fails hides new setups of its symbol, never the stop of a trade that people are in."""
    bomb = Bomb()
    changed = {D + 2: (100.0, 112.0, 99.0, 111.0, 1000.0), D + 3: flat(85.0)}
    market = {ETH: bars(D + 4, changed), BTC: bars(D + 4)}
    w, reference = (world(market, pattern("hit", {ETH: [day(D)]}), bomb.detector) for _ in range(2))
    for one in (w, reference):
        one.each(D, D + 1)
    bomb.on = {ETH}
    summary = w.after(D + 2)
    bomb.on = set()
    reference.after(D + 2)
    assert w.only().progress == reference.only().progress
    assert [error.symbol for error in summary.errors] == [ETH]


def test_a_failure_while_judging_leaves_the_bar_for_the_next_run(world: Build) -> None:
    """What fails after detection (an unknown gate, say) is kept to its symbol too, nothing half-stored."""
    broken = pattern("broken", {ETH: [day(D + 1)]}, gates=("no_such_gate",))
    hit = pattern("hit", {BTC: [day(D + 1)], ETH: [day(D)]})
    w = world({BTC: bars(D + 2), ETH: bars(D + 2)}, hit, broken)
    w.after(D)
    before = w.store.signal(w.only().signal_id)
    summary = w.after(D + 1)
    assert [error.symbol for error in summary.errors] == [ETH]
    assert {signal.symbol for signal in w.opened} == {BTC, ETH}
    assert w.store.signal(before[0].signal_id)[0].progress == before[0].progress
    assert w.store.watermarks("test", "1Day")[ETH].seen_ts == day(D)
    w.detectors = (hit,)
    w.after(D + 2)
    assert w.store.signal(before[0].signal_id)[0].progress.bars_seen == 2


def test_a_symbol_that_the_source_does_not_have(world: Build) -> None:
    """It is an error of its own; the others go on, its open signal stays as it is."""
    w = world({BTC: bars(D + 2), ETH: bars(D + 2)}, pattern("hit", {BTC: [day(D + 1)], ETH: [day(D)]}))
    w.after(D)
    del w.market[ETH]
    w.symbols = (BTC, ETH)
    summary = w.after(D + 1)
    assert [error.symbol for error in summary.errors] == [ETH]
    assert {signal.symbol for signal in w.opened} == {BTC, ETH}
    assert (summary.exit_code, summary.symbols_processed) == (1, 1)


def test_a_trade_whose_symbol_is_gone_ends(world: Build) -> None:
    """ "No bar for 10 sessions → exit at the last close, EXPIRED, `no_data`", also where the source no longer
    knows the symbol at all (delisted): else the trade stays open, and its slot taken, for ever."""
    w = world({BTC: bars(D + 30), ETH: bars(D + 2)}, pattern("hit", {ETH: [day(D)]}))
    w.each(D, D + 2)
    del w.market[ETH]
    w.symbols = (BTC,)
    w.each(D + 3, D + 20)
    signal = w.only()
    assert (signal.progress.status, signal.progress.exit_reason) == (Status.EXPIRED, ExitReason.NO_DATA)


def test_a_symbol_without_new_bars_is_no_error(world: Build) -> None:
    """No trade, no bar: a run without a new bar of one symbol is done."""
    w = world({BTC: bars(D + 1), ETH: bars(D)}, pattern("hit", {BTC: [day(D + 1)]}))
    w.after(D)
    assert w.after(D + 1).exit_code == 0


def test_a_stock_at_the_end_of_the_calendar_stops_no_crypto(world: Build) -> None:
    """P6: a stock whose sessions run out of the shipped table fails alone; crypto goes on."""
    stamps = sessions(40, "2031-11-03")
    spy = {ts: quiet(n) for n, ts in enumerate(stamps)}
    first = stamps[0] - dt.timedelta(days=1)
    btc = {first + dt.timedelta(days=n): quiet(n) for n in range(60)}
    last = stamps[-1]
    w = world({BTC: btc, "SPY": spy}, pattern("hit", {BTC: [last], "SPY": [stamps[-2]]}))
    w.after_session(stamps[-2])
    w.after_session(last)
    w.run(last + dt.timedelta(days=1, minutes=1))
    assert BTC in {signal.symbol for signal in w.opened}


def test_a_row_that_cannot_be_read_stops_nothing_else(world: Build) -> None:
    """P6 "a failing symbol, service or row never stops the others, and is reported": one damaged signal
    in the store is reported by the run, and the other symbols are scanned and followed."""
    w = world({BTC: bars(D + 1), ETH: bars(D + 1)}, pattern("hit", {BTC: [day(D)], ETH: [day(D + 1)]}))
    w.after(D)
    damage(w)
    summary = w.after(D + 1)
    assert summary.exit_code == 1
    with w.store._session.reading() as connection:
        found = connection.exec_driver_sql("SELECT symbol FROM signals ORDER BY symbol").scalars().all()
    assert found == [BTC, ETH]


def damage(w: World) -> None:
    with w.store._session.writing() as connection:
        connection.exec_driver_sql("""UPDATE signals SET body = '{"signal_id": "?"}'""")


def test_an_unreadable_open_signal_keeps_its_slot(world: Build) -> None:
    """ "One open signal per (strategy, instrument)": people were told of it, so while its row cannot be read
    nothing else is opened, or announced, on the same instrument."""
    w = world({BTC: bars(D + 1)}, pattern("hit", {BTC: [day(D), day(D + 1)]}))
    w.after(D)
    damage(w)
    w.after(D + 1)
    assert [call.types for call in w.channel.told].count(()) == 1


def test_an_unreadable_row_of_a_bar_that_is_looked_at_again(world: Build) -> None:
    """P6: a bar that is judged again (its watermark was lost) meets its own unreadable signal: that symbol
    fails alone, the others go on."""
    w = world({BTC: bars(D + 1), ETH: bars(D + 1)}, pattern("hit", {BTC: [day(D)], ETH: [day(D + 1)]}))
    w.after(D)
    damage(w)
    with w.store._session.writing() as connection:
        connection.exec_driver_sql("UPDATE watermarks SET seen_ts = '2018-02-25T00:00:00.000000Z'")
    summary = w.after(D + 1)
    assert summary.exit_code == 1
    assert ETH in {call.symbol for call in w.channel.told}


def test_a_message_that_cannot_be_made_stops_no_other(world: Build) -> None:
    """P6: a fault in making one message (a chart that cannot be drawn, a text that fails) is reported;
    the other threads are told in the same run, and the next run ends too."""

    def trouble(call: Call) -> BaseException | None:
        return ValueError("cannot draw") if call.symbol == BTC else None

    hit = pattern("hit", {symbol: [day(D)] for symbol in (BTC, ETH)})
    w = world({symbol: bars(D + 1) for symbol in (BTC, ETH)}, hit, channel=Scripted(trouble))
    summary = w.after(D)
    assert {call.symbol for call in w.channel.told} == {ETH}
    assert summary.exit_code == 1
    assert BTC in {error.symbol for error in summary.errors}


def test_a_failing_strategy_stops_no_other(world: Build) -> None:
    """P6: the bars of one strategy's timeframe are missing: the other runs all the same, and the run says
    what was wrong (exit 1)."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    w.clock.set(day(D + 1) + dt.timedelta(seconds=60))
    strategies = (Strategy(name="hours", timeframe="1Hour"), Strategy(name="days"))
    summary = replace(w.job(), strategies=strategies).run()
    assert [signal.strategy for signal in w.signals()] == ["days"]
    assert summary.errors
    assert summary.exit_code == 1


class Unreachable:
    """A source whose service does not answer."""

    def instruments(self) -> list[object]:
        return []

    def history(self, wanted: Iterable[Wanted], timeframe: object, now: object) -> History:  # noqa: ARG002
        raise NoBars("no route to host")


def test_what_is_owed_is_told_without_bars(world: Build) -> None:
    """Without any bar the run ends with NoBars, after it delivered what was owed."""
    w = world({BTC: bars(D)}, pattern("hit", {BTC: [day(D)]}))
    w.patience.stopping = True
    w.after(D)
    w.patience.stopping = False
    job = replace(w.job(), source=Unreachable())  # type: ignore[arg-type]
    # the run above was stopped before its first moment: look again, then lose the bars
    w.channel.script = lambda _call: KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        w.after(D)
    w.channel.script = []
    w.clock.set(w.clock.now() + dt.timedelta(minutes=5))
    with pytest.raises(NoBars):
        job.run()
    assert [call.may_repeat for call in w.channel.told] == [True]


def test_a_service_that_fails_keeps_to_itself(world: Build) -> None:
    """Stocks' channel is gone, crypto's is told: one attempt a run on the one that is paused."""
    from crypto_signals.domain.errors import ChannelPaused  # noqa: PLC0415

    stamps = sessions(60)
    last = stamps[-1]
    number = (last - day(0)).days
    crypto = bars(number)
    stock = {ts: quiet(n) for n, ts in enumerate(stamps)}
    hit = pattern("hit", {BTC: [last], "SPY": [last], "QQQ": [last]})
    w = world({BTC: crypto, "SPY": stock, "QQQ": stock}, hit)
    paused = Scripted(lambda _call: ChannelPaused("403"), name="stocks")
    w.clock.set(last + dt.timedelta(days=1, minutes=1))
    job = replace(w.job(), channels={AssetClass.CRYPTO: w.channel, AssetClass.EQUITY: paused})
    summary = job.run()
    assert [call.symbol for call in w.channel.told] == [BTC]
    assert (len(paused.calls), summary.owed, summary.exit_code) == (1, 2, 1)


def test_nothing_is_looked_at_twice_after_a_store_fault(world: Build) -> None:
    """A run that ends in the middle of its commits is continued by the next one, moment by moment."""
    where = {BTC: [day(D), day(D + 2)], ETH: [day(D + 1)]}
    market = {BTC: bars(D + 3, {D + 1: flat(85.0)}), ETH: bars(D + 3)}
    rules = {"strategy": Strategy(name="test", cooldown_hours=0)}
    reference = world(market, pattern("hit", where), **rules)
    reference.each(D - 1, D + 3)
    for crash_at in range(1, 6):
        w = world(market, pattern("hit", where), **rules)
        w.after(D - 1)
        w.store.__class__ = type("Crashing", (type(w.store),), {"commit": _crashing(crash_at)})
        try:
            w.after(D + 3)
        except KeyboardInterrupt:
            w.after(D + 3)
        assert [s.progress for s in w.signals()] == [s.progress for s in reference.signals()]
        assert [s.status for s in w.signals()].count(Status.CREATED) == 0


def _crashing(crash_at: int) -> Callable[..., None]:
    from crypto_signals.repository.sql import SqlStore  # noqa: PLC0415

    calls = [0]

    def commit(self: SqlStore, saves: Iterable[Saved], *rest: object) -> None:
        calls[0] += 1
        if calls[0] == crash_at:
            raise KeyboardInterrupt
        SqlStore.commit(self, saves, *rest)  # type: ignore[arg-type]

    return commit


def test_the_catalogue_of_the_tests_is_a_catalogue() -> None:
    """Hand-made detectors obey the catalogue's rules."""
    assert Catalogue([Bomb().detector]).names == ("bomb",)
