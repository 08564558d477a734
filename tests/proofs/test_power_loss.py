"""Power loss: of a recorded life of the real store, each cut is rebuilt with unsynced writes lost or torn.

Whatever the disk kept, the real store opens it, SQLite finds it sound, and it holds exactly what was there
after the last write that was acknowledged, or after the one that was under way: nothing less, and nothing in
part.
"""

import random
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crypto_signals.domain.events import Effect
from crypto_signals.engine.ports import Store, Watermark
from crypto_signals.repository.opening import open_store
from proofs import samples
from proofs.disk import Disk
from proofs.recording import Delete, Op, Recording, Said, Sync, Truncate, recording

NAME = "sentinel.db"
SIGNALS = 45
Record = Callable[[str, object], None]
State = tuple[tuple[object, ...], ...]


@dataclass
class History:
    """Every operation, and what a reader saw after each acknowledged write."""

    ops: list[Op] = field(default_factory=list, repr=False)
    states: list[State] = field(default_factory=list, repr=False)


def url(folder: Path) -> str:
    return f"sqlite:///{folder / NAME}"


def state(folder: Path) -> State:
    """Every row of every table."""
    with closing(sqlite3.connect(folder / NAME)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
        return tuple(
            (name, *row)
            for (name,) in tables.fetchall()
            for row in sorted(connection.execute(f"SELECT * FROM {name}"), key=repr)
        )


def _seeded(seed: str | int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - to be repeated, not to be guessed


class Scribe:
    """Writes to a store as the program does, and notes what was acknowledged."""

    def __init__(self, folder: Path, recorded: Recording, history: History) -> None:
        self.folder, self.recorded, self.history = folder, recorded, history
        self.store = self._opened()

    def _opened(self) -> Store:
        store = open_store(url(self.folder))
        self._noted()
        store.acquire("scribe", 3600)
        self._noted()
        return store

    def _noted(self) -> None:
        self.recorded.say(len(self.history.states))
        self.history.states.append(state(self.folder))

    def reopen(self) -> None:
        self.store.close()
        self.store = self._opened()

    def write(self, signals: int) -> None:
        """A run that opens, tells and follows signals to their end."""
        run = self.store.start_run(samples.day(0), {"test": "v"}, "hash")
        self._noted()
        for number in range(signals):
            self._one(number)
            if number % 15 == 14:
                self.store.renew()
                self._noted()
            if number == signals // 3:
                self.reopen()
        self.store.finish_run(run, samples.day(signals), {"signals": signals})
        self._noted()

    def _one(self, number: int) -> None:
        new, at = samples.new(number), samples.day(number + 1)
        mark = Watermark(new.signal.symbol, samples.day(0), new.signal.bar_ts)
        self.store.commit([new], samples.STRATEGY, samples.TIMEFRAME, [mark])
        self._noted()
        (effect,) = self._claimed(new.effects)
        told = samples.announced(new.signal, effect, at)
        self.store.commit([told])
        self._noted()
        signal = told.signal
        while not signal.progress.closed:
            moved = samples.followed(signal)
            self.store.commit([moved], samples.STRATEGY, samples.TIMEFRAME, [mark])
            self._noted()
            self.store.record_effects([samples.done(e, at) for e in self._claimed(moved.effects)])
            self._noted()
            signal = moved.signal

    def _claimed(self, effects: Sequence[Effect]) -> list[Effect]:
        claims = [samples.claimed(effect, samples.day(1)) for effect in effects]
        self.store.record_effects(claims)
        self._noted()
        return claims


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    folder, kept = tmp_path_factory.mktemp("recorded"), History()
    with recording() as recorded:
        scribe = Scribe(folder, recorded, kept)
        scribe.write(SIGNALS)
        scribe.store.close()
    kept.ops = recorded.ops
    return kept


def losses(history: History, cuts: Sequence[int], folder: Path, seed: int) -> Iterator[str]:
    """What is wrong after a power loss at each of ``cuts``."""
    disk, acknowledged, due = Disk(), -1, sorted(cuts, reverse=True)
    for place, op in enumerate(history.ops):
        while due and due[-1] == place:
            due.pop()
            wrong = _wrong(disk, acknowledged, history, folder, _seeded(f"{seed} {place} {len(due)}"))
            if wrong is not None:
                yield f"cut at operation {place}, before {op!r:.80}: {wrong}"
        if isinstance(op, Said):
            acknowledged = op.what
        else:
            disk.do(op)


def _wrong(disk: Disk, acknowledged: int, history: History, folder: Path, rng: random.Random) -> str | None:
    for old in folder.iterdir():
        old.unlink()
    for name, content in disk.after_loss(rng).items():
        (folder / name).write_bytes(content)
    try:
        open_store(url(folder)).close()
        with closing(sqlite3.connect(folder / NAME)) as connection:
            sound = connection.execute("PRAGMA integrity_check").fetchall()
        found = state(folder)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        return f"{type(error).__name__}: {error}"
    if sound != [("ok",)]:
        return f"not sound: {sound[:3]}"
    expected = history.states[max(0, acknowledged) : acknowledged + 2]
    return None if found in expected else _difference(found, history.states, acknowledged)


def _difference(found: State, states: Sequence[State], acknowledged: int) -> str:
    known = states.index(found) if found in states else None
    return f"write {acknowledged} was acknowledged, found is what was there after {known}"


def chosen(history: History, count: int, seed: int) -> list[int]:
    """Cuts all over the recording, and a third of them around what moves the log into the database."""
    rng, moves = _seeded(seed), []
    for place, op in enumerate(history.ops):
        if isinstance(op, (Delete, Truncate)) or (isinstance(op, Sync) and op.file == NAME):
            moves.append(place)
    near = [max(0, rng.choice(moves) + rng.randint(-40, 8)) for _ in range(count // 3)]
    return near + [rng.randrange(len(history.ops)) for _ in range(count - len(near))]


def judged(history: History, cuts: Sequence[int], folder: Path, seed: int, record: Record) -> None:
    found = list(losses(history, cuts, folder, seed))
    sheet = {"operations": len(history.ops), "writes": len(history.states), "cuts": len(cuts)}
    record("sheet", sheet)
    print(sheet)
    assert found == []


@pytest.mark.proof
def test_acknowledged_writes_survive_power_loss(
    history: History, tmp_path: Path, record_property: Record
) -> None:
    """600 seeded cuts over the store's making, hundreds of writes, checkpoints and a restart."""
    judged(history, chosen(history, 600, seed=1), tmp_path, 1, record_property)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_acknowledged_writes_survive_power_loss_at_every_operation(
    history: History, tmp_path: Path, record_property: Record
) -> None:
    """Every prefix of the recording, five times each."""
    cuts = [place for place in range(len(history.ops)) for _ in range(5)]
    judged(history, cuts, tmp_path, 2, record_property)


@pytest.mark.proof
def test_every_sync_goes_down_to_the_platter(history: History) -> None:
    """Also where the system tells "handed to the drive" from "stored" (macOS): all syncs are full ones."""
    syncs = [op for op in history.ops if isinstance(op, Sync)]
    assert len(syncs) > len(history.states) / 2
    assert all(op.full for op in syncs)


@pytest.mark.proof
def test_a_disk_that_lies_about_syncing_is_found_out(history: History, tmp_path: Path) -> None:
    """The proof can fail: without the syncs of the write-ahead log, acknowledged writes are lost."""
    lying = [op for op in history.ops if not (isinstance(op, Sync) and op.file.endswith("-wal"))]
    broken = History(lying, history.states)
    assert any("was acknowledged" in wrong for wrong in losses(broken, chosen(broken, 60, 3), tmp_path, 3))
