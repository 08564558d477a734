"""The store on a SQL database, through SQLAlchemy Core: SQLite, or PostgreSQL."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from crypto_signals.domain.errors import LeaseLost, UnreadableRow
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Row, Saved, Story, Unreadable, Watermark
from crypto_signals.repository import (
    sql_leases,
    sql_reading,
    sql_retention,
    sql_transfer,
    sql_writing,
    tables,
)
from crypto_signals.repository.schema import bring_up_to_date, is_current
from crypto_signals.repository.sql_leases import ServerClock
from crypto_signals.repository.sql_session import Session
from crypto_signals.repository.tenure import Monotonic, Tenure

_LAST_RUN, _START_RUN = select(func.max(tables.runs.c.number)), insert(tables.runs)
_FINISH_RUN = update(tables.runs).where(tables.runs.c.run_id == bindparam("_run_id"))


class SqlStore:
    """Opened with its schema brought up to date. Threads may share a store: they take turns.

    ``server_now`` reads the clock of the database's server.
    """

    def __init__(
        self, engine: Engine, name: str, server_now: ServerClock, monotonic: Monotonic = time.monotonic
    ) -> None:
        self._server_now, self._monotonic = server_now, monotonic
        self._tenure: Tenure | None = None
        self._unreadable: dict[str, Unreadable] = {}
        self._session = Session(engine, name)
        try:
            with self._session.reading() as connection:
                current = is_current(connection)
            if not current:
                with self._session.writing() as connection:
                    bring_up_to_date(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._session.close()

    def acquire(self, owner: str, seconds: float) -> None:
        asked = self._monotonic()
        with self._session.writing() as connection:
            term = sql_leases.take(connection, owner, seconds, self._server_now)
        self._tenure = Tenure(owner, term, seconds, asked + seconds)

    def renew(self) -> None:
        tenure, asked = self._held(), self._monotonic()
        with self._session.writing() as connection:
            sql_leases.prolong(connection, tenure, self._server_now)
        tenure.ends = asked + tenure.seconds

    def left_s(self) -> float:
        return self._held().left_s(self._monotonic)

    def release(self) -> None:
        if self._tenure is None:
            return
        with self._session.writing() as connection:
            sql_leases.give_back(connection, self._tenure, self._server_now(connection))
        self._tenure = None

    def _held(self) -> Tenure:
        if self._tenure is None:
            raise LeaseLost(
                f"the store {self._session.name} is written only under its lease: acquire it first"
            )
        return self._tenure

    def commit(
        self,
        saves: Sequence[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        with self._writing() as connection:
            sql_writing.save(connection, saves)
            if watermarks:
                sql_writing.mark(connection, strategy, timeframe, watermarks)

    def book(self, strategy: str, timeframe: str, since: datetime) -> list[Signal]:
        with self._session.reading() as connection:
            return sql_reading.book(connection, strategy, timeframe, since, self._note)

    def watermarks(self, strategy: str, timeframe: str) -> dict[str, Watermark]:
        with self._session.reading() as connection:
            return sql_reading.watermarks(connection, strategy, timeframe, self._note)

    def signal(self, signal_id: str) -> tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]:
        with self._session.reading() as connection:
            story = sql_reading.story(connection, signal_id)
        return story.signal, story.events, story.effects

    def signals(self) -> list[Signal]:
        with self._session.reading() as connection:
            return sql_reading.readable(connection, sql_reading.signals(), self._note)

    def unreadable(self) -> list[Unreadable]:
        return list(self._unreadable.values())

    def _note(self, signal_id: str, symbol: str, error: UnreadableRow, *, is_open: bool) -> None:
        self._unreadable[signal_id] = Unreadable(signal_id, symbol, is_open, str(error))

    def undelivered(self) -> list[Effect]:
        with self._session.reading() as connection:
            return sql_reading.undelivered(connection, self._note)

    def tally(self) -> dict[EffectStatus, int]:
        with self._session.reading() as connection:
            return sql_reading.tally(connection)

    def record_effects(self, effects: Sequence[Effect]) -> None:
        with self._writing() as connection:
            sql_writing.record(connection, effects)

    def at_rest(self, limit: int) -> list[Story]:
        with self._session.reading() as connection:
            return sql_retention.at_rest(connection, limit, self._note)

    def expire(self, expiries: Mapping[str, datetime]) -> None:
        with self._writing() as connection:
            sql_retention.expire(connection, expiries)

    def expired(self, now: datetime) -> list[str]:
        with self._session.reading() as connection:
            return sql_retention.expired(connection, now, self._note)

    def delete(self, signal_ids: Sequence[str]) -> None:
        with self._writing() as connection:
            sql_retention.delete_expired(connection, signal_ids)

    def rows(self) -> Iterator[Row]:
        with self._session.streaming() as connection:
            yield from sql_transfer.rows(connection)

    def load(self, rows: Iterable[Row]) -> None:
        for batch in sql_transfer.batches(rows):
            with self._writing() as connection:
                sql_transfer.load(connection, batch)

    def start_run(self, now: datetime, strategy_versions: Mapping[str, str], config_hash: str) -> str:
        with self._writing() as connection:
            number = (connection.scalar(_LAST_RUN) or 0) + 1
            run_id = f"{now:%Y%m%dT%H%M%SZ}-{number}"
            values = {
                "number": number,
                "run_id": run_id,
                "started_at": now,
                "strategy_versions": dict(strategy_versions),
                "config_hash": config_hash,
            }
            connection.execute(_START_RUN, values)
        return run_id

    def finish_run(self, run_id: str, now: datetime, summary: Mapping[str, object]) -> None:
        values = {"_run_id": run_id, "finished_at": now, "summary": dict(summary)}
        with self._writing() as connection:
            connection.execute(_FINISH_RUN, values)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """A transaction of whoever holds the lease."""
        tenure = self._held()
        with self._session.writing() as connection:
            sql_leases.check(connection, tenure)
            yield connection
