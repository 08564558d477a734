"""A split rewrites the bars of the past: open signals get the new units, once, and people are told."""

from collections.abc import Callable, Mapping

import pytest

from crypto_signals.domain.events import EventType
from crypto_signals.domain.signals import Signal
from crypto_signals.notifications.follow_ups import follow_up

from .world import BTC, ETH, Bars, World, bars, day, pattern, quiet

Build = Callable[..., World]
D = 60
RISING = {
    D + n: (100.0 + 2 * n, 103.0 + 2 * n, 99.0 + 2 * n, 102.0 + 2 * n, 1000.0 + n) for n in range(1, 30)
}
FALLING = {D + 12 + n: (128 - 4 * n, 129 - 4 * n, 121 - 4 * n, 123 - 4 * n, 900.0) for n in range(1, 9)}


def times(market: Mapping[str, Bars], factor: float) -> dict[str, Bars]:
    """The bars as a service shows them after a split."""
    return {
        symbol: {
            ts: (*(price * factor for price in values[:4]), values[4] / factor)  # type: ignore[misc]
            for ts, values in own.items()
        }
        for symbol, own in market.items()
    }


def market() -> dict[str, Bars]:
    return {BTC: bars(D + 30, RISING | FALLING)}


def running(world: Build, *, refused: bool = False) -> World:
    gates = ("neckline",) if refused else ()
    return world(
        market(), pattern("hit", {BTC: [day(D)]}, targets=(110, 120, 200), gates=gates, neckline=500)
    )


def market_events(w: World, signal: Signal) -> list[EventType]:
    human = {EventType.CREATED, EventType.ANNOUNCED, EventType.CANCELLED}
    return [event.type for event in w.events(signal.signal_id) if event.type not in human]


@pytest.mark.parametrize("factor", [1 / 3, 20.0])
@pytest.mark.parametrize("split", [D + 1, D + 3, D + 9])
@pytest.mark.parametrize("pause", [0, 4])
def test_results_in_r_do_not_change(world: Build, factor: float, split: int, pause: int) -> None:
    """Before the entry, in the trade or after a target, noticed at once or days later: the same events and
    the same result as without the split, but for one more event."""
    w, reference = running(world), running(world)
    reference.each(D, D + 25)
    w.each(D, split)
    w.market = times(market(), factor)
    w.each(split + 1 + pause, D + 25)
    signal, other = w.only(), reference.only()
    events = market_events(w, signal)
    assert events.count(EventType.REBASED) == 1
    assert [kind for kind in events if kind is not EventType.REBASED] == market_events(reference, other)
    assert signal.progress.result_r == pytest.approx(other.progress.result_r)
    assert signal.progress.closed_at == other.progress.closed_at
    assert signal.plan.risk == pytest.approx(other.plan.risk * factor)


def test_a_rebased_signal_is_told_before_what_follows(world: Build) -> None:
    """In the thread, with the new stop and targets, as an event of its own."""
    w = running(world)
    w.each(D, D + 3)
    w.market = times(market(), 0.5)
    w.after(D + 4)
    told = [kind for call in w.channel.told for kind in call.types]
    assert told.count("rebased") == 1
    signal = w.only()
    (event,) = [event for event in w.events(signal.signal_id) if event.type is EventType.REBASED]
    assert (event.factor, event.ts) == (0.5, day(D + 4))
    message = follow_up(signal, [event])
    said = "".join(str(getattr(span, "text", span)) for line in message.lines for span in line)
    assert "now 51.000, the targets 55.000, 60.000, 100.00" in said
    assert "0.5 times" in said


def test_a_crash_after_the_fetch_loses_no_split(world: Build) -> None:
    """That the bars changed is seen from what the signal remembers, so a run that ended in between, after
    the new bars were kept, costs nothing; and two runs do not adjust twice."""
    w = running(world)
    w.each(D, D + 3)
    w.market = times(market(), 0.5)
    for _ in range(3):
        w.after(D + 4)
    assert market_events(w, w.only()).count(EventType.REBASED) == 1


def test_a_shadow_is_rebased_in_silence(world: Build) -> None:
    """It ends as it would have without the split."""
    w, reference = running(world, refused=True), running(world, refused=True)
    reference.each(D, D + 25)
    w.each(D, D + 5)
    w.market = times(market(), 0.25)
    w.each(D + 6, D + 25)
    assert w.only().progress.result_r == pytest.approx(reference.only().progress.result_r)
    assert w.channel.told == []


def test_a_correction_is_no_split(world: Build) -> None:
    """One bar that was corrected, or prices of another feed, leave the levels as they were announced."""
    w = running(world)
    w.each(D, D + 3)
    signal = w.only()
    changed = (*quiet(D)[:3], quiet(D)[3] * 0.9, 1000.0)
    w.market = times({BTC: bars(D + 30, RISING | FALLING | {D: changed})}, 1.001)
    w.after(D + 4)
    assert w.only().plan == signal.plan
    assert EventType.REBASED not in market_events(w, w.only())


def test_other_symbols_keep_their_levels(world: Build) -> None:
    """A split concerns its own symbol."""
    both = market() | {ETH: bars(D + 30, RISING)}
    w = world(both, pattern("hit", {BTC: [day(D)], ETH: [day(D)]}, targets=(110, 120, 200)))
    w.each(D, D + 3)
    w.market = both | times(market(), 0.5)
    w.after(D + 4)
    rebased = {s.symbol for s in w.signals() if EventType.REBASED in market_events(w, s)}
    assert rebased == {BTC}


def test_a_split_ends_no_cool_down(world: Build) -> None:
    """That the price is another after a split does not mean that it moved away from where the trade ended."""
    crash = {D + 3: (100.0, 101.0, 80.0, 90.5, 1500.0), D + 4: (90.5, 91.0, 90.0, 90.6, 1000.0)}
    own = {BTC: bars(D + 4, crash)}
    w = world(own, pattern("hit", {BTC: [day(D)]}))
    w.each(D, D + 3)
    w.market = times(own, 0.5)
    w.detectors = (pattern("hit", {BTC: [day(D), day(D + 4)]}, stop=40.0, targets=(60, 65, 70)),)
    w.after(D + 4)
    second = next(signal for signal in w.signals() if signal.bar_ts == day(D + 4))
    assert [gate.gate for gate in second.failed_gates] == ["cooldown"]
