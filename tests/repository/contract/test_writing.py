"""Signals and what they owe: written whole, once, and only from the state that the writer saw."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest

from crypto_signals.domain.errors import StoreUnusable, VersionConflict
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.signals import Progress
from crypto_signals.domain.vocabulary import EffectKind, EffectStatus, Status
from crypto_signals.engine.ports import Saved, Store, Watermark
from repository.samples import CREATED, DAY, T0, effect, new, signal

ENTERED = Event(type=EventType.ENTERED, ts=T0 + DAY, price=1.0)
MARK = Watermark("BTC/USD", T0, T0)


def test_what_was_committed_is_there_after_a_restart(
    store: Store, restarted: Callable[[Store], Store]
) -> None:
    """Close, open: the same signals, events, effects and watermarks."""
    one, mark = signal(), Watermark("BTC/USD", T0 - DAY, T0)
    store.commit([new(one)], "test", "1Day", [mark])
    before = store.signal(one.signal_id)
    again = restarted(store)
    assert again.signal(one.signal_id) == before == (one, (CREATED,), (effect(one),))
    assert again.watermarks("test", "1Day") == {"BTC/USD": mark}
    assert again.undelivered() == [effect(one)]


def test_another_reader_sees_what_is_committed(store: Store, opened: Callable[[], Store]) -> None:
    """A second opener sees the signal after the commit and not before, and needs no lease to read."""
    reader = opened()
    assert reader.signals() == []
    store.commit([new(signal())])
    assert reader.signals() == [signal()]


def test_an_unknown_signal_is_a_key_error(store: Store) -> None:
    """Reading what is not there is told apart from what cannot be read."""
    with pytest.raises(KeyError):
        store.signal("nobody")


# ------------------------------------------------------------------- events are appended


def test_events_are_appended(store: Store) -> None:
    """A change brings its new events, which come after those that are there."""
    one = signal()
    store.commit([new(one)])
    second = replace(one, version=2)
    fourth = replace(one, version=4)
    store.commit([Saved(second, 1, (ENTERED,), (effect(one, 2, kind=EffectKind.FOLLOW_UP),))])
    store.commit([Saved(fourth, 2, (replace(ENTERED, price=2.0), replace(ENTERED, price=3.0)))])
    found, happened, owed = store.signal(one.signal_id)
    assert found == fourth
    assert [event.price for event in happened] == [None, 1.0, 2.0, 3.0]
    assert [one.seq for one in owed] == [1, 2]


def test_a_bar_that_changes_no_more_than_progress(store: Store) -> None:
    """A bar that was followed raises the revision and brings no event."""
    one = signal()
    store.commit([new(one)])
    followed = replace(one, progress=Progress(bars_seen=1, last_ts=T0 + DAY))
    store.commit([Saved(followed, 1)])
    assert store.signal(one.signal_id) == (followed, (CREATED,), (effect(one),))
    with pytest.raises(VersionConflict):
        store.commit([Saved(followed, 1)])


def test_events_are_never_overwritten(store: Store) -> None:
    """A number that is taken is refused."""
    one = signal()
    store.commit([new(one)])
    with pytest.raises((StoreUnusable, VersionConflict)):
        store.commit([Saved(one, 1, (ENTERED,))])
    assert store.signal(one.signal_id) == (one, (CREATED,), (effect(one),))


# ------------------------------------------------------------------- expected revision


def test_an_id_is_stored_once(store: Store) -> None:
    """P4: a second signal with the same id is a VersionConflict, and changes nothing."""
    store.commit([new(signal())])
    with pytest.raises(VersionConflict):
        store.commit([new(signal(symbol="ETH/USD"))])
    assert store.signal("id-a") == (signal(), (CREATED,), (effect(signal()),))


def test_a_stale_revision_is_refused(store: Store) -> None:
    """Who decided on a state that is no longer there gets a VersionConflict, and has changed nothing:
    not the signal, not its events, not what it owes."""
    one = signal()
    store.commit([new(one)])
    second = replace(one, version=2)
    store.commit([Saved(second, 1, (ENTERED,))])
    late = replace(one, version=2, run_id="other")
    with pytest.raises(VersionConflict):
        store.commit([Saved(late, 1, (ENTERED,), (effect(one, 2),))], "test", "1Day", [MARK])
    assert store.signal(one.signal_id) == (second, (CREATED, ENTERED), (effect(one),))
    assert store.watermarks("test", "1Day") == {}


def test_a_revision_from_the_future_is_refused(store: Store) -> None:
    """An update of what was never written is a VersionConflict, whether the signal is there or not."""
    with pytest.raises(VersionConflict):
        store.commit([Saved(signal(version=2), 1)])
    store.commit([new(signal())])
    with pytest.raises(VersionConflict):
        store.commit([Saved(signal(version=6), 5)])
    assert store.signals() == [signal()]


# ------------------------------------------------------------------- whole or not at all


def whole_or_absent(store: Store, names: Sequence[str]) -> None:
    """Each of the signals with its event and its effect, or nothing of it."""
    for name in names:
        try:
            found = store.signal(f"id-{name}")
        except KeyError:
            continue
        assert found == (signal(name), (CREATED,), (effect(signal(name)),))
    assert {one.signal_id for one in store.undelivered()} == {one.signal_id for one in store.signals()}


def test_a_conflict_leaves_nothing_of_its_signal(store: Store) -> None:
    """An effect that is taken takes back the signal, its events and its other effects; the watermarks
    wait until all is stored."""
    store.commit([new(signal("a"))])
    taken = replace(effect(signal("b")), key="id-a/1")
    bad = Saved(signal("b"), 0, (CREATED,), (effect(signal("b"), 7), taken))
    with pytest.raises(VersionConflict):
        store.commit([new(signal("c")), bad, new(signal("d"))], "test", "1Day", [MARK])
    with pytest.raises(KeyError):
        store.signal("id-b")
    whole_or_absent(store, "acd")
    assert store.watermarks("test", "1Day") == {}


def test_an_interrupt_leaves_nothing_by_halves(store: Store) -> None:
    """A KeyboardInterrupt in the middle of a commit: each signal is whole or absent, and the watermark,
    which would say that all was looked at, is absent."""

    def saves() -> Iterator[Saved]:
        yield new(signal("a"))
        yield new(signal("b"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.commit(saves(), "test", "1Day", [MARK])  # type: ignore[arg-type]
    whole_or_absent(store, "ab")
    assert store.watermarks("test", "1Day") == {}


def test_a_large_commit(store: Store) -> None:
    """More signals than any store takes in one transaction, and the watermarks with the last of them."""
    marks = [replace(MARK, symbol=f"S{n}") for n in range(700)]
    store.commit([new(signal(str(n))) for n in range(700)], "test", "1Day", marks)
    assert len(store.signals()) == len(store.undelivered()) == 700
    assert store.watermarks("test", "1Day") == {mark.symbol: mark for mark in marks}


# ------------------------------------------------------------------- effects


def test_claims_and_outcomes_come_back(store: Store, restarted: Callable[[Store], Store]) -> None:
    """A claim and then an outcome replace the effect, and nothing else; all their fields come back."""
    one, other = signal(), signal("b")
    store.commit([new(one), new(other)])
    claimed = effect(one).moved(
        EffectStatus.CLAIMED,
        claimed_by="run-1",
        attempts=1,
        attempted_at=T0,
        settles_at=T0 + DAY,
    )
    store.record_effects([claimed])
    assert store.signal(one.signal_id)[2] == (claimed,)
    assert store.undelivered() == [claimed, effect(other)]
    sent = claimed.moved(EffectStatus.DONE, done_at=T0, message_id="m", error="é…漢")
    store.record_effects([sent])
    again = restarted(store)
    assert again.signal(one.signal_id) == (one, (CREATED,), (sent,))
    assert again.undelivered() == [effect(other)]


def test_two_claims_of_one_effect(store: Store) -> None:
    """Of two who saw the same state, one claims it; the other gets a VersionConflict and nothing of his
    is written, not even where he was right."""
    one, other = signal(), signal("b")
    store.commit([new(one), new(other)])
    mine = effect(one).moved(EffectStatus.CLAIMED, claimed_by="mine")
    store.record_effects([mine])
    his = [e.moved(EffectStatus.CLAIMED, claimed_by="his") for e in (effect(other), effect(one))]
    with pytest.raises(VersionConflict):
        store.record_effects(his)
    assert store.undelivered() == [mine, effect(other)]


def test_recording_what_is_not_there_is_noticed(store: Store) -> None:
    """An outcome of an effect that does not exist does not vanish without a word."""
    store.commit([new(signal())])
    with pytest.raises(VersionConflict):
        store.record_effects([effect(signal(), 9, revision=2)])
    with pytest.raises(VersionConflict):
        store.record_effects([effect(signal())])


def test_a_note_is_a_new_effect(store: Store) -> None:
    """Beside an outcome a new effect may be recorded; both are written, or neither."""
    one = signal()
    store.commit([new(one)])
    dead = effect(one).moved(EffectStatus.DEAD, error="refused")
    note = effect(one, key="id-a/1/note", kind=EffectKind.NOTE)
    store.record_effects([dead, note])
    assert store.signal(one.signal_id)[2] == (dead, note)
    assert store.undelivered() == [note]


def test_an_outcome_is_stored_with_its_signal(store: Store) -> None:
    """An announcement that was made: the signal, its event and the effect's outcome at once."""
    one = signal()
    store.commit([new(one)])
    announced = replace(one, version=2, announced_at=T0, thread_id="t")
    told = Event(type=EventType.ANNOUNCED, ts=T0, thread_id="t")
    done = effect(one).moved(EffectStatus.DONE, done_at=T0, message_id="m")
    store.commit([Saved(announced, 1, (told,), (done,))])
    assert store.signal(one.signal_id) == (announced, (CREATED, told), (done,))
    closed = replace(announced, version=3, progress=Progress(status=Status.STOPPED, closed_at=T0))
    with pytest.raises(VersionConflict):
        store.commit([Saved(closed, 2, (ENTERED,), (done,))])
    assert store.signal(one.signal_id) == (announced, (CREATED, told), (done,))
