"""The warehouse in a file, by DuckDB."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.engine.ports import Answer, Holding, Story
from crypto_signals.warehouse import views
from crypto_signals.warehouse.schema import Column, Fact, Kind, Table
from crypto_signals.warehouse.star import TABLES, facts

_TYPES = {
    Kind.TEXT: ("VARCHAR", pa.string()),
    Kind.NUMBER: ("DOUBLE", pa.float64()),
    Kind.WHOLE: ("BIGINT", pa.int64()),
    Kind.FLAG: ("BOOLEAN", pa.bool_()),
    Kind.MOMENT: ("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", "UTC")),
    Kind.DAY: ("DATE", pa.date32()),
}
_WRONG_SQL = (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError)


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
                answer = connection.sql(sql)
                if answer is None:
                    raise UsageError("that is no query: ask with SELECT")
                return Answer(tuple(answer.columns), answer.to_arrow_table().to_pylist())
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


def _said(path: Path, error: object) -> str:
    return (
        f"the warehouse {path} cannot be used: {error}. Nothing was deleted. See that no other program has "
        "it open, that it may be written, and that its disk has space; then run again."
    )


@contextmanager
def _connected(path: Path, *, read_only: bool) -> Iterator[duckdb.DuckDBPyConnection]:
    limits: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "256MB", "threads": 2}
    with duckdb.connect(path, read_only=read_only, config=limits) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _bring_up_to_date(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes what is missing; a column that came later is empty in older rows."""
    listed = "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
    there = set(connection.execute(listed).fetchall())
    for table in TABLES:
        if not any(name == table.name for name, _ in there):
            connection.execute(f"CREATE TABLE {table.name} ({', '.join(map(_defined, table.columns))})")
            continue
        for column in table.columns:
            if (table.name, column.name) not in there:
                kind = _TYPES[column.kind][0]
                connection.execute(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}")
    for name in views.NAMES:
        connection.execute(f"CREATE OR REPLACE VIEW {name} AS {views.query(name)}")


def _defined(column: Column) -> str:
    return f"{column.name} {_TYPES[column.kind][0]}{' NOT NULL' if column.required else ''}"


def _merge(connection: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Fact]) -> None:
    schema = pa.schema([(column.name, _TYPES[column.kind][1]) for column in table.columns])
    connection.register("staged", pa.Table.from_pylist(rows, schema=schema))
    connection.execute(table.merged_from("staged"))
    connection.unregister("staged")


def _holding(connection: duckdb.DuckDBPyConnection, table: Table) -> Holding:
    counted = f"SELECT COUNT(*), MIN(day), MAX(day) FROM {table.name}"  # noqa: S608 - a name of our own
    rows, first, last = connection.execute(counted).fetchone() or (0, None, None)
    return Holding(table.name, table.what, rows, first, last)
