"""The store on a SQL database, through SQLAlchemy Core. SQLite is opened so that a commit is on disk."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, Engine, Select, create_engine, event, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from crypto_signals.domain.errors import StoreUnusable, UnreadableRow, UsageError, VersionConflict
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Saved, Unreadable, Watermark
from crypto_signals.repository import rows, tables
from crypto_signals.repository.schema import is_current, migrate

BUSY_TIMEOUT_MS = 5_000

_UNDELIVERED = (EffectStatus.OWED.value, EffectStatus.CLAIMED.value, EffectStatus.UNKNOWN.value)


class SqlStore:
    """One connection, one transaction at a time; opened with its schema brought up to date."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name
        self._unreadable: dict[str, Unreadable] = {}
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

    def commit(
        self,
        saves: Iterable[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Iterable[Watermark] = (),
    ) -> None:
        marks = [
            {
                "strategy": strategy,
                "timeframe": timeframe,
                "symbol": mark.symbol,
                "anchor_ts": mark.anchor_ts,
                "seen_ts": mark.seen_ts,
            }
            for mark in watermarks
        ]
        with self._transaction(writing=True) as connection:
            for save in saves:
                _save(connection, save)
            if marks:
                statement = upsert(tables.watermarks)
                new = {"anchor_ts": statement.excluded.anchor_ts, "seen_ts": statement.excluded.seen_ts}
                keys = ["strategy", "timeframe", "symbol"]
                connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=new), marks)

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
            table = tables.signals.c
            body = connection.scalar(select(table.body).where(table.signal_id == signal_id))
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
                self._unreadable[signal_id] = Unreadable(signal_id, symbol, is_open, str(error))
        return signals

    def undelivered(self) -> list[Effect]:
        effect, signal = tables.effects, tables.signals
        query = (
            select(effect)
            .join(signal, signal.c.signal_id == effect.c.signal_id)
            .where(effect.c.status.in_(_UNDELIVERED))
            .order_by(
                signal.c.created_at, signal.c.symbol, signal.c.detector, effect.c.signal_id, effect.c.seq
            )
        )
        with self._transaction() as connection:
            return [rows.effect_of(row._mapping) for row in connection.execute(query)]  # noqa: SLF001

    def record_effects(self, effects: Iterable[Effect]) -> None:
        with self._transaction(writing=True) as connection:
            for effect in effects:
                known = tables.effects.c.key == effect.key
                found = connection.execute(
                    update(tables.effects).where(known).values(rows.effect_row(effect))
                )
                if found.rowcount != 1:
                    raise VersionConflict(f"effect {effect.key} is not in the store")

    def start_run(self, now: datetime, strategy_versions: Mapping[str, str], config_hash: str) -> str:
        with self._transaction(writing=True) as connection:
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
        with self._transaction(writing=True) as connection:
            connection.execute(update(tables.runs).where(tables.runs.c.run_id == run_id).values(values))

    @contextmanager
    def _transaction(self, *, writing: bool = False) -> Iterator[Connection]:
        """Readers never wait for a writer; a writer takes the lock at once, so that it need not give up."""
        self._connection.info["begin"] = "BEGIN IMMEDIATE" if writing else "BEGIN"
        with self._translated(), self._connection.begin():
            yield self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """The driver's errors, in words: what happened, to which store, and what to do."""
        try:
            yield
        except DBAPIError as error:
            raise StoreUnusable(f"the store {self._name} cannot be used: {_reason(error)}") from error


def open_store(url: str | URL) -> SqlStore:
    """The store that ``STORE_URL`` names. Raises ``UsageError`` or ``StoreUnusable``."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "STORE_URL is not an address of a store; use for example sqlite:///sentinel.db"
        ) from None
    if parsed.drivername != "sqlite" or not parsed.database:
        raise UsageError(f"STORE_URL {parsed.drivername}: is not supported; use sqlite:///PATH")
    folder = Path(parsed.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"the store's folder {folder} cannot be made: {error.strerror}") from error
    engine = create_engine(parsed, poolclass=NullPool, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(connection.info["begin"]))
    return SqlStore(engine, parsed.database)


def _durable(connection: SqliteConnection, _record: object) -> None:
    """A write-ahead log that is synced at every commit; transactions are begun by us alone."""
    connection.isolation_level = None
    for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        connection.execute(f"PRAGMA {pragma}={wanted}")
        (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
        if found != wanted:
            raise StoreUnusable(f"SQLite does not keep {pragma}={wanted} here but {found}: use a local disk")


def _save(connection: Connection, save: Saved) -> None:
    signal = save.signal
    row = rows.signal_row(signal)
    if save.expected_version == 0:
        try:
            connection.execute(insert(tables.signals).values(row))
        except IntegrityError:
            raise VersionConflict(f"signal {signal.signal_id} is already stored") from None
    else:
        table = tables.signals.c
        at_version = (table.signal_id == signal.signal_id) & (table.version == save.expected_version)
        if connection.execute(update(tables.signals).where(at_version).values(row)).rowcount != 1:
            raise VersionConflict(
                f"signal {signal.signal_id} is no longer at version {save.expected_version}"
            )
    first = signal.version - len(save.events) + 1
    events = [rows.event_row(signal.signal_id, seq, event) for seq, event in enumerate(save.events, first)]
    if events:
        connection.execute(insert(tables.events), events)
    for effect in save.effects:
        row = rows.effect_row(effect)
        connection.execute(upsert(tables.effects).values(row).on_conflict_do_update(["key"], set_=row))


def _events(connection: Connection, signal_id: str) -> tuple[Event, ...]:
    table = tables.events.c
    query = select(table.body).where(table.signal_id == signal_id).order_by(table.seq)
    return tuple(rows.event_of(body) for body in connection.scalars(query))


def _effects(connection: Connection, signal_id: str) -> tuple[Effect, ...]:
    table = tables.effects
    query = select(table).where(table.c.signal_id == signal_id).order_by(table.c.seq)
    return tuple(rows.effect_of(row._mapping) for row in connection.execute(query))  # noqa: SLF001


def _reason(error: DBAPIError) -> str:
    said = str(error.orig)
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
}
