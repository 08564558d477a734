"""The store's port against a plain dictionary: any order of calls, by two instances, with restarts.

Written against the port alone, so that every store can be put through it: an address is all it takes.
"""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any, cast

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
from repository.postgres_server import running

Place = Callable[[], AbstractContextManager[str]]
"""Where an empty store is, for one life."""
Opener = Callable[[str], Store]
LEFT = (EffectStatus.OWED, EffectStatus.CLAIMED, EffectStatus.UNKNOWN)
NUMBERS = st.integers(0, 4)
HANDLES = st.sampled_from(("one", "two"))
WRITERS = st.sampled_from(("holder", "holder", "holder", "other"))
"""Who writes: mostly whoever may."""
LAGS = st.sampled_from((0, 0, 1, 2))
"""By how much a writer is behind: mostly it is not."""
MOVES = st.sampled_from((*LEFT, *LEFT, *EffectStatus))


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/sentinel.db"


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

    place: Place = staticmethod(sqlite)
    opener: Opener = staticmethod(open_store)

    def __init__(self) -> None:
        super().__init__()
        self.held, self.model = ExitStack(), Model()
        self.url = self.held.enter_context(self.place())
        self.handles = {name: self.opener(self.url) for name in ("one", "two")}
        self.tenants: set[str] = set()

    def teardown(self) -> None:
        for store in self.handles.values():
            store.close()
        self.held.close()

    @initialize()
    def begin(self) -> None:
        """One instance is at work, with something to do."""
        self.acquire("one", 3600.0)
        self.create("holder", [0, 1], marked=True)
        self._move("holder", [self.model.effects[key][-1] for key in self._left()], EffectStatus.CLAIMED)

    def named(self, writer: str) -> str:
        holder = self.model.holder or "one"
        return holder if writer == "holder" else {"one": "two", "two": "one"}[holder]

    def may_write(self, handle: str) -> bool:
        return handle == self.model.holder and handle in self.tenants

    def writes(self, writer: str, write: Callable[[Store], None], *, right: bool) -> bool:
        """Whether the write was kept: by the holder, from the right state."""
        handle = self.named(writer)
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
        if not free:
            with pytest.raises(LeaseHeld, match=str(self.model.holder)):
                self.handles[handle].acquire(handle, seconds)
            return
        self.handles[handle].acquire(handle, seconds)
        self.model.holder, self.model.lapsed = handle, seconds == 0
        self.tenants.add(handle)
        assert self.handles[handle].left_s() <= seconds

    @rule()
    def take_over(self) -> None:
        """The holder stalls until its lease has lapsed, and the other instance goes on unnoticed."""
        stalled, other = self.named("holder"), self.named("other")
        self.acquire(stalled, 0.0)
        self.acquire(other, 3600.0)

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
        self.handles[handle] = self.opener(self.url)
        self.tenants.discard(handle)

    @rule(writer=WRITERS, numbers=st.lists(NUMBERS, min_size=1, max_size=3), marked=st.booleans())
    def create(self, writer: str, numbers: list[int], marked: bool) -> None:
        """Several new signals with one watermark: all or none."""
        saves = [samples.new(number) for number in numbers]
        ids = [saved.signal.signal_id for saved in saves]
        right = len(set(ids)) == len(ids) and not set(ids) & set(self.model.signals)
        mark = Watermark(saves[-1].signal.symbol, samples.day(0), samples.day(numbers[-1]))
        marks = [mark] if marked else []
        if self.writes(
            writer, lambda s: s.commit(saves, samples.STRATEGY, samples.TIMEFRAME, marks), right=right
        ):
            for saved in saves:
                self.model.save(saved)
            self.model.marks |= {mark.symbol: mark for mark in marks}

    @precondition(lambda self: self.model.signals)
    @rule(writer=WRITERS, which=NUMBERS, lag=LAGS, data=st.data())
    def follow(self, writer: str, which: int, lag: int, data: st.DataObject) -> None:
        """A bar on, from the state that is stored, or from an older one."""
        past = self._past(which)
        seen = past[max(0, len(past) - 1 - lag)]
        if seen.progress.closed:
            return
        moved = samples.followed(seen)
        mark = Watermark(seen.symbol, samples.day(0), moved.signal.progress.last_ts or samples.day(0))
        marks = [mark] if data.draw(st.booleans()) else []
        if self.writes(
            writer,
            lambda s: s.commit([moved], samples.STRATEGY, samples.TIMEFRAME, marks),
            right=seen is past[-1],
        ):
            self.model.save(moved)
            self.model.marks |= {mark.symbol: mark for mark in marks}

    @precondition(lambda self: self._left())
    @rule(writer=WRITERS, data=st.data(), status=MOVES)
    def move_effects(self, writer: str, data: st.DataObject, status: EffectStatus) -> None:
        """Some effects at once."""
        keys = data.draw(st.lists(st.sampled_from(self._left()), min_size=1, max_size=3, unique=True))
        self._move(writer, [self.model.effects[key][-1] for key in keys], status)

    @precondition(lambda self: self._outdated())
    @rule(writer=WRITERS, data=st.data(), status=MOVES)
    def move_one_too_late(self, writer: str, data: st.DataObject, status: EffectStatus) -> None:
        """Two effects at once, of which one is no longer as it was read: none is moved."""
        key = data.draw(st.sampled_from(self._outdated()))
        late = data.draw(st.sampled_from(self.model.effects[key][:-1]))
        others = [self.model.effects[other][-1] for other in self._left() if other != key]
        self._move(writer, [*others[:1], late], status)

    def _move(self, writer: str, seen: list[Effect], status: EffectStatus) -> None:
        at, words = samples.day(2), {"error": "né’“✓”\n" * 3, "message_id": "1" * 20}
        moved = [effect.moved(status, attempts=effect.attempts + 1, done_at=at, **words) for effect in seen]
        right = all(effect is self.model.effects[effect.key][-1] for effect in seen)
        if self.writes(writer, lambda s: s.record_effects(moved), right=right):
            self.model.record(moved)

    def _left(self) -> list[str]:
        return [key for key, history in self.model.effects.items() if history[-1].status in LEFT]

    def _outdated(self) -> list[str]:
        return [key for key, history in self.model.effects.items() if len(history) > 1]

    @precondition(lambda self: self.model.signals)
    @rule(writer=WRITERS, which=NUMBERS, lag=LAGS)
    def announce(self, writer: str, which: int, lag: int) -> None:
        """An event and the outcome of its effect at once, from the right state of both or not at all."""
        past = self._past(which)
        seen = past[max(0, len(past) - 1 - lag)]
        history = self.model.effects[f"{seen.signal_id}/1"]
        effect = history[max(0, len(history) - 1 - lag)]
        if seen.announced_at is not None or seen.progress.closed:
            return
        told = samples.announced(seen, effect, samples.day(3))
        right = seen is past[-1] and effect is history[-1]
        if self.writes(writer, lambda s: s.commit([told]), right=right):
            self.model.save(told)

    @rule(writer=WRITERS)
    def run(self, writer: str) -> None:
        """Runs are counted for ever, whoever made them."""
        given: list[str] = []

        def start(store: Store) -> None:
            given.append(store.start_run(samples.day(1), {"test": "v"}, "hash"))
            store.finish_run(given[0], samples.day(2), {"signals": 1, "errors": ["né"]})

        if self.writes(writer, start, right=True):
            self.model.runs += 1
            assert given[0].endswith(f"-{self.model.runs}")

    def _past(self, which: int) -> list[Signal]:
        ids = sorted(self.model.past)
        return self.model.past[ids[which % len(ids)]]

    @invariant()
    def both_see_what_the_model_holds(self) -> None:
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


def lived(lives: int, calls: int, place: Place, opener: Opener = open_store, **bounds: Any) -> None:
    """``lives`` lives of up to so many ``calls``."""
    made: Any = type(
        "Machine", (StoreMachine,), {"place": staticmethod(place), "opener": staticmethod(opener)}
    )
    chosen = settings(max_examples=lives, stateful_step_count=calls, **BOUNDS | bounds)
    run_state_machine_as_test(made, settings=chosen)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Place]:
    with running() as server:

        @contextmanager
        def place() -> Iterator[str]:
            with server.database() as name:
                yield server.url(name)

        yield place


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "sqlite":
        return sqlite
    made: Place = request.getfixturevalue(request.param)
    return made


BOUNDS: dict[str, Any] = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(HealthCheck),
}


@pytest.mark.proof
def test_a_store_is_a_dictionary(place: Place) -> None:
    """30 lives of up to 30 calls."""
    lived(30, 30, place)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_store_is_a_dictionary_for_long(place: Place) -> None:
    """1,000 lives of up to 100 calls."""
    lived(1000, 100, place)


def without_a_lease(url: str) -> Store:
    """A store that lets anybody write who has ever held the lease."""
    store: Any = open_store(url)
    store._writing = lambda: store._held() and store._session.writing()
    return cast("Store", store)


def without_revisions(url: str) -> Store:
    """A store in which the last write of an effect wins."""
    store: Any = open_store(url)
    record = store.record_effects

    def now(effect: Effect) -> Effect:
        known = {known.key: known.revision for known in store.signal(effect.signal_id)[2]}
        return replace(effect, revision=known.get(effect.key, 0) + 1)

    store.record_effects = lambda effects: record([now(effect) for effect in effects])
    return cast("Store", store)


@pytest.mark.proof
@pytest.mark.parametrize("broken", [without_a_lease, without_revisions], ids=lambda opener: opener.__name__)
def test_a_broken_store_is_found_out(broken: Opener) -> None:
    """The machine can fail: it notices a store that does not check who writes, or from which state."""
    with pytest.raises(AssertionError):
        lived(50, 30, sqlite, broken, phases=(Phase.generate,))
