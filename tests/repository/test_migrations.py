"""How a store's tables come to be: made at once where there are none, else brought on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.domain.signals import Progress
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Saved, Store
from crypto_signals.repository import rows, tables
from crypto_signals.repository.portable import time_text
from crypto_signals.repository.schema import HEAD, bring_up_to_date, migrate
from crypto_signals.repository.sqlite import begin, durable
from repository.backends import Backend
from repository.contract.test_racing import race
from repository.samples import CREATED, T0, effect, signal

Open = Callable[[], Store]


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """The stores that have tables."""
    made: Backend = request.getfixturevalue(f"{request.param}_backend")
    return made


@contextmanager
def plain(url: str) -> Iterator[Connection]:
    """A transaction on the database behind the store's back, of the kind that the store's own are."""
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(exist_ok=True, parents=True)
        event.listen(engine, "connect", durable)
        event.listen(engine, "begin", begin)
    try:
        with engine.connect() as connection:
            connection.info["writing"] = True
            with connection.begin():
                yield connection
    finally:
        engine.dispose()


def shape(connection: Connection) -> dict[str, object]:
    """Tables, columns, types, keys and indexes, comparable."""
    found = inspect(connection)
    return {
        name: (
            [
                (c["name"], str(c["type"]), c["nullable"], c.get("primary_key"), c["default"])
                for c in sorted(found.get_columns(name), key=lambda c: c["name"])
            ],
            sorted((i["name"], tuple(i["column_names"]), i["unique"]) for i in found.get_indexes(name)),
            found.get_pk_constraint(name)["constrained_columns"],
            sorted(tuple(u["column_names"]) for u in found.get_unique_constraints(name)),
            sorted(
                (tuple(k["constrained_columns"]), k["referred_table"], tuple(k["referred_columns"]))
                for k in found.get_foreign_keys(name)
            ),
        )
        for name in found.get_table_names()
    }


def collations(connection: Connection) -> list[tuple[object, ...]]:
    """By what rule each text column of PostgreSQL sorts."""
    if connection.dialect.name == "sqlite":
        return []
    query = """
        SELECT table_name, column_name, data_type, collation_name FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
    """
    return [tuple(row) for row in connection.execute(text(query))]


def without_defaults(its: Any) -> object:
    """Columns that were added to tables with rows in them have a default, which nobody uses."""
    columns, *rest = its
    return [column[:4] for column in columns], *rest


def test_the_steps_lead_to_the_tables_of_the_program(backend: Backend, opened: Open) -> None:
    """What the steps build from nothing equals what is made at once where there is nothing."""
    with plain(backend.url) as connection:
        migrate(connection)
    with plain(backend.url) as connection:
        steps, steps_sort = shape(connection), collations(connection)
        for name in ("alembic_version", *(table.name for table in reversed(tables.metadata.sorted_tables))):
            connection.execute(text(f"DROP TABLE {name}"))
    opened()
    with plain(backend.url) as connection:
        at_once = shape(connection)
        assert collations(connection) == steps_sort
    assert at_once.keys() == steps.keys()
    for name in at_once:
        assert without_defaults(at_once[name]) == without_defaults(steps[name]), name


def test_a_store_is_opened_again_as_it_is(backend: Backend, opened: Open) -> None:
    """The second opening finds its schema, and says so in no other way than the first."""
    opened().close()
    with plain(backend.url) as connection:
        before = shape(connection)
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD
    opened().close()
    with plain(backend.url) as connection:
        assert shape(connection) == before
        assert connection.execute(text("SELECT version_num FROM alembic_version")).all() == [(HEAD,)]


def test_the_head_is_the_newest_step() -> None:
    """`HEAD` names the last file of the migrations."""
    steps = Path(tables.__file__).parent / "migrations" / "versions"
    newest = max(step.name for step in steps.glob("r*.py"))
    assert newest.startswith(f"r{HEAD}_")


def test_a_newer_schema_is_refused(backend: Backend, opened: Open) -> None:
    """A store written by a newer program is left alone, with what to do."""
    opened().close()
    with plain(backend.url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(StoreUnusable, match=r"0099.*newer version.*Update"):
        opened()


def test_tables_of_another_program_are_left_alone(backend: Backend, opened: Open) -> None:
    """A database that holds something else is refused, with what to do, and not added to."""
    with plain(backend.url) as connection:
        connection.execute(text("CREATE TABLE events (theirs INTEGER)"))
        before = shape(connection)
    with pytest.raises(StoreUnusable, match=r"already exists.*STORE_URL"):
        opened()
    with plain(backend.url) as connection:
        assert shape(connection) == before


# ------------------------------------------------------------------- from the first schema

FOLLOWED = signal("b", version=3, progress=Progress(bars_seen=7))


def first_schema(url: str) -> None:
    """A store as the first version left it: two signals, one that owes, and one whose row is damaged."""
    with plain(url) as connection:
        migrate(connection, "0001")
        for one in (signal("a"), FOLLOWED, signal("bad")):
            row = rows.signal_row(one) | {"version": one.version}
            del row["revision"]
            row["body"] = "{broken" if one.signal_id == "id-bad" else row["body"]
            row |= {name: time_text(row[name]) for name in ("bar_ts", "created_at")}
            _insert(connection, "signals", row)
            for seq in range(1, one.version + 1):
                event_row = rows.event_row(one.signal_id, seq, CREATED)
                _insert(connection, "events", event_row | {"ts": time_text(T0)})
        owed = {"key": "id-a/1", "signal_id": "id-a", "seq": 1, "kind": "announce", "status": "owed"}
        _insert(connection, "effects", owed | {"attempts": 0})


def _insert(connection: Connection, table: str, row: dict[str, Any]) -> None:
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), row)


def test_a_store_of_the_first_version_goes_on(backend: Backend, opened: Open) -> None:
    """Nothing is lost, each signal can be changed from the revision it has, and the damaged row is kept."""
    first_schema(backend.url)
    store = opened()
    assert store.signals() == [signal("a"), FOLLOWED]
    assert [one.signal_id for one in store.unreadable()] == ["id-bad"]
    assert store.undelivered() == [effect(signal("a"))]
    store.acquire("this host", 600)
    store.commit([Saved(replace(FOLLOWED, version=4), FOLLOWED.revision, (CREATED,))])
    store.record_effects([effect(signal("a")).moved(EffectStatus.CLAIMED)])
    assert len(store.signal("id-b")[1]) == 4
    assert [row.fields["body"] for row in store.rows() if row.key == "id-bad"] == ["{broken"]


def test_two_bring_it_on_at_once(backend: Backend, opened: Open) -> None:
    """One migrates, the other waits and finds it done."""
    first_schema(backend.url)
    assert race(backend, "opening", ["one", "two"]) == [["opened"], ["opened"]]
    assert opened().signals() == [signal("a"), FOLLOWED]


def brought_on_until(url: str, number: int) -> None:
    """The program is interrupted at its statement of that number."""
    statements = count(1)

    def interrupt(*_args: object) -> None:
        if next(statements) == number:
            raise KeyboardInterrupt

    with plain(url) as connection:
        event.listen(connection, "before_cursor_execute", interrupt)
        bring_up_to_date(connection)


@pytest.mark.parametrize("number", [3, 9, 15])
def test_a_step_that_was_interrupted_is_taken_back(backend: Backend, opened: Open, number: int) -> None:
    """A step and its record share a transaction: nothing half-made is left, and the next start does it."""
    first_schema(backend.url)
    with plain(backend.url) as connection:
        before = shape(connection)
    with pytest.raises(KeyboardInterrupt):
        brought_on_until(backend.url, number)
    with plain(backend.url) as connection:
        assert shape(connection) == before
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "0001"
    assert opened().signals() == [signal("a"), FOLLOWED]


@pytest.mark.parametrize("number", [6, 14])
def test_a_start_that_was_interrupted_is_taken_back(backend: Backend, opened: Open, number: int) -> None:
    """An empty database is as empty as before, and the next start makes the tables."""
    with pytest.raises(KeyboardInterrupt):
        brought_on_until(backend.url, number)
    with plain(backend.url) as connection:
        assert shape(connection) == {}
    assert opened().signals() == []
