"""Rows on their way from one store to another, as a SQL store holds them."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice

from sqlalchemy import JSON, Column, ColumnElement, Connection, String, select, type_coerce

from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.ports import Row
from crypto_signals.repository.portable import PRIMARY_KEYS, key_of
from crypto_signals.repository.sql_writing import upsert
from crypto_signals.repository.tables import UtcTime, metadata

_BATCH = 500


def rows(connection: Connection) -> Iterator[Row]:
    """Everything but the lease, a batch at a time in memory."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    for name, key in PRIMARY_KEYS.items():
        table = metadata.tables[name]
        columns = [_as_stored(column) for column in table.columns]
        query = select(*columns).order_by(*(table.c[part] for part in key))
        with connection.execute(query, execution_options={"yield_per": _BATCH}) as found:
            for row in found:
                values = zip(table.columns, row, strict=True)
                fields = {column.name: _portable(column, value) for column, value in values}
                yield Row(name, key_of(name, fields), fields)


def _as_stored(column: Column[object]) -> ColumnElement[object]:
    """What does not make sense travels too: texts are not read as the times and objects they should be."""
    return type_coerce(column, String()) if isinstance(column.type, (UtcTime, JSON)) else column


def _portable(column: Column[object], value: object) -> object:
    if not isinstance(column.type, JSON) or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def batches(arriving: Iterable[Row]) -> Iterator[Sequence[Row]]:
    """As many rows as are put into one transaction."""
    left = iter(arriving)
    while batch := list(islice(left, _BATCH)):
        yield batch


def load(connection: Connection, arrived: Sequence[Row]) -> None:
    """Raises ``UsageError`` for a table, or a field, that this program does not know."""
    for row in arrived:
        _check(row)
    for name, group in groupby(arrived, key=lambda row: row.table):
        upsert(connection, metadata.tables[name], [dict(row.fields) for row in group])


def _check(row: Row) -> None:
    if row.table not in PRIMARY_KEYS:
        raise UsageError(f"a row of {row.table} cannot be stored: this version has no such table")
    if unknown := row.fields.keys() - metadata.tables[row.table].columns.keys():
        raise UsageError(f"{row.table} {row.key} cannot be stored: this version has no field {min(unknown)}")
