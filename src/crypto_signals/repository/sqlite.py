"""SQLite: a file on a local disk."""

from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Connection as SqliteConnection

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.repository.sql import SqlStore

BUSY_TIMEOUT_MS = 5_000


def open_sqlite(url: URL) -> SqlStore:
    """The store in the file of ``url``, which is made if it is not there. Raises ``StoreUnusable``."""
    assert url.database is not None  # noqa: S101 - checked by the caller
    folder = Path(url.database).parent
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"the store's folder {folder} cannot be made: {error.strerror}") from error
    options = {"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, poolclass=NullPool, connect_args=options)
    event.listen(engine, "connect", durable)
    event.listen(engine, "begin", begin)
    return SqlStore(engine, url.database, lambda _connection: datetime.now(UTC))


def begin(connection: Connection) -> None:
    """A writer takes the lock at once, so that it need not give up later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info["writing"] else "BEGIN")


def _text(stored: bytes) -> str:
    """Bytes that are no text come as halves of characters, so that only the row they stand in is refused."""
    return stored.decode(errors="surrogateescape")


def durable(connection: SqliteConnection, _record: object) -> None:
    """A write-ahead log that is synced at every commit, on macOS down to the platter too; transactions are
    begun by us alone."""
    connection.isolation_level = None
    connection.text_factory = _text
    wanted_here = (("fullfsync", 1), ("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1))
    for pragma, wanted in wanted_here:
        connection.execute(f"PRAGMA {pragma}={wanted}")
        (found,) = connection.execute(f"PRAGMA {pragma}").fetchone()
        if found != wanted:
            raise StoreUnusable(f"SQLite does not keep {pragma}={wanted} here but {found}: use a local disk")
