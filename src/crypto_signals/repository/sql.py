"""The store on a SQL database, through SQLAlchemy Core: SQLite, or PostgreSQL."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, Select, func, insert, or_, select, update
from sqlalchemy.exc import DBAPIError

from crypto_signals.domain.errors import LeaseLost, StoreUnusable, UnreadableRow
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.ports import Saved, Unreadable, Watermark
from crypto_signals.repository import rows, sql_leases, sql_writing, statements, tables
from crypto_signals.repository.schema import is_current, migrate
from crypto_signals.repository.tenure import Monotonic, Tenure

ServerClock = Callable[[Connection], datetime]


class SqlStore:
    """One connection, one transaction at a time; opened with its schema brought up to date.

    ``server_now`` reads the clock of the database's server. Threads may share a store: they take turns.
    """

    def __init__(
        self, engine: Engine, name: str, server_now: ServerClock, monotonic: Monotonic = time.monotonic
    ) -> None:
        self._engine, self._name = engine, name
        self._server_now, self._monotonic = server_now, monotonic
        self._tenure: Tenure | None = None
        self._unreadable: dict[str, Unreadable] = {}
        self._turn = threading.RLock()
        with self._translated():
            self._connection = engine.connect()
        try:
            with self._transaction() as connection:
                current = is_current(connection)
            if not current:
                with self._transaction(writing=True) as connection:
                    migrate(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()

    def acquire(self, owner: str, seconds: float) -> None:
        asked = self._monotonic()
        with self._transaction(writing=True) as connection:
            term = sql_leases.take(connection, owner, seconds, self._server_now(connection))
        self._tenure = Tenure(owner, term, seconds, asked + seconds)

    def renew(self) -> None:
        tenure, asked = self._held(), self._monotonic()
        with self._transaction(writing=True) as connection:
            sql_leases.prolong(connection, tenure, self._server_now(connection))
        tenure.ends = asked + tenure.seconds

    def left_s(self) -> float:
        return self._held().left_s(self._monotonic)

    def release(self) -> None:
        if self._tenure is None:
            return
        with self._transaction(writing=True) as connection:
            sql_leases.give_back(connection, self._tenure, self._server_now(connection))
        self._tenure = None

    def _held(self) -> Tenure:
        if self._tenure is None:
            raise LeaseLost(f"the store {self._name} is written only under its lease: acquire it first")
        return self._tenure

    def commit(
        self,
        saves: Sequence[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        with self._writing() as connection:
            for save in saves:
                sql_writing.save(connection, save)
            if watermarks:
                sql_writing.mark(connection, strategy, timeframe, watermarks)

    def book(self, strategy: str, timeframe: str, since: datetime) -> list[Signal]:
        table = tables.signals.c
        recent = or_(table.is_open, table.closed_at >= since, table.bar_ts >= since)
        query = (
            select(table.signal_id, table.symbol, table.is_open, table.body)
            .where(table.strategy == strategy, table.timeframe == timeframe, recent)
            .order_by(table.bar_ts, table.symbol, table.detector, table.direction)
        )
        return self._readable(query)

    def watermarks(self, strategy: str, timeframe: str) -> dict[str, Watermark]:
        table = tables.watermarks.c
        query = select(table.symbol, table.anchor_ts, table.seen_ts).where(
            table.strategy == strategy, table.timeframe == timeframe
        )
        with self._transaction() as connection:
            return {row.symbol: Watermark(*row) for row in connection.execute(query)}

    def signal(self, signal_id: str) -> tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]:
        with self._transaction() as connection:
            body = connection.scalar(statements.SIGNAL, {"signal_id": signal_id})
            if body is None:
                raise KeyError(signal_id)
            return (
                rows.signal_of(signal_id, body),
                _events(connection, signal_id),
                _effects(connection, signal_id),
            )

    def signals(self) -> list[Signal]:
        table = tables.signals.c
        order = (table.bar_ts, table.symbol, table.detector, table.direction, table.signal_id)
        return self._readable(
            select(table.signal_id, table.symbol, table.is_open, table.body).order_by(*order)
        )

    def unreadable(self) -> list[Unreadable]:
        return list(self._unreadable.values())

    def _readable(self, query: Select[str, str, bool, str]) -> list[Signal]:
        """The signals whose rows validate; the others are noted, never deleted."""
        with self._transaction() as connection:
            found = connection.execute(query).all()
        signals = []
        for signal_id, symbol, is_open, body in found:
            try:
                signals.append(rows.signal_of(signal_id, body))
            except UnreadableRow as error:
                self._note(signal_id, symbol, error, is_open=is_open)
        return signals

    def undelivered(self) -> list[Effect]:
        with self._transaction() as connection:
            found = connection.execute(statements.UNDELIVERED).mappings().all()
        effects = []
        for row in found:
            try:
                effects.append(rows.effect_of(dict(row)))
            except UnreadableRow as error:
                self._note(row["signal_id"], row["symbol"], error, is_open=row["is_open"])
        return effects

    def _note(self, signal_id: str, symbol: str, error: UnreadableRow, *, is_open: bool) -> None:
        self._unreadable[signal_id] = Unreadable(signal_id, symbol, is_open, str(error))

    def record_effects(self, effects: Sequence[Effect]) -> None:
        with self._writing() as connection:
            for effect in effects:
                sql_writing.record(connection, effect)

    def start_run(self, now: datetime, strategy_versions: Mapping[str, str], config_hash: str) -> str:
        with self._writing() as connection:
            number = (connection.scalar(select(func.max(tables.runs.c.number))) or 0) + 1
            run_id = f"{now:%Y%m%dT%H%M%SZ}-{number}"
            values = {
                "number": number,
                "run_id": run_id,
                "started_at": now,
                "strategy_versions": dict(strategy_versions),
                "config_hash": config_hash,
            }
            connection.execute(insert(tables.runs).values(values))
        return run_id

    def finish_run(self, run_id: str, now: datetime, summary: Mapping[str, object]) -> None:
        values = {"finished_at": now, "summary": dict(summary)}
        with self._writing() as connection:
            connection.execute(update(tables.runs).where(tables.runs.c.run_id == run_id).values(values))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction of whoever holds the lease."""
        tenure = self._held()
        with self._transaction(writing=True) as connection:
            sql_leases.check(connection, tenure)
            yield connection

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[Connection]:
        """Readers never wait for a writer; a writer takes the lock at once, so that it need not give up."""
        with self._turn, self._translated():
            self._connection.info["writing"] = writing
            with self._connection.begin():
                yield self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The driver's errors, in words: what happened, to which store, and what to do."""
        try:
            yield
        except DBAPIError as error:
            raise StoreUnusable(f"the store {self._name} cannot be used: {_reason(error)}") from error


def _events(connection: Connection, signal_id: str) -> tuple[Event, ...]:
    found = connection.scalars(statements.EVENTS, {"signal_id": signal_id})
    return tuple(rows.event_of(signal_id, body) for body in found)


def _effects(connection: Connection, signal_id: str) -> tuple[Effect, ...]:
    found = connection.execute(statements.EFFECTS, {"signal_id": signal_id}).mappings()
    return tuple(rows.effect_of(dict(row)) for row in found)


def _reason(error: DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    for clue, advice in _ADVICE.items():
        if clue in said:
            return f"{said}. {advice}"
    return said


_ADVICE = {
    "locked": "Another program holds it: stop that one, or wait and run again.",
    "full": "Free some space on that disk and run again; nothing was half-written.",
    "unable to open": "Check that the folder exists and may be written, or set STORE_URL.",
    "readonly": "Check the permissions of the file and its folder.",
    "not a database": "The file is something else: move it away, or set STORE_URL.",
    "malformed": "The file is damaged: restore it from a backup, or set STORE_URL to a new one.",
    "disk I/O": "The disk failed or is full; nothing was half-written.",
    "onnection": "Check that the server runs and that STORE_URL names it; run again when it answers.",
    "authentication": "Check the user and the password in STORE_URL.",
    "does not exist": "Create it, or correct STORE_URL.",
}
