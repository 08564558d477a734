"""Following open signals: bar by bar, however many bars were missed."""

import datetime as dt
from collections.abc import Callable

import pytest

from crypto_signals.domain.events import EventType
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import ExitReason, Status

from .world import (
    BTC,
    ETH,
    LTC,
    Bars,
    Waits,
    World,
    bars,
    day,
    flat,
    hour,
    market_truth,
    pattern,
    quiet,
    sessions,
)

Build = Callable[..., World]
D = 60
RISING = {
    D + n: (100.0 + 2 * n, 103.0 + 2 * n, 99.0 + 2 * n, 102.0 + 2 * n, 1000.0 + n) for n in range(1, 30)
}
CRASH = {D + 7: (100.0, 101.0, 70.0, 75.0, 1500.0)}


def market() -> dict[str, Bars]:
    """One that runs up to the trail, one that is stopped, one that goes nowhere."""
    falling = {D + 20 + n: (145 - 4 * n, 146 - 4 * n, 138 - 4 * n, 140 - 4 * n, 900.0) for n in range(1, 9)}
    return {BTC: bars(D + 40, RISING | falling), ETH: bars(D + 40, CRASH), LTC: bars(D + 40)}


def busy(world: Build) -> World:
    days = [day(D), day(D + 3), day(D + 8), day(D + 13), day(D + 21)]
    where = {BTC: days, ETH: days, LTC: days}
    return world(
        market(),
        pattern("hit", where, targets=(110.0, 120.0, 200.0)),
        pattern("refused", where, gates=("neckline",), neckline=500.0),
        pattern("volume", where, gates=("volume", "rsi")),
        strategy=Strategy(name="test", max_announcements=2),
    )


def everything(w: World) -> list[tuple[object, ...]]:
    """What the market did, with the events of the market."""
    human = {EventType.CREATED, EventType.ANNOUNCED, EventType.CANCELLED}
    return [
        (market_truth(signal), [e for e in w.events(signal.signal_id) if e.type not in human])
        for signal in w.signals()
    ]


@pytest.mark.parametrize("pauses", [(40,), (1, 2, 3, 40), (5, 9, 40), (22, 23, 40)])
def test_catching_up_equals_day_by_day(world: Build, pauses: tuple[int, ...]) -> None:
    """After missed runs every bar is taken in order: the same signals, gates, shadows, fills, ends."""
    daily, late = busy(world), busy(world)
    daily.each(D - 1, D + 40)
    late.after(D - 1)
    for pause in pauses:
        late.after(D + pause)
    assert everything(late) == everything(daily)
    reasons = {signal.progress.exit_reason for signal in daily.signals()}
    assert {ExitReason.TRAIL, ExitReason.STOP} <= reasons, "these bars prove too little"
    assert {len(signal.failed_gates) > 0 for signal in daily.signals()} == {True, False}


def test_catching_up_in_between_changes_nothing_already_told(world: Build) -> None:
    """Running again without new bars changes nothing at all."""
    w = busy(world)
    for number in range(D - 1, D + 30):
        w.after(number)
        before = [w.store.signal(signal.signal_id) for signal in w.signals()]
        w.after(number)
        assert [w.store.signal(signal.signal_id) for signal in w.signals()] == before


def test_a_signal_has_its_own_watermark(world: Build) -> None:
    """What a signal has seen is its own: a symbol's watermark that ran ahead loses no bar of it."""
    w = world({BTC: bars(D + 6, RISING)}, pattern("hit", {BTC: [day(D)]}))
    reference = world({BTC: bars(D + 6, RISING)}, pattern("hit", {BTC: [day(D)]}))
    reference.each(D, D + 6)
    w.after(D)
    with w.store._session.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE watermarks SET seen_ts = ?", (day(D + 5).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),)
        )
    w.after(D + 6)
    assert w.only().progress == reference.only().progress
    assert w.only().progress.bars_seen == 6


# ------------------------------------------------------------------- no data


def silent(world: Build, *later: int) -> World:
    """A signal entered on D+1, bars until D+2, then none but the ``later`` ones."""
    last = max(later, default=D + 2)
    gone = set(range(D + 3, last + 1)) - set(later)
    return world({BTC: bars(last, missing=gone), ETH: bars(D + 40)}, pattern("hit", {BTC: [day(D)]}))


def test_no_data_ends_a_trade(world: Build) -> None:
    """ "No bar for 10 sessions → exit at the last close, EXPIRED, `no_data`": when the tenth has passed."""
    w = silent(world)
    w.each(D, D + 11)
    assert w.only().progress.status is Status.ACTIVE
    w.after(D + 12)
    signal = w.only()
    assert (signal.progress.status, signal.progress.exit_reason) == (Status.EXPIRED, ExitReason.NO_DATA)
    assert signal.progress.closed_at == day(D + 12)
    assert signal.progress.fills[-1].price == quiet(D + 2)[3]
    assert w.channel.told[-1].types == ("expired",)


def test_no_data_with_later_bars(world: Build) -> None:
    """The same end, if the bars come back before anyone looked: the trade was over by then."""
    daily, late = silent(world, D + 13, D + 14), silent(world, D + 13, D + 14)
    daily.each(D, D + 14)
    late.after(D)
    late.after(D + 14)
    assert late.only().progress == daily.only().progress
    assert late.only().progress.exit_reason is ExitReason.NO_DATA
    assert late.only().progress.closed_at == day(D + 12)


def test_a_bar_of_the_tenth_session_is_in_time(world: Build) -> None:
    """Nine sessions without a bar end nothing."""
    daily, late = silent(world, D + 12), silent(world, D + 12)
    daily.each(D, D + 13)
    late.after(D)
    late.after(D + 13)
    assert late.only().progress == daily.only().progress
    assert late.only().progress.status is Status.ACTIVE


def test_no_data_before_the_entry(world: Build) -> None:
    """A signal that never saw its entry bar ends without a result."""
    w = world({BTC: bars(D), ETH: bars(D + 40)}, pattern("hit", {BTC: [day(D)]}))
    w.after(D)
    w.after(D + 10)
    progress = w.only().progress
    assert (progress.exit_reason, progress.result_r, progress.entry_fill) == (ExitReason.NO_DATA, None, None)


def test_no_data_of_stocks_counts_exchange_sessions(world: Build) -> None:
    """Weekends and holidays are no sessions: a stock's trade outlives ten calendar days."""
    stamps = sessions(80)
    spy = {ts: quiet(n) for n, ts in enumerate(stamps[:62])}
    w = world({"SPY": spy, BTC: bars(200)}, pattern("hit", {"SPY": [stamps[60]]}))
    w.after_session(stamps[60])
    w.after_session(stamps[70])
    assert w.only().progress.status is Status.ACTIVE
    assert (stamps[70] - stamps[61]).days > 10
    w.after_session(stamps[71])
    assert w.only().progress.exit_reason is ExitReason.NO_DATA
    assert w.only().progress.closed_at == stamps[71]


@pytest.mark.parametrize("back", [240, 264, 287])
def test_no_data_on_hours_is_the_same_late_and_in_time(world: Build, back: int) -> None:
    """On intraday bars too, a gap ends a trade or not whether one looked every six hours or once."""
    last = D + 2 + back
    market = {
        BTC: bars(last, missing=range(D + 3, last), at=hour),
        ETH: bars(last + 30, at=hour),
    }
    worlds = []
    for looks in ((*range(D, last, 6), last), (D, last)):
        w = world(market, pattern("hit", {BTC: [hour(D)]}), strategy=Strategy(name="test", timeframe="1Hour"))
        for number in looks:
            w.after_hour(number)
        worlds.append(w)
    daily, late = worlds
    assert late.only().progress == daily.only().progress


def test_a_shadow_without_data_ends_too(world: Build) -> None:
    """Shadows are followed to the same end."""
    refused = pattern("refused", {BTC: [day(D)]}, gates=("neckline",), neckline=500.0)
    w = world({BTC: bars(D + 2), ETH: bars(D + 40)}, refused)
    w.each(D, D + 12)
    assert w.only().progress.exit_reason is ExitReason.NO_DATA


# ------------------------------------------------------------------- shadows, removed symbols


def test_shadows_are_written_twice(world: Build) -> None:
    """ "Shadows are written at creation and at close only": in between the store keeps the first version."""
    refused = pattern("refused", {BTC: [day(D)]}, gates=("neckline",), neckline=500.0)
    w = world({BTC: bars(D + 3, {D + 3: flat(85.0)})}, refused)
    w.after(D)
    created = w.store.signal(w.only().signal_id)
    w.each(D + 1, D + 2)
    assert w.store.signal(w.only().signal_id) == created
    w.after(D + 3)
    signal, events, effects = w.store.signal(w.only().signal_id)
    assert signal.progress.status is Status.STOPPED
    assert [event.type.value for event in events] == ["created", "entered", "stopped"]
    assert signal.version == 3
    assert effects == ()


def test_a_removed_symbol_is_followed(world: Build) -> None:
    """A symbol taken out of the configuration is followed to the end of its trade, and opens nothing."""
    w = world(
        {BTC: bars(D + 4, {D + 4: flat(85.0)}), ETH: bars(D + 4)},
        pattern("hit", {BTC: [day(D)]}),
        pattern("other", {BTC: [day(D + 2)]}),
    )
    w.after(D)
    w.symbols = (ETH,)
    summaries = w.each(D + 1, D + 4)
    assert w.only().progress.status is Status.STOPPED
    assert w.channel.told[-1].types == ("stopped",)
    assert [summary.symbols_total for summary in summaries] == [1, 1, 1, 1]


def test_a_symbol_outside_the_strategy_is_followed(world: Build) -> None:
    """The same where the strategy's own list was shortened."""
    w = world(
        {BTC: bars(D + 2, {D + 2: flat(85.0)}), ETH: bars(D + 2)},
        pattern("hit", {BTC: [day(D)]}),
    )
    w.after(D)
    w.strategy = Strategy(name="test", symbols=(ETH,))
    w.each(D + 1, D + 2)
    assert w.only().progress.status is Status.STOPPED


def test_a_trade_keeps_the_terms_it_was_announced_with(world: Build) -> None:
    """A changed strategy changes no plan of an open signal, and the signal keeps its version."""
    w = world({BTC: bars(D + 3)}, pattern("hit", {BTC: [day(D)]}))
    w.after(D)
    before = w.only()
    w.strategy = Strategy(name="test", max_bars=2, fractions=(0.2, 0.2, 0.6))
    w.each(D + 1, D + 3)
    after = w.only()
    assert (after.plan, after.strategy_version) == (before.plan, before.strategy_version)
    assert after.progress.status is Status.ACTIVE


def test_the_anchor_never_slides(world: Build) -> None:
    """ "History starts at an anchor ... then it grows and never slides.\""""
    w = world({BTC: bars(640)}, pattern("hit", {BTC: [day(600)]}))
    w.after(600)
    anchor = w.store.watermarks("test", "1Day")[BTC].anchor_ts
    assert anchor == day(100)
    w.each(601, 640)
    mark = w.store.watermarks("test", "1Day")[BTC]
    assert (mark.anchor_ts, mark.seen_ts) == (anchor, day(640))


def test_a_stopped_run_is_continued(world: Build) -> None:
    """A run that is asked to stop between two moments leaves them to the next run, in order."""
    daily = busy(world)
    daily.each(D - 1, D + 40)
    for moments in (1, 9, 22):
        w = busy(world)
        w.after(D - 1)
        w.patience = Stops(len(w.market) + moments)
        summary = w.after(D + 40)
        assert w.store.watermarks("test", "1Day")[BTC].seen_ts == day(D - 1 + moments)
        assert summary.announcements == 0
        w.patience = Waits()
        w.after(D + 40)
        assert everything(w) == everything(daily)


class Stops(Waits):
    """Asks the run to stop at the n-th time it looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        super().__init__()

    @property
    def stopping(self) -> bool:
        self.looks -= 1
        return self.looks < 0

    @stopping.setter
    def stopping(self, value: bool) -> None:
        pass


def test_the_result_of_a_run_counts_what_was_announced(world: Build) -> None:
    """``result_r`` sums the announced trades that closed in the run: no shadow, none that was cancelled."""
    refused = pattern("refused", {ETH: [day(D)]}, gates=("neckline",), neckline=500.0)
    hit = pattern("hit", {BTC: [day(D)]})
    market = {symbol: bars(D + 2, {D + 2: flat(85.0)}) for symbol in (BTC, ETH)}
    w = world(market, hit, refused)
    summaries = w.each(D, D + 2)
    assert [summary.result_r for summary in summaries[:2]] == [0, 0]
    assert summaries[2].result_r == w.opened[0].progress.result_r
    late = world(market, hit, refused)
    late.after(D - 1)
    assert late.after(D + 2).result_r == 0


def test_ends_while_catching_up_are_dated_by_the_bar(world: Build) -> None:
    """``closed_at`` is the bar's time, not the clock's."""
    w = world({BTC: bars(D + 9, {D + 2: flat(85.0)})}, pattern("hit", {BTC: [day(D)]}))
    w.after(D)
    w.after(D + 9)
    assert w.only().progress.closed_at == day(D + 2)
    assert isinstance(w.only().progress.closed_at, dt.datetime)
