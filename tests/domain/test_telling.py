"""What people see of a signal, and which events owe them a message."""

from dataclasses import replace

import pytest

from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.lifecycle import apply, owed
from crypto_signals.domain.signals import GateResult, Signal
from crypto_signals.domain.vocabulary import EffectKind

from .stories import LONG, Ohlc, Trails, at, play, signal

BARS = [
    (100.0, 105.0, 95.0, 102.0),
    (105.0, 112.0, 103.0, 111.0),
    (115.0, 122.0, 113.0, 121.0),
    (121.0, 124.0, 119.0, 110.0),
]
REFUSED = (
    GateResult("rsi", passed=True, value=60.0, limit=70.0),
    GateResult("volume", passed=False, value=1.1, limit=1.5),
    GateResult("reward_to_risk", passed=False, value=1.2, limit=1.5),
)
TELLABLE = [kind for kind in EventType if kind not in {EventType.ANNOUNCED, EventType.CANCELLED}]


def shadow() -> Signal:
    return signal(gates=REFUSED, announced_at=None)


def cancelled() -> Signal:
    return apply(signal(announced_at=None), Event(type=EventType.CANCELLED, ts=at(0)))


@pytest.mark.parametrize("count", range(len(BARS) + 1))
def test_a_shadow_signal_is_followed_but_stays_refused(count: int) -> None:
    """Its status never changes for people, its reason is the first gate that refused it."""
    told, silent = play(signal(), BARS[:count]), play(shadow(), BARS[:count])
    assert silent.signal.status.value == "REJECTED_BY_FILTER"
    assert silent.signal.exit_reason == "volume"
    assert [gate.gate for gate in silent.signal.failed_gates] == ["volume", "reward_to_risk"]
    assert silent.by_bar == told.by_bar
    assert silent.signal.progress == told.signal.progress


@pytest.mark.parametrize("count", range(len(BARS) + 1))
def test_a_cancelled_signal_is_followed_in_silence(count: int) -> None:
    """For people it could not be delivered; what the market does with it is still recorded."""
    told, silent = play(signal(), BARS[:count]), play(cancelled(), BARS[:count])
    assert silent.signal.status.value == "CANCELLED"
    assert silent.signal.exit_reason == "undeliverable"
    assert silent.by_bar == told.by_bar
    assert silent.signal.progress == told.signal.progress


def test_a_signal_whose_gates_all_passed_is_no_shadow() -> None:
    """Passed gates are stored with their numbers and refuse nothing."""
    passed = signal(gates=REFUSED[:1])
    assert not passed.is_shadow
    assert passed.is_told
    assert passed.status.value == "WAITING"
    assert passed.exit_reason is None


def test_announcing_makes_created_waiting() -> None:
    """CREATED means stored, WAITING means announced; the thread is remembered."""
    stored = signal(announced_at=None)
    announced = apply(stored, Event(type=EventType.ANNOUNCED, ts=at(0), thread_id="42"))
    assert (stored.status.value, announced.status.value) == ("CREATED", "WAITING")
    assert (announced.announced_at, announced.thread_id) == (at(0), "42")
    assert announced.progress == stored.progress


def owed_for(told: Signal, kind: EventType, *, quiet: bool = False) -> tuple[EffectKind, ...]:
    after = replace(told, version=told.version + 1)
    return tuple(effect.kind for effect in owed(after, (Event(type=kind, ts=at(0), quiet=quiet),)))


@pytest.mark.parametrize("kind", list(EventType))
def test_what_each_event_owes(kind: EventType) -> None:
    """Created owes the announcement, announced and cancelled owe nothing, all else owes a follow-up."""
    expected = {
        EventType.CREATED: (EffectKind.ANNOUNCE,),
        EventType.ANNOUNCED: (),
        EventType.CANCELLED: (),
    }.get(kind, (EffectKind.FOLLOW_UP,))
    assert owed_for(signal(), kind) == expected


@pytest.mark.parametrize("kind", TELLABLE)
@pytest.mark.parametrize("silent", [shadow(), cancelled()], ids=["shadow", "cancelled"])
def test_nobody_is_told_of_shadows_and_cancelled_signals(silent: Signal, kind: EventType) -> None:
    """Whatever happens to them owes nothing."""
    assert owed_for(silent, kind) == ()


def test_a_quiet_event_owes_nothing() -> None:
    """A stop move too small to tell is stored only."""
    assert owed_for(signal(), EventType.STOP_MOVED, quiet=True) == ()


def test_effects_are_numbered_like_their_events() -> None:
    """Each effect names its event's place in the signal's life, so its key never repeats."""
    born = apply(signal(announced_at=None), Event(type=EventType.CREATED, ts=at(0)))
    effects = list(owed(born, (Event(type=EventType.CREATED, ts=at(0)),)))
    current = apply(born, Event(type=EventType.ANNOUNCED, ts=at(0)))
    kinds = []
    for ohlc in BARS[:3]:
        played = play(current, [ohlc])
        kinds += [event.type for event in played.events]
        effects += owed(played.signal, tuple(played.events))
        current = played.signal
    assert len(kinds) == 5
    assert [effect.seq for effect in effects] == [1, 3, 4, 5, 6, 7]
    assert len({effect.key for effect in effects}) == len(effects)
    assert {effect.signal_id for effect in effects} == {current.signal_id}


def trail_moves(levels: list[float]) -> list[tuple[float | None, bool]]:
    """Stop and quietness of each move when the trail takes these levels, from the bar of target 2 on."""
    runner: list[Ohlc] = [(121.0, 124.0, 120.0, 122.0)] * (len(levels) - 1)
    trails: Trails = dict(enumerate(levels, 2))
    events = play(signal(), [*BARS[:3], *runner], trails).events
    return [(event.stop, event.quiet) for event in events if event.type is EventType.STOP_MOVED][1:]


def test_the_first_trail_is_told_however_small_the_step() -> None:
    """That the stop is a trail now is news."""
    assert trail_moves([109.0, 110.25]) == [(110.0, False), (110.25, False)]


def test_small_trail_moves_are_quiet_but_add_up() -> None:
    """Steps below 1 % of the last stop that was told are quiet; together they are told, and count anew."""
    moves = trail_moves([115.0, 115.5, 116.0, 116.25, 117.0, 117.25, 118.0])
    assert moves == [
        (115.0, False),
        (115.5, True),
        (116.0, True),
        (116.25, False),
        (117.0, True),
        (117.25, True),
        (118.0, False),
    ]


def test_break_even_and_lock_are_always_told() -> None:
    """A move that changes what the stop is called is never quiet, even a tiny one."""
    near = replace(LONG, stop=99.5, targets=(100.5, 101.0, 130.0))
    events = play(signal(near), [(100.0, 100.5, 99.75, 100.25), (100.5, 101.0, 100.25, 101.0)]).events
    moves = [event for event in events if event.type is EventType.STOP_MOVED]
    assert [(move.stop, move.quiet) for move in moves] == [(100.0, False), (100.5, False)]


def test_a_quiet_move_still_protects() -> None:
    """The stop stands where it was moved to, told or not."""
    bars = [*BARS[:3], (121.0, 124.0, 120.0, 122.0), (121.0, 122.0, 115.25, 120.0)]
    progress = play(signal(), bars, {2: 115.0, 3: 115.5}).signal.progress
    assert (progress.exit_reason, progress.fills[-1].price) == ("trail", 115.5)
