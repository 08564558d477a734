"""One process, from its start to its end, and every place at which it could be interrupted."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from crypto_signals.domain.errors import LeaseHeld, LeaseLost
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import Saved, Store
from crypto_signals.engine.run import MainJob
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.repository.sql import SqlStore
from engine.world import no_picture

from .outside import (
    IN_DOUBT,
    OF_EDIT,
    OF_FIND,
    OF_POST,
    SETTLE,
    STALLS,
    Chat,
    Clock,
    Endurance,
    Fault,
    Message,
    on_its_way,
)
from .tales import Tale, TaleBars

if TYPE_CHECKING:
    from .schedules import World

LEASE_S = 40.0
"""The shortest that the settings allow."""
NEXT_RUN = dt.timedelta(minutes=15)
DELAYS: Mapping[str, dt.timedelta | None] = {
    "at once": dt.timedelta(seconds=5),
    "later": NEXT_RUN,
    "next day": None,
}
"""When a program that crashed is started again; ``None``: only when the story goes on."""
_WRITES = frozenset({"acquire", "commit", "record_effects", "renew", "release", "start_run", "finish_run"})
_READS = frozenset({"book", "watermarks", "signal", "undelivered", "left_s"})
NOTHING = dt.timedelta(0)
LONG = dt.timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Start:
    """All that a process finds when it starts: the store's content, the chat, and how far the tale is."""

    content: bytes
    messages: tuple[Message, ...]
    zombies: tuple[Message, ...]
    time: dt.datetime
    moment: int


@dataclass(frozen=True, slots=True)
class Branch:
    """A schedule up to its last interruption. ``faults`` are those of the first run, by call."""

    start: Start
    faults: Mapping[int, Fault] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()


class Run:
    """One process, from its start to its end. ``record`` collects where it could have been interrupted."""

    def __init__(
        self,
        world: "World",
        owner: str,
        faults: Mapping[int, Fault],
        moment: int,
        kinds: tuple[str, ...],
        record: list[Branch] | None,
    ) -> None:
        self.world, self.owner, self.faults, self.moment = world, owner, faults, moment
        self.kinds, self.record = kinds, record
        self.calls, self.quiet_until = 0, max(faults, default=0)
        self.start = world.kept(moment) if record is not None else None
        self.store = world.memory.open()
        self.patience = Endurance(world.clock, self.store, world.way.budget_s)

    def go(self) -> bool:
        """Whether it came to its end, and was not kept out or taken over."""
        world = self.world
        watched = _Watched(self.store, self)
        chat = Chat(
            can_find=world.way.can_find,
            can_edit=world.way.can_edit,
            clock=world.clock,
            ask=self.asked,
            refuses=world.tale.refuses,
            stored=world.memory.knows,
            stop=self._stop,
            messages=world.messages,
            zombies=world.zombies,
        )
        try:
            watched.acquire(self.owner, LEASE_S)
            _job(world.tale, watched, chat, world.clock, self.patience).run()
            watched.release()
        except (LeaseHeld, LeaseLost):
            return False
        finally:
            self.store.close()
        return True

    def asked(self, name: str, message: Message | None = None) -> Fault | None:
        """Called before each call of a port: what goes wrong with it."""
        self.calls += 1
        fault = self.faults.get(self.calls)
        if fault in STALLS:
            self._taken_over(fault)
        if self.is_recording:
            self._could_go_wrong(name, message)
        return fault

    def changed(self) -> None:
        """Called after each change of what is durable: a crash here leaves this."""
        if self.is_recording:
            self._could_crash("crash")

    @property
    def is_recording(self) -> bool:
        return self.record is not None and self.calls > self.quiet_until

    def _could_go_wrong(self, name: str, message: Message | None) -> None:
        assert self.record is not None
        assert self.start is not None
        possible = {"post": OF_POST, "find": OF_FIND, "edit": OF_EDIT}.get(name, ())
        if self.owner == "one":
            stalls = STALLS[:1] if name in _READS else STALLS
            for fault in (*possible, *stalls):
                faults = {**self.faults, self.calls: fault}
                self.record.append(Branch(self.start, faults, (*self.kinds, fault.value)))
        if message is not None:
            for fate in IN_DOUBT[1:]:
                self._could_crash(f"crash, {fate}", tuple(on_its_way([message], fate)))

    def _could_crash(self, kind: str, extra: tuple[Message, ...] = ()) -> None:
        assert self.record is not None
        moments, kept = self.world.tale.moments, self.world.kept(self.moment, extra)
        for delay in DELAYS.values():
            if delay is not None:
                again = replace(kept, time=kept.time + delay)
            elif self.moment < len(moments):
                again = replace(kept, time=moments[self.moment], moment=self.moment + 1)
            else:
                continue
            self.record.append(Branch(again, {}, (*self.kinds, kind)))

    def _taken_over(self, stall: Fault) -> None:
        """The process stands still until its lease has run out, and another one has come and gone."""
        left = self.store.left_s() if self.calls > 1 else 0.0
        self.world.clock.pass_by(
            dt.timedelta(seconds=left + 1) + (LONG if stall is Fault.LONG_STALL else NOTHING)
        )
        Run(self.world, "two", {}, self.moment, self.kinds, self.record).go()

    def _stop(self) -> None:
        self.patience.stopping = True


class _Watched:
    """The store of one process, each of whose calls is told of before, and after it has changed something."""

    def __init__(self, store: SqlStore, run: Run) -> None:
        self._store, self._run = store, run

    def __getattr__(self, name: str) -> object:
        told_of = name in _WRITES | _READS
        return partial(self._told_of, name) if told_of else getattr(self._store, name)

    def commit(self, saves: Sequence[Saved], *of_the_moment: object) -> None:
        alone = len(saves) - 1 if self._run.world.way.piecemeal else 0
        for save in saves[: max(alone, 0)]:
            self._told_of("commit", [save])
        self._told_of("commit", saves[max(alone, 0) :], *of_the_moment)

    def _told_of(self, name: str, *args: object, **kwargs: object) -> object:
        self._run.asked(name)
        result = getattr(self._store, name)(*args, **kwargs)
        if name in _WRITES:
            self._run.changed()
        return result


def _job(tale: Tale, store: Store, chat: Chat, clock: Clock, patience: Endurance) -> MainJob:
    return MainJob(
        strategies=(tale.strategy,),
        catalogue=tale.catalogue,
        source=TaleBars(tale),
        store=store,
        channels=dict.fromkeys(AssetClass, chat),
        calendar=MarketCalendar(),
        clock=clock,
        patience=patience,
        draw=no_picture,
        settle=SETTLE,
        config_hash="proof",
    )
