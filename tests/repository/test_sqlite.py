"""What only SQLite has: a file, its pragmas, its lock, a disk that may be full."""

import datetime as dt
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from crypto_signals.domain.errors import LeaseHeld, StoreUnusable, VersionConflict
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.copying import digests
from crypto_signals.engine.ports import Saved, Watermark
from crypto_signals.repository.opening import open_store
from crypto_signals.repository.sql import SqlStore
from crypto_signals.repository.sqlite import durable
from repository.samples import CREATED, DAY, STOPPED, T0, effect, new, signal

Open = Callable[[], SqlStore]
OWNER = "this host"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "sentinel.db"


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Opens the store at ``path``, as often as asked, with the lease; all are closed at the end."""
    stores: list[SqlStore] = []

    def build() -> SqlStore:
        store = open_store(f"sqlite:///{path}")
        assert isinstance(store, SqlStore)
        stores.append(store)
        return store

    yield build
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Open) -> SqlStore:
    return leased(opened())


def leased(store: SqlStore) -> SqlStore:
    store.acquire(OWNER, 600)
    return store


# ------------------------------------------------------------------- durability


def test_it_is_a_synced_write_ahead_log(store: SqlStore, path: Path) -> None:
    """WAL with synchronous=FULL and foreign keys, on the connection that writes."""
    store.commit([new(signal())])
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    plain.close()
    for pragma, value in (("synchronous", 2), ("foreign_keys", 1), ("journal_mode", "wal")):
        assert store._session.connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() == value
        store._session.connection.rollback()


def test_a_place_without_a_write_ahead_log_is_refused(tmp_path: Path) -> None:
    """The pragmas are asserted: where SQLite does not keep them (here: in memory) the store is refused."""
    engine = create_engine("sqlite://", poolclass=NullPool)
    event.listen(engine, "connect", durable)
    with pytest.raises(StoreUnusable, match=r"journal_mode=wal"):
        engine.connect()
    engine.dispose()
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------- one transaction


def nothing_stored(store: SqlStore) -> bool:
    return not (store.signals() or store.undelivered() or store.watermarks("test", "1Day"))


def test_a_commit_is_whole_or_nothing(store: SqlStore) -> None:
    """A row that no table takes, at the end of a long commit, takes back all signals and the watermark."""
    bad = replace(effect(signal()), seq=None)  # type: ignore[arg-type]
    many = [new(signal(str(n))) for n in range(1200)]
    with pytest.raises(StoreUnusable, match="NOT NULL"):
        store.commit(
            [*many, Saved(signal(), 0, (CREATED,), (bad,))], "test", "1Day", [Watermark("BTC/USD", T0, T0)]
        )
    assert nothing_stored(store)


def test_a_conflict_takes_back_the_whole_commit(store: SqlStore) -> None:
    """The loser of a race has written nothing at all."""
    store.commit([new(signal())])
    with pytest.raises(VersionConflict, match="already stored"):
        store.commit([new(signal("b")), new(signal())], "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    assert store.signals() == [signal()]
    assert store.watermarks("test", "1Day") == {}


def test_a_failing_watermark_takes_back_the_signals(store: SqlStore) -> None:
    """What was consumed and what it caused are stored together."""
    with pytest.raises(StoreUnusable):
        store.commit([new(signal())], "test", "1Day", [Watermark("BTC/USD", None, T0)])  # type: ignore[arg-type]
    assert nothing_stored(store)


def test_an_effect_of_nobody_is_refused(store: SqlStore) -> None:
    """Foreign keys hold: an effect belongs to a stored signal."""
    stray = replace(effect(signal()), signal_id="nobody")
    with pytest.raises(StoreUnusable, match="FOREIGN KEY"):
        store.commit([Saved(signal(), 0, (CREATED,), (stray,))])
    assert nothing_stored(store)


def test_a_lease_lasts_until_its_end_by_the_servers_clock(opened: Open) -> None:
    """A renewal moves the end; up to it the lease is held, and from it on it is free."""
    holder, other = opened(), opened()

    def at(seconds: float) -> None:
        moment = T0 + dt.timedelta(seconds=seconds)
        holder._server_now = other._server_now = lambda _connection: moment

    at(0)
    holder.acquire("holder", 600)
    at(500)
    holder.renew()
    at(1099.999)
    with pytest.raises(LeaseHeld):
        other.acquire("other", 600)
    at(1100)
    other.acquire("other", 600)


def test_events_are_numbered_from_one(store: SqlStore, path: Path) -> None:
    """Over all commits of a signal, without a gap: an effect names its event by that number."""
    store.commit([new(signal())])
    store.commit([Saved(signal(version=3), 1, (STOPPED, STOPPED))])
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT seq FROM events ORDER BY seq").fetchall() == [(1,), (2,), (3,)]


def test_a_damaged_lease_is_nobodys_to_take(opened: Open, path: Path) -> None:
    """Whose end cannot be read may still be held: it is refused with what to do; its own owner takes it."""
    leased(opened())
    with sqlite3.connect(path) as plain:
        plain.execute("UPDATE leases SET expires_at = 'tomorrow'")
    plain.close()
    with pytest.raises(StoreUnusable, match=r"table leases is damaged.*delete that row"):
        opened().acquire("another host", 600)
    leased(opened())


def test_bytes_that_are_no_text_harm_their_row_alone(opened: Open, path: Path) -> None:
    """A flipped bit in a row: it is put into quarantine like other damage, and the others are read."""
    leased(opened()).commit([new(signal("a")), new(signal("b"))])
    with sqlite3.connect(path) as plain:
        plain.execute("UPDATE signals SET body = CAST(X'7bff' AS TEXT) WHERE signal_id = 'id-a'")
    plain.close()
    store = opened()
    assert [one.signal_id for one in store.signals()] == ["id-b"]
    assert [one.signal_id for one in store.unreadable()] == ["id-a"]
    with pytest.raises(StoreUnusable, match="signals: id-a"):
        digests(store)


# ------------------------------------------------------------------- what is no store


def test_a_file_that_is_no_database(path: Path, opened: Open) -> None:
    """Something else at the store's place is left alone, and the message says what to do."""
    path.parent.mkdir()
    path.write_text("precious notes\n" * 500)
    with pytest.raises(StoreUnusable, match=r"not a database.*(move it away|STORE_URL)"):
        opened()
    assert path.read_text().startswith("precious notes")


def test_a_damaged_database(path: Path, opened: Open) -> None:
    """A torn file is reported as such when it is read."""
    store = leased(opened())
    store.commit(new(signal(str(n))) for n in range(300))
    store.close()
    whole = bytearray(path.read_bytes())
    whole[8192 : len(whole) - 4096] = b"\x5a" * (len(whole) - 4096 - 8192)
    path.write_bytes(whole)
    with pytest.raises(StoreUnusable, match=r"damaged|malformed"):
        opened().signals()


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A store below a file is a clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match="folder"):
        open_store(f"sqlite:///{tmp_path / 'file' / 'below' / 'sentinel.db'}")


def test_a_folder_at_the_place_of_the_file(tmp_path: Path) -> None:
    """A folder is no database file."""
    with pytest.raises(StoreUnusable, match="unable to open"):
        open_store(f"sqlite:///{tmp_path}")


# ------------------------------------------------------------------- locked


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short busy timeout: the real one is five seconds."""
    monkeypatch.setattr("crypto_signals.repository.sqlite.BUSY_TIMEOUT_MS", 300)


HOLD = """
import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
c.execute("ROLLBACK")
"""


@pytest.mark.usefixtures("quick")
def test_a_locked_database(opened: Open, path: Path) -> None:
    """Held by another process: an error within the busy timeout that says so, nothing half-written, and
    the same store works again afterwards."""
    store = leased(opened())
    store.commit([new(signal())])
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        started = time.monotonic()
        with pytest.raises(StoreUnusable, match=r"locked.*[Aa]nother program"):
            store.commit([new(signal("b"))])
        with pytest.raises(StoreUnusable, match="locked"):
            store.record_effects([effect(signal()).moved(EffectStatus.DONE)])
        assert time.monotonic() - started < 5
        other.communicate()
    assert [one.signal_id for one in store.signals()] == ["id-a"]
    assert store.undelivered() == [effect(signal())]
    store.commit([new(signal("b"))])
    assert len(store.signals()) == 2


@pytest.mark.usefixtures("quick")
def test_a_new_store_that_is_locked(opened: Open, path: Path) -> None:
    """A store without tables whose lock another holds cannot be made now; nothing is half-made."""
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode=wal")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnusable, match="locked"):
        opened()
    other.execute("ROLLBACK")
    assert other.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    other.close()
    assert opened().signals() == []


@pytest.mark.usefixtures("quick")
def test_reading_goes_on_while_another_writes(opened: Open, path: Path) -> None:
    """A write-ahead log is there so that `signals list` reads while a run writes."""
    store = leased(opened())
    store.commit([new(signal())])
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert len(store.signals()) == 1
        assert len(opened().signals()) == 1
    finally:
        writer.execute("ROLLBACK")
        writer.close()


# ------------------------------------------------------------------- full disk


def test_a_full_disk(store: SqlStore) -> None:
    """ "A full disk: a clear error, nothing half-written"; once there is space all goes on."""
    one = signal()
    store.commit([new(one)], "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    pages = store._session.connection.exec_driver_sql("PRAGMA page_count").scalar()
    store._session.connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    store._session.connection.rollback()
    with pytest.raises(StoreUnusable, match=r"full.*[Ff]ree some space"):
        store.commit(
            (new(signal(f"more {n}")) for n in range(200)),
            "test",
            "1Day",
            [Watermark("BTC/USD", T0, T0 + DAY)],
        )
    assert store.signals() == [one]
    assert store.undelivered() == [effect(one)]
    assert store.watermarks("test", "1Day")["BTC/USD"].seen_ts == T0
    store._session.connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    store._session.connection.rollback()
    store.commit(new(signal(f"more {n}")) for n in range(200))
    assert len(store.signals()) == 201


FILL = """
import resource, sys
sys.path.insert(0, {tests!r})
from repository.samples import new, signal
from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.repository.opening import open_store
try:
    store = open_store("sqlite:///" + sys.argv[1])
    store.acquire("this host", 600)
    size = int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    for batch in range(1000):
        store.commit(new(signal(f"{{batch}}-{{n}}")) for n in range(10))
        print(batch, flush=True)
except StoreUnusable as error:
    print("unusable:", error, flush=True)
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such limits")
def test_a_file_that_may_not_grow(opened: Open, path: Path) -> None:
    """The same against the real file system: every commit that was acknowledged is there, whole, and no
    part of another."""
    opened().close()
    program = textwrap.dedent(FILL).format(tests=str(Path(__file__).parents[1]))
    command = [sys.executable, "-c", program, str(path), "300000"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    *acknowledged, last = done.stdout.splitlines()
    assert done.returncode == 3, done.stderr
    assert "nothing was half-written" in last
    assert acknowledged
    found = {one.signal_id for one in opened().signals()}
    assert found == {f"id-{batch}-{n}" for batch in range(len(acknowledged)) for n in range(10)}


def test_a_full_disk_at_the_first_opening(path: Path, opened: Open) -> None:
    """A store that cannot be made leaves nothing that a later opening would stumble over."""
    path.parent.mkdir()
    program = textwrap.dedent(
        """
        import resource, sys
        from crypto_signals.domain.errors import StoreUnusable
        from crypto_signals.repository.opening import open_store
        import crypto_signals.repository.sqlite  # so that no bytecode is written below the limit
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
        try:
            open_store("sqlite:///" + sys.argv[1])
        except StoreUnusable as error:
            print("unusable:", error)
            sys.exit(3)
        """
    )
    for size in (100, 20_000, 40_000):
        command = [sys.executable, "-c", program, str(path), str(size)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 3, (size, done.stdout, done.stderr)
        assert "Traceback" not in done.stderr
    store = leased(opened())
    store.commit([new(signal())])
    assert len(store.signals()) == 1
