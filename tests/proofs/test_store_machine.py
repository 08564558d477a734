"""The store's port against a plain dictionary: any order of calls, by two instances, with restarts.

Written against the port alone, so that every store can be put through it: an opener is all it takes.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from crypto_signals.domain.errors import LeaseHeld, LeaseLost, VersionConflict
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Saved, Store, Watermark
from crypto_signals.repository.opening import open_store
from proofs import samples

Opener = Callable[[Path], Store]
LEFT = (EffectStatus.OWED, EffectStatus.CLAIMED, EffectStatus.UNKNOWN)
NUMBERS = st.integers(0, 4)
HANDLES = st.sampled_from(("one", "two"))
LAGS = st.sampled_from((0, 0, 0, 1, 2))
"""By how much a writer is behind: mostly it is not."""


def sqlite(folder: Path) -> Store:
    return open_store(f"sqlite:///{folder / 'sentinel.db'}")


@dataclass
class Model:
    """What a store has to hold. ``past`` are the states that a late writer may still have in its hands."""

    signals: dict[str, Signal] = field(default_factory=dict)
    past: dict[str, list[Signal]] = field(default_factory=dict)
    events: dict[str, tuple[Event, ...]] = field(default_factory=dict)
    effects: dict[str, list[Effect]] = field(default_factory=dict)
    marks: dict[str, Watermark] = field(default_factory=dict)
    runs: int = 0
    holder: str | None = None
    lapsed: bool = True

    def save(self, saved: Saved) -> None:
        signal = saved.signal
        self.signals[signal.signal_id] = signal
        self.past.setdefault(signal.signal_id, []).append(signal)
        self.events[signal.signal_id] = self.events.get(signal.signal_id, ()) + saved.events
        self.record(saved.effects)

    def record(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            self.effects.setdefault(effect.key, []).append(effect)

    def of(self, signal_id: str) -> tuple[Effect, ...]:
        mine = [history[-1] for history in self.effects.values() if history[-1].signal_id == signal_id]
        return tuple(sorted(mine, key=lambda effect: (effect.seq, effect.key)))


class StoreMachine(RuleBasedStateMachine):
    """Two handles, as two hosts have them; only the one that holds the lease may write."""

    opener: Opener = staticmethod(sqlite)

    @initialize()
    def open(self) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.folder, self.model = Path(self.scratch.name), Model()
        self.handles = {name: self.opener(self.folder) for name in ("one", "two")}
        self.tenants: set[str] = set()

    def teardown(self) -> None:
        for store in getattr(self, "handles", {}).values():
            store.close()
        if hasattr(self, "scratch"):
            self.scratch.cleanup()

    def may_write(self, handle: str) -> bool:
        return handle == self.model.holder and handle in self.tenants

    def writes(self, handle: str, write: Callable[[Store], None], *, right: bool) -> bool:
        """Whether the write was kept: by the holder, from the right state."""
        try:
            write(self.handles[handle])
        except LeaseLost:
            assert not self.may_write(handle)
            return False
        except VersionConflict:
            assert self.may_write(handle)
            assert not right
            return False
        assert self.may_write(handle)
        assert right
        return True

    @rule(handle=HANDLES, seconds=st.sampled_from((0.0, 3600.0)))
    def acquire(self, handle: str, seconds: float) -> None:
        """A lease of no seconds can be taken by another at once."""
        free = self.model.lapsed or self.model.holder in (None, handle)
        try:
            self.handles[handle].acquire(handle, seconds)
        except LeaseHeld as held:
            assert not free
            assert str(self.model.holder) in str(held)
            return
        assert free
        self.model.holder, self.model.lapsed = handle, seconds == 0
        self.tenants.add(handle)
        assert self.handles[handle].left_s() <= seconds

    @rule(handle=HANDLES)
    def renew(self, handle: str) -> None:
        try:
            self.handles[handle].renew()
        except LeaseLost:
            assert not self.may_write(handle)
        else:
            assert self.may_write(handle)

    @rule(handle=HANDLES)
    def release(self, handle: str) -> None:
        self.handles[handle].release()
        if self.may_write(handle):
            self.model.lapsed = True
        self.tenants.discard(handle)

    @rule(handle=HANDLES)
    def restart(self, handle: str) -> None:
        """What was stored is there; the right to write has to be asked for again."""
        self.handles[handle].close()
        self.handles[handle] = self.opener(self.folder)
        self.tenants.discard(handle)

    @rule(handle=HANDLES, numbers=st.lists(NUMBERS, min_size=1, max_size=3), marked=st.booleans())
    def create(self, handle: str, numbers: list[int], marked: bool) -> None:
        """Several new signals with one watermark: all or none."""
        saves = [samples.new(number) for number in numbers]
        ids = [saved.signal.signal_id for saved in saves]
        right = len(set(ids)) == len(ids) and not set(ids) & set(self.model.signals)
        mark = Watermark(saves[-1].signal.symbol, samples.day(0), samples.day(numbers[-1]))
        marks = [mark] if marked else []
        if self.writes(
            handle, lambda s: s.commit(saves, samples.STRATEGY, samples.TIMEFRAME, marks), right=right
        ):
            for saved in saves:
                self.model.save(saved)
            self.model.marks |= {mark.symbol: mark for mark in marks}

    @precondition(lambda self: self.model.signals)
    @rule(handle=HANDLES, which=NUMBERS, lag=LAGS, data=st.data())
    def follow(self, handle: str, which: int, lag: int, data: st.DataObject) -> None:
        """A bar on, from the state that is stored, or from an older one."""
        past = self._past(which)
        seen = past[max(0, len(past) - 1 - lag)]
        if seen.progress.closed:
            return
        moved = samples.followed(seen)
        mark = Watermark(seen.symbol, samples.day(0), moved.signal.progress.last_ts or samples.day(0))
        marks = [mark] if data.draw(st.booleans()) else []
        if self.writes(
            handle,
            lambda s: s.commit([moved], samples.STRATEGY, samples.TIMEFRAME, marks),
            right=seen is past[-1],
        ):
            self.model.save(moved)
            self.model.marks |= {mark.symbol: mark for mark in marks}

    @precondition(lambda self: any(history[-1].status in LEFT for history in self.model.effects.values()))
    @rule(handle=HANDLES, data=st.data(), lag=LAGS, status=st.sampled_from(EffectStatus))
    def move_effects(self, handle: str, data: st.DataObject, lag: int, status: EffectStatus) -> None:
        """Some effects at once, of which one may be behind: then none is moved."""
        left = [key for key, history in self.model.effects.items() if history[-1].status in LEFT]
        keys = data.draw(st.lists(st.sampled_from(left), min_size=1, max_size=3, unique=True))
        seen = [self.model.effects[key][-1] for key in keys]
        late = self.model.effects[keys[-1]]
        seen[-1] = late[max(0, len(late) - 1 - lag)]
        at, words = samples.day(2), {"error": "né’“✓”\n" * 3, "message_id": "1" * 20}
        moved = [effect.moved(status, attempts=effect.attempts + 1, done_at=at, **words) for effect in seen]
        if self.writes(handle, lambda s: s.record_effects(moved), right=seen[-1] is late[-1]):
            self.model.record(moved)

    @precondition(lambda self: self.model.signals)
    @rule(handle=HANDLES, which=NUMBERS, lag=LAGS)
    def announce(self, handle: str, which: int, lag: int) -> None:
        """An event and the outcome of its effect at once, from the right state of both or not at all."""
        past = self._past(which)
        seen = past[max(0, len(past) - 1 - lag)]
        history = self.model.effects[f"{seen.signal_id}/1"]
        effect = history[max(0, len(history) - 1 - lag)]
        if seen.announced_at is not None or seen.progress.closed:
            return
        told = samples.announced(seen, effect, samples.day(3))
        right = seen is past[-1] and effect is history[-1]
        if self.writes(handle, lambda s: s.commit([told]), right=right):
            self.model.save(told)

    @rule(handle=HANDLES)
    def run(self, handle: str) -> None:
        """Runs are counted for ever, whoever made them."""
        given: list[str] = []

        def start(store: Store) -> None:
            given.append(store.start_run(samples.day(1), {"test": "v"}, "hash"))
            store.finish_run(given[0], samples.day(2), {"signals": 1, "errors": ["né"]})

        if self.writes(handle, start, right=True):
            self.model.runs += 1
            assert given[0].endswith(f"-{self.model.runs}")

    def _past(self, which: int) -> list[Signal]:
        ids = sorted(self.model.past)
        return self.model.past[ids[which % len(ids)]]

    @invariant()
    def both_see_what_the_model_holds(self) -> None:
        if not hasattr(self, "handles"):
            return
        for store in self.handles.values():
            self._same(store)

    def _same(self, store: Store) -> None:
        model = self.model
        by_bar = sorted(model.signals.values(), key=lambda s: (s.bar_ts, s.symbol))
        assert store.signals() == by_bar
        for signal_id, signal in model.signals.items():
            assert store.signal(signal_id) == (signal, model.events[signal_id], model.of(signal_id))
        assert store.watermarks(samples.STRATEGY, samples.TIMEFRAME) == model.marks
        assert store.undelivered() == [
            effect
            for signal in sorted(by_bar, key=lambda s: (s.created_at, s.symbol))
            for effect in model.of(signal.signal_id)
            if effect.status in LEFT
        ]
        since = samples.day(3)
        assert store.book(samples.STRATEGY, samples.TIMEFRAME, since) == [
            s for s in by_bar if not s.progress.closed or _recent(s, since)
        ]
        assert store.book("other", samples.TIMEFRAME, since) == []
        assert store.unreadable() == []
        with suppress(KeyError):
            raise AssertionError(f"found what was never stored: {store.signal('nobody')}")


def _recent(signal: Signal, since: dt.datetime) -> bool:
    closed = signal.progress.closed_at
    return signal.bar_ts >= since or (closed is not None and closed >= since)


def machine(opener: Opener) -> Any:
    return type("Machine", (StoreMachine,), {"opener": staticmethod(opener)})


OPENERS = pytest.mark.parametrize("opener", [sqlite], ids=lambda opener: opener.__name__)
BOUNDS: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.proof
@OPENERS
def test_a_store_is_a_dictionary(opener: Opener) -> None:
    """50 lives of up to 30 calls."""
    run_state_machine_as_test(
        machine(opener), settings=settings(max_examples=50, stateful_step_count=30, **BOUNDS)
    )


def without_a_lease(folder: Path) -> Store:
    """A store that lets anybody write who has ever held the lease."""
    store = open_store(f"sqlite:///{folder / 'sentinel.db'}")
    store._writing = lambda: store._held() and store._transaction(writing=True)  # type: ignore[method-assign]
    return store


def without_revisions(folder: Path) -> Store:
    """A store in which the last write wins."""
    store = open_store(f"sqlite:///{folder / 'sentinel.db'}")
    record = store.record_effects

    def now(effect: Effect) -> Effect:
        known = {known.key: known.revision for known in store.signal(effect.signal_id)[2]}
        return replace(effect, revision=known.get(effect.key, 0) + 1)

    store.record_effects = lambda effects: record([now(effect) for effect in effects])  # type: ignore[method-assign]
    return store


@pytest.mark.proof
@pytest.mark.parametrize("broken", [without_a_lease, without_revisions], ids=lambda opener: opener.__name__)
def test_a_broken_store_is_found_out(broken: Opener) -> None:
    """The machine can fail: it notices a store that does not check who writes, or from which state."""
    bounds = BOUNDS | {"phases": (Phase.generate,)}
    with pytest.raises(AssertionError):
        run_state_machine_as_test(
            machine(broken), settings=settings(max_examples=50, stateful_step_count=30, **bounds)
        )


@pytest.mark.soak
@pytest.mark.timeout(3600)
@OPENERS
def test_a_store_is_a_dictionary_for_long(opener: Opener) -> None:
    """2,000 lives of up to 100 calls."""
    run_state_machine_as_test(
        machine(opener), settings=settings(max_examples=2000, stateful_step_count=100, **BOUNDS)
    )
