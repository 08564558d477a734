"""The real store on SQLite in memory, whose whole content can be kept and put back: what a crash leaves."""

import datetime as dt
import json
import sqlite3
from collections.abc import Callable

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.vocabulary import EffectKind, EffectStatus
from crypto_signals.engine.ports import Story
from crypto_signals.repository import rows
from crypto_signals.repository.portable import time_text
from crypto_signals.repository.sql import SqlStore

SMALLEST_PAGE = 512
"""Bytes; the smaller the database, the faster it is kept and put back."""


class _Kept(sqlite3.Connection):
    """Survives the stores that are opened on it, as a file does."""

    def close(self) -> None:
        """Its content would be gone."""


class Memory:
    """A database server in miniature: stores are opened on it, and its content outlives them.

    ``now`` is the clock of the server, and of the processes that use it.
    """

    def __init__(self, now: Callable[[], dt.datetime]) -> None:
        self._now = now
        self._raw = sqlite3.connect(":memory:", check_same_thread=False, factory=_Kept)
        self._raw.execute(f"PRAGMA page_size={SMALLEST_PAGE}")
        self._raw.execute("PRAGMA foreign_keys=1")
        self._engine = create_engine("sqlite://", creator=lambda: self._raw, poolclass=NullPool)

    def open(self) -> SqlStore:
        """A new process's store."""
        return SqlStore(self._engine, "memory", lambda _: self._now(), lambda: self._now().timestamp())

    def content(self) -> bytes:
        return self._raw.serialize()

    def put_back(self, content: bytes) -> None:
        self._raw.deserialize(content)

    def knows(self, key: str) -> bool:
        """Whether the message with that key is, or was, owed."""
        return self._raw.execute("SELECT 1 FROM effects WHERE key = ?", (key,)).fetchone() is not None

    def at_rest(self) -> bool:
        query = "SELECT 1 FROM effects WHERE status IN ('owed', 'claimed', 'unknown') LIMIT 1"
        return self._raw.execute(query).fetchone() is None

    def stories(self) -> list[Story]:
        """Everything about every signal, read past the store: a few statements, however many there are."""
        found = self._raw.execute("SELECT signal_id, body FROM signals ORDER BY signal_id").fetchall()
        events: dict[str, list[Event]] = {signal_id: [] for signal_id, _ in found}
        for signal_id, body in self._raw.execute(
            "SELECT signal_id, body FROM events ORDER BY signal_id, seq"
        ):
            events[signal_id].append(rows.event_of(signal_id, body))
        effects: dict[str, list[Effect]] = {signal_id: [] for signal_id, _ in found}
        for key, signal_id, seq, kind, status, error in self._raw.execute(_EFFECTS):
            effect = Effect(
                key=key,
                signal_id=signal_id,
                seq=seq,
                kind=EffectKind(kind),
                status=EffectStatus(status),
                error=error,
            )
            effects[signal_id].append(effect)
        return [
            Story(rows.signal_of(signal_id, body), tuple(events[signal_id]), tuple(effects[signal_id]))
            for signal_id, body in found
        ]

    def essence(self, now: dt.datetime) -> tuple[object, ...]:
        """All that decides what happens next: not when, by whom and at which attempt something was done."""
        signals = tuple(_without(body, "run_id", "announced_at") for (body,) in self._raw.execute(_BODIES))
        events = tuple(
            (*at, _without(body, "ts") if quiet else body) for *at, quiet, body in self._raw.execute(_FACTS)
        )
        debts, marks = (tuple(self._raw.execute(query)) for query in (_DEBTS, _MARKS))
        lease = self._raw.execute(_LEASE, (time_text(now),)).fetchone()
        return signals, events, debts, marks, lease


def _without(body: str, *names: str) -> str:
    """A stored object without what only says when or by whom."""
    return json.dumps({name: value for name, value in json.loads(body).items() if name not in names})


_BODIES = "SELECT body FROM signals ORDER BY signal_id"
_FACTS = "SELECT signal_id, seq, type IN ('announced', 'cancelled'), body FROM events ORDER BY signal_id, seq"
_DEBTS = """SELECT key, status, CASE WHEN status IN ('claimed', 'unknown') THEN settles_at END
    FROM effects ORDER BY key"""
_MARKS = "SELECT symbol, anchor_ts, seen_ts FROM watermarks ORDER BY symbol"
_LEASE = "SELECT owner, expires_at FROM leases WHERE expires_at > ?"
_EFFECTS = "SELECT key, signal_id, seq, kind, status, error FROM effects ORDER BY signal_id, seq, key"
