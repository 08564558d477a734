"""Opens the store that an address names."""

from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.engine.ports import Store
from crypto_signals.repository.sql import SqlStore

BUSY_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_MS = 15_000


def open_store(url: str | URL) -> Store:
    """The store that ``STORE_URL`` names. Raises ``UsageError`` or ``StoreUnusable``."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "STORE_URL is not an address of a store; use for example sqlite:///sentinel.db"
        ) from None
    if parsed.drivername == "sqlite" and parsed.database:
        return _sqlite(parsed)
    if parsed.drivername == "postgresql" and parsed.database:
        return _postgresql(parsed)
    if parsed.drivername == "firestore" and parsed.host:
        return _firestore(parsed.host, parsed.database)
    raise UsageError(
        f"STORE_URL {parsed.drivername}: is not supported; "
        "use sqlite:///PATH, postgresql://USER:PASSWORD@HOST/DATABASE or firestore://PROJECT"
    )


def _sqlite(url: URL) -> SqlStore:
    assert url.database is not None  # noqa: S101 - checked by the caller
    folder = Path(url.database).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"the store's folder {folder} cannot be made: {error.strerror}") from error
    options = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, poolclass=NullPool, connect_args=options)
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    return SqlStore(engine, url.database, lambda _connection: datetime.now(UTC))


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info["writing"] else "BEGIN")


def _durable(connection: SqliteConnection, _record: object) -> None:
    """A write-ahead log that is synced at every commit; transactions are begun by us alone."""
    connection.isolation_level = None
    for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
        connection.execute(f"PRAGMA {pragma}={wanted}")
        (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
        if found != wanted:
            raise StoreUnusable(f"SQLite does not keep {pragma}={wanted} here but {found}: use a local disk")


def _postgresql(url: URL) -> SqlStore:
    limits = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={BUSY_TIMEOUT_MS}"
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S, "options": f"{limits} -c synchronous_commit=on"},
    )
    return SqlStore(engine, f"{url.host}/{url.database}", _postgresql_now)


def _postgresql_now(connection: Connection) -> datetime:
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now


def _firestore(project: str, database: str | None) -> Store:
    """Google's library is an extra, and takes a while to load."""
    try:
        from crypto_signals.repository.firestore.opening import open_firestore  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            f"STORE_URL firestore: needs Google's library, and there is no {error.name}: "
            "install crypto-sentinel[firestore]"
        ) from error
    return open_firestore(project, database)
