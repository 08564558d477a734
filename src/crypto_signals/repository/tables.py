"""The tables. Columns are what is searched by; a signal's and an event's whole content is its ``body``."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


class UtcTime(TypeDecorator[datetime]):
    """Aware datetimes as sortable UTC text, the same in every store."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC).strftime(_FORMAT)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.strptime(value, _FORMAT).replace(tzinfo=UTC)


metadata = MetaData()

signals = Table(
    "signals",
    metadata,
    Column("signal_id", String(36), primary_key=True),
    Column("strategy", String(40), nullable=False),
    Column("timeframe", String(10), nullable=False),
    Column("symbol", String(40), nullable=False),
    Column("detector", String(80), nullable=False),
    Column("direction", String(5), nullable=False),
    Column("bar_ts", UtcTime, nullable=False),
    Column("status", String(24), nullable=False),
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
    Column("signal_id", String(36), ForeignKey("signals.signal_id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("type", String(24), nullable=False),
    Column("ts", UtcTime, nullable=False),
    Column("expire_at", UtcTime),
    Column("body", Text, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("key", String(60), primary_key=True),
    Column("signal_id", String(36), ForeignKey("signals.signal_id"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("status", String(12), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimed_by", String(80)),
    Column("attempted_at", UtcTime),
    Column("settles_at", UtcTime),
    Column("done_at", UtcTime),
    Column("message_id", String(80)),
    Column("error", Text),
    Column("expire_at", UtcTime),
    Index("effects_status", "status"),
    Index("effects_signal", "signal_id", "seq"),
)

watermarks = Table(
    "watermarks",
    metadata,
    Column("strategy", String(40), primary_key=True),
    Column("timeframe", String(10), primary_key=True),
    Column("symbol", String(40), primary_key=True),
    Column("anchor_ts", UtcTime, nullable=False),
    Column("seen_ts", UtcTime, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("run_id", String(40), nullable=False, unique=True),
    Column("started_at", UtcTime, nullable=False),
    Column("finished_at", UtcTime),
    Column("strategy_versions", JSON, nullable=False),
    Column("config_hash", String(64), nullable=False),
    Column("summary", JSON),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("term", Integer, nullable=False),
    Column("expires_at", UtcTime, nullable=False),
)
