"""PostgreSQL: a server, whose clock judges the lease. Its driver is an extra."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from crypto_signals.domain.errors import UsageError
from crypto_signals.repository.sql import SqlStore

CONNECT_TIMEOUT_S = 5
LOCK_TIMEOUT_MS = 5_000
STATEMENT_TIMEOUT_MS = 15_000
SILENCE_MS = 20_000
"""For how long the other side may say nothing in the middle of something: a server that is gone, or, seen
from the server, a writer that stalls while others wait for its locks."""


def open_postgresql(url: URL) -> SqlStore:
    """The store in the database of ``url``, which must exist. Raises ``UsageError`` or ``StoreUnusable``."""
    try:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"), poolclass=NullPool, connect_args=_limits()
        )
    except ModuleNotFoundError:
        raise UsageError(
            "STORE_URL names a PostgreSQL server, whose driver is an extra: "
            "pip install crypto-sentinel[postgres]"
        ) from None
    event.listen(engine, "begin", _begin)
    event.listen(engine, "after_cursor_execute", _watched)
    return SqlStore(engine, f"{url.host or 'local server'}/{url.database}", _now)


def _limits() -> dict[str, Any]:
    """Nothing is waited for without end."""
    server = {
        "statement_timeout": STATEMENT_TIMEOUT_MS,
        "lock_timeout": LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": SILENCE_MS,
        "synchronous_commit": "on",
        "client_encoding": "UTF8",
    }
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "options": " ".join(f"-c {name}={value}" for name, value in server.items()),
        "application_name": "crypto-sentinel",
        "keepalives_idle": 5,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": SILENCE_MS,
    }


def _begin(connection: Connection) -> None:
    """A reader sees one moment in all that it reads; a writer the newest state of what it locks."""
    from psycopg import IsolationLevel  # noqa: PLC0415 - an extra

    driver: Any = connection.connection.dbapi_connection
    writing = connection.info["writing"]
    driver.isolation_level = IsolationLevel.READ_COMMITTED if writing else IsolationLevel.REPEATABLE_READ
    driver.read_only = not writing


def _watched(connection: Connection, *statement: object) -> None:
    """The server's time-out for writers that stall does not run after a pipeline, in which the driver sends
    many rows (seen with PostgreSQL 15); after a plain statement it does."""
    *_, of_many_rows = statement
    if of_many_rows:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("SELECT 1")


def _now(connection: Connection) -> datetime:
    now: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return now
