"""The writes of a SQL store, each from the state that its writer saw, many in one statement."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, Update, bindparam, insert, update
from sqlalchemy.exc import IntegrityError

from crypto_signals.domain.errors import VersionConflict
from crypto_signals.domain.events import Effect
from crypto_signals.engine.ports import Saved, Watermark
from crypto_signals.repository import rows, tables
from crypto_signals.repository.tables import inserting

_BATCH = 500


def save(connection: Connection, changes: Iterable[Saved]) -> None:
    """Signals with their new events and their effects. Raises ``VersionConflict``."""
    left = iter(changes)
    while batch := list(islice(left, _BATCH)):
        signals = [(rows.signal_row(change.signal), change.expected) for change in batch]
        _put(connection, tables.signals, "signal_id", signals)
        _insert(connection, tables.events, "signal_id", [row for change in batch for row in _events(change)])
        record(connection, [effect for change in batch for effect in change.effects])


def _events(change: Saved) -> list[dict[str, Any]]:
    signal = change.signal
    first = signal.version - len(change.events) + 1
    return [rows.event_row(signal.signal_id, seq, event) for seq, event in enumerate(change.events, first)]


def record(connection: Connection, effects: Iterable[Effect]) -> None:
    """Effects one revision on, or new ones. Raises ``VersionConflict``."""
    _put(connection, tables.effects, "key", [(rows.effect_row(one), one.revision - 1) for one in effects])


def _put(
    connection: Connection, table: Table, key: str, changes: Sequence[tuple[dict[str, Any], int]]
) -> None:
    """Rows with the revision that each has in the table so far, 0 for those that are not there."""
    _insert(connection, table, key, [row for row, seen in changes if seen == 0])
    moved = [row | {"_key": row[key], "_seen": seen} for row, seen in changes if seen > 0]
    if not moved:
        return
    change = _change(table, key, frozenset(moved[0]) - {key, "_key", "_seen"})
    if connection.execute(change, moved).rowcount != len(moved):
        raise VersionConflict(f"{_named(table, key, moved)} is no longer as it was read")


@cache
def _change(table: Table, key: str, names: frozenset[str]) -> Update:
    """Built once: that takes longer than running it."""
    is_seen = (table.c[key] == bindparam("_key")) & (table.c.revision == bindparam("_seen"))
    return update(table).where(is_seen).values({name: bindparam(name) for name in names})


def _insert(connection: Connection, table: Table, key: str, new: Sequence[Mapping[str, Any]]) -> None:
    if not new:
        return
    try:
        connection.execute(insert(table), new)
    except IntegrityError as error:
        if _is_taken(error):
            raise VersionConflict(f"{_named(table, key, new)} is already stored") from None
        raise


def _is_taken(error: IntegrityError) -> bool:
    """Whether a primary key was there already, as opposed to a row that no table would take."""
    codes = (getattr(error.orig, "sqlstate", None), getattr(error.orig, "sqlite_errorname", None))
    return codes in (("23505", None), (None, "SQLITE_CONSTRAINT_PRIMARYKEY"))


def _named(table: Table, key: str, changed: Sequence[Mapping[str, Any]]) -> str:
    one = f"one of {len(changed)} {table.name}, of which the first is"
    return f"{table.name[:-1] if len(changed) == 1 else one} {changed[0][key]}"


def mark(connection: Connection, strategy: str, timeframe: str, watermarks: Sequence[Watermark]) -> None:
    values = [
        {
            "strategy": strategy,
            "timeframe": timeframe,
            "symbol": mark.symbol,
            "anchor_ts": mark.anchor_ts,
            "seen_ts": mark.seen_ts,
        }
        for mark in watermarks
    ]
    upsert(connection, tables.watermarks, values)


def upsert(connection: Connection, table: Table, values: Sequence[Mapping[str, Any]]) -> None:
    """Puts rows, all with the same columns, in the place of those with their primary keys."""
    statement = inserting(connection, table)
    keys = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in values[0].keys() - set(keys)}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new), values)
