"""The tables. Columns are what is searched by; a signal's and an event's whole content is its ``body``."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    types,
)

from crypto_signals.repository.portable import time_of, time_text

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


def _text(length: int) -> types.TypeEngine[str]:
    """Sorts by code points, as SQLite does, whatever language the server's database was made for."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes as sortable UTC text. What cannot be read as such comes, and goes, as it is."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[str]:
        return dialect.type_descriptor(_text(27))

    def process_bind_param(self, value: datetime | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return time_text(value) if isinstance(value, datetime) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        try:
            return None if value is None else time_of(value)
        except (ValueError, TypeError):
            return value  # type: ignore[return-value]


metadata = MetaData()

signals = Table(
    "signals",
    metadata,
    Column("signal_id", _text(36), primary_key=True),
    Column("strategy", _text(40), nullable=False),
    Column("timeframe", _text(10), nullable=False),
    Column("symbol", _text(40), nullable=False),
    Column("detector", _text(80), nullable=False),
    Column("direction", _text(5), nullable=False),
    Column("bar_ts", UtcTime, nullable=False),
    Column("status", _text(24), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("closed_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("expire_at", UtcTime),
    Column("body", Text, nullable=False),
    Index("signals_open", "strategy", "timeframe", "is_open"),
    Index("signals_bar", "strategy", "timeframe", "bar_ts"),
    Index("signals_closed", "strategy", "timeframe", "closed_at"),
    Index("signals_expire", "expire_at"),
)

events = Table(
    "events",
    metadata,
    Column("signal_id", _text(36), ForeignKey("signals.signal_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", _text(24), nullable=False),
    Column("ts", UtcTime, nullable=False),
    Column("expire_at", UtcTime),
    Column("body", Text, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("key", _text(60), primary_key=True),
    Column("signal_id", _text(36), ForeignKey("signals.signal_id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", _text(24), nullable=False),
    Column("status", _text(12), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", _text(80)),
    Column("attempted_at", UtcTime),
    Column("settles_at", UtcTime),
    Column("done_at", UtcTime),
    Column("message_id", _text(80)),
    Column("error", Text),
    Column("expire_at", UtcTime),
    Index("effects_status", "status"),
    Index("effects_signal", "signal_id", "seq"),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("strategy", _text(40), primary_key=True),
    Column("timeframe", _text(10), primary_key=True),
    Column("symbol", _text(40), primary_key=True),
    Column("anchor_ts", UtcTime, nullable=False),
    Column("seen_ts", UtcTime, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("run_id", _text(40), nullable=False, unique=True),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("strategy_versions", JSON, nullable=False),
    Column("config_hash", _text(64), nullable=False),
    Column("summary", JSON(none_as_null=True)),
)

leases = Table(
    "leases",
    metadata,
    Column("name", _text(40), primary_key=True),
    Column("owner", _text(200), nullable=False),
    Column("term", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)


def inserting(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    """An insert of this database's own kind, which can say what to do about a conflict. The other kind, slow
    to load, is not."""
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects import sqlite  # noqa: PLC0415

        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415

    return postgresql.insert(table)
