"""What is read from a SQL store. Damaged rows are told to ``note`` and left out; they are kept."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection, Row, Select, bindparam, func, or_, select

from crypto_signals.domain.errors import UnreadableRow
from crypto_signals.domain.events import Effect
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Story, Watermark
from crypto_signals.repository import rows, tables

UNDELIVERED = (EffectStatus.OWED.value, EffectStatus.CLAIMED.value, EffectStatus.UNKNOWN.value)


# Built once: to build a statement takes longer than to run it.
_BODY = select(tables.signals.c.body).where(tables.signals.c.signal_id == bindparam("_id"))
_EVENTS = (
    select(tables.events.c.signal_id, tables.events.c.body)
    .where(tables.events.c.signal_id.in_(bindparam("_ids", expanding=True)))
    .order_by(tables.events.c.seq)
)
_EFFECTS = (
    select(tables.effects)
    .where(tables.effects.c.signal_id.in_(bindparam("_ids", expanding=True)))
    .order_by(tables.effects.c.seq, tables.effects.c.key)
)
_WATERMARKS = select(
    tables.watermarks.c.symbol, tables.watermarks.c.anchor_ts, tables.watermarks.c.seen_ts
).where(
    tables.watermarks.c.strategy == bindparam("_strategy"),
    tables.watermarks.c.timeframe == bindparam("_timeframe"),
)
_UNDELIVERED = (
    select(tables.effects, tables.signals.c.symbol, tables.signals.c.is_open)
    .join(tables.signals, tables.signals.c.signal_id == tables.effects.c.signal_id)
    .where(tables.effects.c.status.in_(UNDELIVERED))
    .order_by(
        tables.signals.c.created_at,
        tables.signals.c.symbol,
        tables.signals.c.detector,
        tables.effects.c.signal_id,
        tables.effects.c.seq,
        tables.effects.c.key,
    )
)


class Note(Protocol):
    def __call__(self, signal_id: str, symbol: str, error: UnreadableRow, *, is_open: bool) -> None: ...


def headers() -> Select[Any]:
    """Signals as they are stored, with what is said of one that cannot be read."""
    table = tables.signals.c
    return select(table.signal_id, table.symbol, table.is_open, table.body)


def signals() -> Select[Any]:
    table = tables.signals.c
    order = (table.bar_ts, table.symbol, table.detector, table.direction, table.signal_id)
    return headers().order_by(*order)


_BOOK = signals().where(
    tables.signals.c.strategy == bindparam("_strategy"),
    tables.signals.c.timeframe == bindparam("_timeframe"),
    or_(
        tables.signals.c.is_open,
        tables.signals.c.closed_at >= bindparam("_since"),
        tables.signals.c.bar_ts >= bindparam("_since"),
    ),
)


def book(connection: Connection, strategy: str, timeframe: str, since: datetime, note: Note) -> list[Signal]:
    values = {"_strategy": strategy, "_timeframe": timeframe, "_since": since}
    return _readable(connection.execute(_BOOK, values), note)


def readable(connection: Connection, query: Select[Any], note: Note) -> list[Signal]:
    """The signals of ``query`` (of `headers`) whose rows validate."""
    return _readable(connection.execute(query), note)


def _readable(found: Iterable[Row[Any]], note: Note) -> list[Signal]:
    read = []
    for row in found:
        try:
            read.append(rows.signal_of(row.signal_id, row.body))
        except UnreadableRow as error:
            note(row.signal_id, row.symbol, error, is_open=row.is_open)
    return read


def undelivered(connection: Connection, note: Note) -> list[Effect]:
    effects = []
    for row in connection.execute(_UNDELIVERED).mappings():
        try:
            effects.append(rows.effect_of(dict(row)))
        except UnreadableRow as error:
            note(row["signal_id"], row["symbol"], error, is_open=row["is_open"])
    return effects


def tally(connection: Connection) -> dict[EffectStatus, int]:
    """A status that means nothing is not counted: its row is told of where it is read."""
    query = select(tables.effects.c.status, func.count()).group_by(tables.effects.c.status)
    return {EffectStatus(status): n for status, n in connection.execute(query) if status in set(EffectStatus)}


def watermarks(connection: Connection, strategy: str, timeframe: str, note: Note) -> dict[str, Watermark]:
    marks = {}
    for row in connection.execute(_WATERMARKS, {"_strategy": strategy, "_timeframe": timeframe}):
        try:
            marks[row.symbol] = rows.watermark_of(strategy, timeframe, *row)
        except UnreadableRow as error:
            note(f"{strategy}/{timeframe}/{row.symbol}", row.symbol, error, is_open=True)
    return marks


def story(connection: Connection, signal_id: str) -> Story:
    """Raises ``KeyError``, or ``UnreadableRow``."""
    body = connection.scalar(_BODY, {"_id": signal_id})
    if body is None:
        raise KeyError(signal_id)
    return _story(signal_id, body, _events(connection, [signal_id]), _effects(connection, [signal_id]))


def stories(connection: Connection, query: Select[Any], batch: int, note: Note) -> Iterator[Story]:
    """The stories of the signals of ``query`` (of `headers`), in its order, read ``batch`` at a time."""
    passed = 0
    while found := connection.execute(query.limit(batch).offset(passed)).all():
        ids = [row.signal_id for row in found]
        events, effects = _events(connection, ids), _effects(connection, ids)
        for row in found:
            try:
                yield _story(row.signal_id, row.body, events, effects)
            except UnreadableRow as error:
                note(row.signal_id, row.symbol, error, is_open=row.is_open)
        passed += len(found)


def _story(
    signal_id: str, body: str, events: Mapping[str, list[str]], effects: Mapping[str, list[Mapping[str, Any]]]
) -> Story:
    return Story(
        rows.signal_of(signal_id, body),
        tuple(rows.event_of(signal_id, event) for event in events[signal_id]),
        tuple(rows.effect_of(effect) for effect in effects[signal_id]),
    )


def _events(connection: Connection, ids: Sequence[str]) -> Mapping[str, list[str]]:
    found = defaultdict[str, list[str]](list)
    for signal_id, body in connection.execute(_EVENTS, {"_ids": ids}):
        found[signal_id].append(body)
    return found


def _effects(connection: Connection, ids: Sequence[str]) -> Mapping[str, list[Mapping[str, Any]]]:
    found = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in connection.execute(_EFFECTS, {"_ids": ids}).mappings():
        found[row["signal_id"]].append(dict(row))
    return found
