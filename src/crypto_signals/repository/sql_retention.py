"""Times to live in a SQL store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from sqlalchemy import ColumnElement, Connection, bindparam, delete, select, update

from crypto_signals.domain.errors import VersionConflict
from crypto_signals.engine.ports import Story
from crypto_signals.repository import tables
from crypto_signals.repository.sql_reading import UNDELIVERED, Note, headers, stories

_BATCH = 500
_OF_A_SIGNAL = (tables.effects, tables.events, tables.signals)
"""What refers to others comes first."""


def at_rest(connection: Connection, limit: int, note: Note) -> list[Story]:
    signal = tables.signals.c
    kept = (
        headers().where(_is_over(), signal.expire_at.is_(None)).order_by(signal.closed_at, signal.signal_id)
    )
    return list(islice(stories(connection, kept, min(limit, _BATCH), note), limit))


def expire(connection: Connection, expiries: Mapping[str, datetime]) -> None:
    """Raises ``VersionConflict`` for what is not, or no longer, over."""
    for ids in _batches(expiries):
        query = select(tables.signals.c.signal_id).where(tables.signals.c.signal_id.in_(ids), _is_over())
        if left := set(ids) - set(connection.scalars(query)):
            raise VersionConflict(f"signal {min(left)} is not over: it gets no time to live")
        for table in _OF_A_SIGNAL:
            change = (
                update(table).where(table.c.signal_id == bindparam("id")).values(expire_at=bindparam("at"))
            )
            connection.execute(change, [{"id": signal_id, "at": expiries[signal_id]} for signal_id in ids])


def expired(connection: Connection, now: datetime, note: Note) -> list[str]:
    signal = tables.signals.c
    due = headers().where(signal.expire_at <= now).order_by(signal.expire_at, signal.signal_id)
    return [story.signal.signal_id for story in stories(connection, due, _BATCH, note)]


def delete_expired(connection: Connection, signal_ids: Sequence[str]) -> None:
    for ids in _batches(signal_ids):
        signal = tables.signals.c
        query = select(signal.signal_id).where(
            signal.signal_id.in_(ids), _is_over(), signal.expire_at.is_not(None)
        )
        gone = connection.scalars(query).all()
        for table in _OF_A_SIGNAL:
            connection.execute(delete(table).where(table.c.signal_id.in_(gone)))


def _is_over() -> ColumnElement[bool]:
    """Closed, and with nothing owed or in doubt."""
    signal, effect = tables.signals.c, tables.effects.c
    owes = select(effect.key).where(effect.signal_id == signal.signal_id, effect.status.in_(UNDELIVERED))
    return ~signal.is_open & ~owes.exists()


def _batches(ids: Iterable[str]) -> Iterator[list[str]]:
    left = iter(ids)
    while batch := list(islice(left, _BATCH)):
        yield batch
