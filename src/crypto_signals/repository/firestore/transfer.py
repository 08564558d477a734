"""Everything on Firestore as rows that any store can hold, and back."""

import json
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import JSON

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.engine.ports import Row
from crypto_signals.repository.firestore import documents, queries
from crypto_signals.repository.firestore.calls import Snapshot
from crypto_signals.repository.firestore.tenancy import Change
from crypto_signals.repository.firestore.writing import Writer, packed, put, update
from crypto_signals.repository.portable import PRIMARY_KEYS, key_of, time_of, time_text
from crypto_signals.repository.tables import UtcTime, metadata

_COLUMNS = {name: tuple(metadata.tables[name].columns.keys()) for name in PRIMARY_KEYS}
_KINDS = {column.name: type(column.type) for name in PRIMARY_KEYS for column in metadata.tables[name].columns}


class Mover(Writer):
    def rows(self) -> Iterator[Row]:
        signal_ids = set()
        for table in PRIMARY_KEYS:
            for fields in self._rows_of(table):
                values = {name: _portable(name, fields.get(name)) for name in _COLUMNS[table]}
                if table == "signals":
                    signal_ids.add(values["signal_id"])
                elif table == "effects" and _is_left_over(values, signal_ids):
                    continue
                yield Row(table, key_of(table, values), values)

    def _rows_of(self, table: str) -> Iterator[Mapping[str, Any]]:
        """What other stores keep in rows of ``table``: here events and watermarks share documents."""
        if table == "events":
            for fields in self._contents("signals", ("signal_id", "events", "expire_at")):
                shared = {"signal_id": fields["signal_id"], "expire_at": fields.get("expire_at")}
                yield from (event | shared for event in documents.events_in(fields))
        elif table == "watermarks":
            for fields in self._contents("watermarks", ("strategy", "timeframe", "marks")):
                for symbol, (anchor_ts, seen_ts) in sorted(documents.marks_in(fields).items()):
                    yield fields | {"symbol": symbol, "anchor_ts": anchor_ts, "seen_ts": seen_ts}
        else:
            yield from self._contents(table, _COLUMNS[table])

    def _contents(self, collection: str, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        for snapshot in self._calls.found(queries.everything(self._calls, collection).select(fields)):
            yield documents.content(snapshot)

    def load(self, rows: Iterable[Row]) -> None:
        loaders: dict[str, Callable[[Sequence[Row]], list[Change]]] = {
            "signals": self._signal_loads,
            "events": self._event_loads,
            "effects": self._effect_loads,
            "watermarks": self._watermark_loads,
            "runs": self._run_loads,
        }
        for table, of_table in groupby(map(_known, rows), lambda row: row.table):
            for group in packed(of_table, _weight):
                self._write(loaders[table](group))

    def _signal_loads(self, rows: Sequence[Row]) -> list[Change]:
        """The events that a document holds already stay in it."""
        return [put(self._signal(row.key), _values(row), merge=True) for row in rows]

    def _event_loads(self, rows: Sequence[Row]) -> list[Change]:
        new: dict[Any, dict[int, dict[str, Any]]] = defaultdict(dict)
        for row in rows:
            values = _values(row)
            signal_id, seq = values.pop("signal_id"), values["seq"]
            values.pop("expire_at", None)
            new[self._signal(signal_id)][seq] = values
        return [self._with_events(found, new[document]) for document, found in self._calls.fetch(new).items()]

    def _with_events(self, signal: Snapshot, new: dict[int, dict[str, Any]]) -> Change:
        if not signal.exists:
            raise StoreUnusable(f"events of signal {signal.id} cannot be kept: the signal is not there")
        stored = {event["seq"]: event for event in documents.events_in(documents.content(signal))}
        events = stored | new
        return update(signal, {"events": [events[seq] for seq in sorted(events)], "last_seq": max(events)})

    def _effect_loads(self, rows: Sequence[Row]) -> list[Change]:
        return [put(self._calls.document("effects", row.key), _values(row)) for row in rows]

    def _watermark_loads(self, rows: Sequence[Row]) -> list[Change]:
        new: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        for row in rows:
            strategy, timeframe, symbol, anchor_ts, seen_ts = (
                row.fields.get(name) for name in _COLUMNS["watermarks"]
            )
            new[str(strategy), str(timeframe)][str(symbol)] = [anchor_ts, seen_ts]
        return [self._marked(*look, marks) for look, marks in new.items()]

    def _run_loads(self, rows: Sequence[Row]) -> list[Change]:
        return [put(self._calls.document("runs", row.key), _values(row)) for row in rows]


def _known(row: Row) -> Row:
    """Raises ``UsageError`` for what a newer program may have stored."""
    if row.table not in _COLUMNS:
        raise UsageError(f"a row of {row.table} cannot be stored: this version has no such table")
    if unknown := row.fields.keys() - set(_COLUMNS[row.table]):
        raise UsageError(f"{row.table} {row.key} cannot be stored: this version has no field {min(unknown)}")
    return row


def _is_left_over(effect: Mapping[str, Any], signal_ids: Container[str]) -> bool:
    """Whether the service's policy has deleted the signal already, and the effect not yet: it takes a day,
    and goes by documents."""
    return effect["expire_at"] is not None and effect["signal_id"] not in signal_ids


def _weight(row: Row) -> tuple[int, int]:
    return 1, sum(len(value) for value in row.fields.values() if isinstance(value, str))


def _portable(name: str, value: Any) -> Any:
    """As it travels. What is not of its column's kind is damaged, and travels as it is."""
    if isinstance(value, datetime):
        return time_text(value)
    if _KINDS[name] is not JSON or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _values(row: Row) -> dict[str, Any]:
    return {name: _storable(name, value) for name, value in row.fields.items()}


def _storable(name: str, value: Any) -> Any:
    if _KINDS[name] is UtcTime and isinstance(value, str):
        try:
            return time_of(value)
        except ValueError:
            return value
    if _KINDS[name] is JSON and value is not None:
        return json.dumps(value)
    return value
