"""The warehouse in a file, by DuckDB."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import duckdb

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.engine.ports import Answer, Holding, Story
from crypto_signals.warehouse import views
from crypto_signals.warehouse.schema import Column, Fact, Kind, Table
from crypto_signals.warehouse.star import TABLES, facts

_TYPES = {
    Kind.TEXT: "VARCHAR",
    Kind.NUMBER: "DOUBLE",
    Kind.WHOLE: "BIGINT",
    Kind.FLAG: "BOOLEAN",
    Kind.MOMENT: "TIMESTAMP WITH TIME ZONE",
    Kind.DAY: "DATE",
}
_GIVEN = "(SELECT UNNEST(from_json(?, ?), max_depth := 2))"
"""The rows of a list of objects in JSON, by the types in another: that needs no other library."""
_AT_ONCE = 200
"""Rows in one statement: what takes them apart needs memory for all of them."""
_WRONG_SQL = (
    duckdb.ProgrammingError,
    duckdb.DataError,
    duckdb.NotSupportedError,
    duckdb.PermissionException,
    duckdb.OutOfMemoryException,
)


class DuckDbWarehouse:
    """A `Warehouse` in one file, open only while it is used, so that others may look at it in between."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - what names no user stays
        self.place = str(path)

    def keep(self, stories: Sequence[Story]) -> None:
        rows = facts(stories)
        with self._open(to_write=True) as connection:
            for table in TABLES:
                _merge(connection, table, rows[table.name])

    def holdings(self) -> list[Holding]:
        if not self._path.exists():
            return []
        with self._open() as connection:
            return [_holding(connection, table) for table in reversed(TABLES)]

    def ask(self, sql: str) -> Answer:
        if not self._path.exists():
            raise UsageError(
                f"there is no warehouse at {self._path} yet: the first closed signal makes it, brought there "
                "by a run or by sentinel warehouse sync"
            )
        with self._open() as connection:
            try:
                return _answered(connection, sql)
            except _WRONG_SQL as error:
                raise UsageError(f"the warehouse does not understand that: {error}") from None

    @contextmanager
    def _open(self, *, to_write: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """One transaction; what fails in it leaves nothing behind. Raises ``StoreUnusable``."""
        try:
            if to_write and not self._path.exists():
                self._make()
            with _connected(self._path, read_only=not to_write) as connection:
                connection.begin()
                if to_write:
                    _bring_up_to_date(connection)
                yield connection
                connection.commit()
        except duckdb.Error as error:
            raise StoreUnusable(_said(self._path, error)) from error
        except OSError as error:
            raise StoreUnusable(_said(self._path, error.strerror or error)) from error

    def _make(self) -> None:
        """Under another name first: a file of this name is always a whole one, and never takes the place of
        one that somebody else made in the meantime."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._path.parent, prefix=f".{self._path.name}.") as folder:
            draft = Path(folder) / "new"
            with _connected(draft, read_only=False) as connection:
                _bring_up_to_date(connection)
            draft.chmod(0o600)
            try:
                os.link(draft, self._path)
            except FileExistsError:
                return
            except OSError:  # a disk without links
                draft.replace(self._path)


def _answered(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Raises ``UsageError`` for what is not one query, or has two columns of one name."""
    if [statement.type for statement in duckdb.extract_statements(sql)] != [duckdb.StatementType.SELECT]:
        raise UsageError("that is not one query: ask with one SELECT")
    columns = tuple(connection.sql(sql).columns)
    if len(columns) > len(set(columns)):
        raise UsageError(f"two columns have one name ({', '.join(columns)}): give them others, with AS")
    with _interruptible(connection) as worker:
        rows = worker.submit(lambda: connection.execute(sql).fetchall()).result()
    return Answer(columns, [dict(zip(columns, row, strict=True)) for row in rows])


@contextmanager
def _interruptible(connection: duckdb.DuckDBPyConnection) -> Iterator[Executor]:
    """Where a query is asked so that Ctrl-C ends it: who hears it must not be the thread that asks."""
    with ThreadPoolExecutor(1) as worker:
        try:
            yield worker
        except KeyboardInterrupt:
            connection.interrupt()
            raise


def _said(path: Path, error: object) -> str:
    return (
        f"the warehouse {path} cannot be used: {error}. Nothing was deleted. See that no other program has "
        "it open, that it may be written, and that its disk has space; then run again."
    )


@contextmanager
def _connected(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    """Its own file is all that it reads and writes, whatever is asked."""
    limits: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": "256MB",
        "threads": 2,
        "enable_external_access": "false",
    }
    with duckdb.connect(path, read_only=read_only, config=limits) as connection:
        if read_only:
            connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        yield connection


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes what is missing; a column that came later is empty in older rows."""
    listed = (
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND schema_name = 'main'"
    )
    there = set(connection.execute(listed).fetchall())
    for table in TABLES:
        if not any(name == table.name for name, _ in there):
            connection.execute(f"CREATE TABLE {table.name} ({', '.join(map(_defined, table.columns))})")
            continue
        for column in table.columns:
            if (table.name, column.name) not in there:
                kind = _TYPES[column.kind]
                connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
    for name in views.NAMES:
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS {views.query(name)}")


def _defined(column: Column) -> str:
    return f"{column.name} {_TYPES[column.kind]}{' NOT NULL' if column.required else ''}"


def _merge(connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Fact]) -> None:
    types = {column.name: _TYPES[column.kind] for column in table.columns}
    for start in range(0, len(rows), _AT_ONCE):
        given = json.dumps(rows[start : start + _AT_ONCE], default=str, allow_nan=False)
        connection.execute(table.merged_from(_GIVEN), [given, json.dumps([types])])


def _holding(connection: duckdb.DuckDBPyConnection, table: Table) -> Holding:
    counted = f"SELECT COUNT(*), MIN(day), MAX(day) FROM {table.name}"  # noqa: S608 - a name of our own
    rows, first, last = connection.execute(counted).fetchone() or (0, None, None)
    return Holding(table.name, table.what, rows, first, last)
