"""What only a server has: connections that break, others that hold locks, a clock of its own, users."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy import event

from crypto_signals.domain.errors import LeaseLost, StoreUnusable, UsageError, VersionConflict
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Saved, Watermark
from crypto_signals.repository import postgresql
from crypto_signals.repository.opening import open_store
from crypto_signals.repository.sql import SqlStore
from repository.backends import Backend
from repository.conftest import OWNER
from repository.postgres_server import PASSWORD, QUOTED, Server
from repository.samples import CREATED, T0, effect, new, signal


@pytest.fixture
def backend(postgresql_backend: Backend) -> Backend:
    return postgresql_backend


@dataclass(frozen=True, slots=True)
class Database:
    """The store's database, seen by its administrator."""

    server: Server
    name: str

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.server.url(self.name), autocommit=True)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        return self.server.execute(query, self.name)

    def hang_up(self) -> None:
        """Ends the connections of the program, as a server does that is restarted."""
        self.ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'crypto-sentinel' AND datname = current_database()"
        )


@pytest.fixture
def database(backend: Backend, postgresql_server: Server) -> Database:
    return Database(postgresql_server, urlsplit(backend.url).path.removeprefix("/"))


def sql(store: object) -> SqlStore:
    assert isinstance(store, SqlStore)
    return store


# ------------------------------------------------------------------- connections that break


def test_a_connection_that_was_lost_is_made_anew(store: SqlStore, database: Database) -> None:
    """A restart of the server between two writes costs one of them, with what to do; the next one works,
    under the same lease."""
    store.commit([new(signal("a"))])
    database.hang_up()
    with pytest.raises(StoreUnusable, match="run again"):
        store.commit([new(signal("b"))])
    store.commit([new(signal("c"))])
    assert [one.signal_id for one in store.signals()] == ["id-a", "id-c"]
    database.hang_up()
    with pytest.raises(StoreUnusable):
        store.signals()
    store.renew()


def test_a_connection_that_is_lost_in_the_middle(store: SqlStore, database: Database) -> None:
    """What was begun is taken back by the server."""

    def saves() -> list[Saved]:
        return [new(signal(str(n))) for n in range(600)]

    hung_up = []

    def hang_up(*args: object) -> None:
        if "INSERT INTO effects" in str(args[2]) and not hung_up:
            hung_up.append(True)
            database.hang_up()

    event.listen(sql(store)._session.connection, "before_cursor_execute", hang_up)
    with pytest.raises(StoreUnusable, match="cannot be used"):
        store.commit(saves(), "test", "1Day", [Watermark("BTC/USD", T0, T0)])
    assert hung_up
    assert store.signals() == []
    assert store.watermarks("test", "1Day") == {}
    store.commit(saves())
    assert len(store.signals()) == 600


def test_a_commit_whose_answer_is_lost(store: SqlStore, database: Database) -> None:
    """Nobody knows whether it was stored: the message says so, and the next look shows what is there."""
    database.ask(
        """
        CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$
        """
    )
    database.ask(
        "CREATE CONSTRAINT TRIGGER last AFTER INSERT ON signals DEFERRABLE INITIALLY DEFERRED "
        "FOR EACH ROW EXECUTE FUNCTION hang_up()"
    )
    with pytest.raises(StoreUnusable, match=r"during a commit.*unknown.*run again"):
        store.commit([new(signal())])
    database.ask("DROP TRIGGER last ON signals")
    assert store.signals() == []
    store.commit([new(signal())])
    assert store.signals() == [signal()]


# ------------------------------------------------------------------- others


def test_who_collides_decides_again(store: SqlStore, database: Database) -> None:
    """A deadlock that the server resolves against us is a conflict: nothing was written."""
    one = signal()
    store.commit([new(one)])
    claimed = effect(one).moved(EffectStatus.CLAIMED)
    locked, waiting = threading.Event(), threading.Event()

    def the_other() -> None:
        with database.connect() as other, other.transaction():
            other.execute("SET LOCAL deadlock_timeout = '60s'")
            other.execute("UPDATE effects SET error = 'theirs'")
            locked.set()
            waiting.wait()
            other.execute("UPDATE signals SET status = 'theirs'")

    thread = threading.Thread(target=the_other)
    thread.start()
    locked.wait()
    event.listen(
        sql(store)._session.connection,
        "before_cursor_execute",
        lambda *args: waiting.set() if "UPDATE effects" in args[2] else None,
    )
    with pytest.raises(VersionConflict, match="another writer"):
        store.commit([Saved(replace(one, version=2), 1, (CREATED,), (claimed,))])
    thread.join()
    found, events, (owed,) = store.signal(one.signal_id)
    assert (found, events, owed.revision) == (one, (CREATED,), 1)


def test_a_row_that_another_holds(
    store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting for a lock ends, with what to do; nothing is half-written, and it works afterwards."""
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT_MS", 300)
    quick = open_store(database.server.url(database.name))
    store.commit([new(signal("a"))])
    store.release()
    quick.acquire(OWNER, 600)
    with database.connect() as other, other.transaction():
        other.execute("LOCK TABLE effects IN SHARE MODE")
        started = time.monotonic()
        with pytest.raises(StoreUnusable, match=r"lock timeout.*Another program"):
            quick.commit([new(signal("b"))])
        assert time.monotonic() - started < 5
        assert len(quick.signals()) == 1
    quick.commit([new(signal("b"))])
    assert len(quick.signals()) == 2
    quick.close()


@pytest.mark.parametrize("statement", ["UPDATE leases", "INSERT INTO signals"])
def test_nobody_takes_over_in_the_middle(
    store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    """While one takes the lease, or writes under it, another waits: never do two hold the same term, and
    never is anything written after a takeover by who was there before."""
    monkeypatch.setattr(postgresql, "LOCK_TIMEOUT_MS", 300)
    other = open_store(database.server.url(database.name))
    refused = []

    def ask(*args: object) -> None:
        if statement in str(args[2]) and not refused:
            with pytest.raises(StoreUnusable, match="lock timeout") as caught:
                other.acquire(OWNER, 600)
            refused.append(caught.value)

    event.listen(sql(store)._session.connection, "before_cursor_execute", ask)
    store.acquire(OWNER, 600)
    store.commit([new(signal("a"))])
    assert refused
    other.acquire(OWNER, 600)
    with pytest.raises(LeaseLost):
        store.commit([new(signal("b"))])
    other.close()


def test_a_server_that_takes_its_time(
    store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement ends as well, whatever it waits for."""
    monkeypatch.setattr(postgresql, "STATEMENT_TIMEOUT_MS", 300)
    quick = open_store(database.server.url(database.name))
    store.release()
    quick.acquire(OWNER, 600)
    database.ask(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$"
    )
    database.ask("CREATE TRIGGER slow BEFORE INSERT ON signals FOR EACH ROW EXECUTE FUNCTION slow()")
    with pytest.raises(StoreUnusable, match=r"statement timeout.*run again"):
        quick.commit([new(signal())])
    assert quick.signals() == []
    quick.close()


def test_a_writer_that_stalls_is_let_go(
    store: SqlStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that sleeps in the middle of a transaction loses it, so that another can take over."""
    store.release()
    monkeypatch.setattr(postgresql, "SILENCE_MS", 2_000)
    stalled = sql(open_store(database.server.url(database.name)))
    stalled.acquire("a host that stalls", 0.0)

    def saves() -> Iterator[Saved]:
        yield from (new(signal(str(n))) for n in range(501))
        store.acquire(OWNER, 600)

    with pytest.raises(StoreUnusable, match="run again"):
        stalled.commit(saves())  # type: ignore[arg-type]
    assert store.signals() == []
    store.commit([new(signal())])
    stalled.close()


# ------------------------------------------------------------------- what is kept, and how


def test_a_reader_sees_one_moment(store: SqlStore, database: Database) -> None:
    """A signal, its events and its effects are read as they were at one time, whoever writes between."""
    store.commit([new(signal())])
    writer = open_store(database.server.url(database.name))
    store.release()
    writer.acquire(OWNER, 600)
    second = signal(version=2)
    written = []

    def write(*args: object) -> None:
        if "FROM events" in str(args[2]) and not written:
            written.append(second)
            writer.commit([Saved(second, 1, (CREATED,), (effect(second, 2),))])

    event.listen(sql(store)._session.connection, "before_cursor_execute", write)
    assert store.signal("id-a") == (signal(), (CREATED,), (effect(signal()),))
    assert written
    assert store.signal("id-a")[0] == second
    writer.close()


def test_a_reader_cannot_write(store: SqlStore) -> None:
    """Reading is read-only, by the server's word."""
    with pytest.raises(StoreUnusable, match="read-only"), sql(store)._session.reading() as connection:
        connection.exec_driver_sql("DELETE FROM effects")


def test_commits_are_on_disk_and_texts_in_utf8(database: Database, store: SqlStore) -> None:
    """Whatever the server, the database or the user was set to."""
    database.ask(f"ALTER DATABASE {database.name} SET synchronous_commit = off")
    database.ask(f"ALTER DATABASE {database.name} SET client_encoding = 'LATIN1'")
    fresh = sql(open_store(database.server.url(database.name)))
    with fresh._session.writing() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
        assert connection.exec_driver_sql("SHOW client_encoding").scalar() == "UTF8"
    fresh.close()
    assert store.signals() == []


def test_the_servers_clock_judges(store: SqlStore, database: Database) -> None:
    """The lease ends by the server's time, however wrong this host's is."""
    ((ahead,),) = database.ask("SELECT expires_at::timestamptz - clock_timestamp() FROM leases")
    assert 500 < ahead.total_seconds() <= 600  # type: ignore[attr-defined]
    assert store.left_s() <= 600
    database.ask("UPDATE leases SET expires_at = '2001-01-01T00:00:00.000000Z'")
    other = open_store(database.server.url(database.name))
    other.acquire("another host", 600)
    other.close()


# ------------------------------------------------------------------- addresses


def test_an_address_that_leads_nowhere(database: Database, opened: Callable[[], SqlStore]) -> None:
    """Each says what is wrong and what to do, without the password."""
    good = database.server.url(database.name)
    cases = {
        good.replace(str(database.server.port), "1"): r"127.0.0.1.*STORE_URL",
        good.replace(database.name, "nowhere"): r"does not exist.*correct STORE_URL",
        good.replace(QUOTED, "wrong"): r"authentication.*password in STORE_URL",
        good.replace(f":{QUOTED}", ""): r"password",
    }
    for url, said in cases.items():
        with pytest.raises(StoreUnusable, match=said) as caught:
            open_store(url)
        assert not {PASSWORD, QUOTED, "wrong"} & set(str(caught.value).replace('"', " ").split())
        assert PASSWORD not in repr(caught.value.__cause__)
    assert opened().signals() == []


def test_a_user_without_the_right_to_make_tables(database: Database) -> None:
    """Says which right is missing."""
    database.ask("DROP ROLE IF EXISTS guest")
    database.ask("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = f"postgresql://guest:guest@127.0.0.1:{database.server.port}/{database.name}"
    with pytest.raises(StoreUnusable, match=r"permission denied.*create tables"):
        open_store(url)
    database.ask("DROP ROLE guest")


def test_no_database_in_the_address() -> None:
    """An address without a database is not whole."""
    with pytest.raises(UsageError, match="DATABASE"):
        open_store("postgresql://user:secret@host")
