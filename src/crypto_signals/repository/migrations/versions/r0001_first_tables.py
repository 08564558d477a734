"""Signals, their events and effects, watermarks and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


_TIME = _text(27)


def upgrade() -> None:
    _signals()
    _events_and_effects()
    _bookkeeping()


def _signals() -> None:
    op.create_table(
        "signals",
        sa.Column("signal_id", _text(36), primary_key=True),
        sa.Column("strategy", _text(40), nullable=False),
        sa.Column("timeframe", _text(10), nullable=False),
        sa.Column("symbol", _text(40), nullable=False),
        sa.Column("detector", _text(80), nullable=False),
        sa.Column("direction", _text(5), nullable=False),
        sa.Column("bar_ts", _TIME, nullable=False),
        sa.Column("status", _text(24), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("closed_at", _TIME),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    for name, column in (("open", "is_open"), ("bar", "bar_ts"), ("closed", "closed_at")):
        op.create_index(f"signals_{name}", "signals", ["strategy", "timeframe", column])


def _events_and_effects() -> None:
    op.create_table(
        "events",
        sa.Column("signal_id", _text(36), sa.ForeignKey("signals.signal_id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("type", _text(24), nullable=False),
        sa.Column("ts", _TIME, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "effects",
        sa.Column("key", _text(60), primary_key=True),
        sa.Column("signal_id", _text(36), sa.ForeignKey("signals.signal_id"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", _text(24), nullable=False),
        sa.Column("status", _text(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("attempted_at", _TIME),
        sa.Column("done_at", _TIME),
        sa.Column("message_id", _text(80)),
        sa.Column("error", sa.Text),
    )
    op.create_index("effects_status", "effects", ["status"])
    op.create_index("effects_signal", "effects", ["signal_id", "seq"])


def _bookkeeping() -> None:
    op.create_table(
        "watermarks",
        sa.Column("strategy", _text(40), primary_key=True),
        sa.Column("timeframe", _text(10), primary_key=True),
        sa.Column("symbol", _text(40), primary_key=True),
        sa.Column("anchor_ts", _TIME, nullable=False),
        sa.Column("seen_ts", _TIME, nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("run_id", _text(40), nullable=False, unique=True),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME),
        sa.Column("strategy_versions", sa.JSON, nullable=False),
        sa.Column("config_hash", _text(64), nullable=False),
        sa.Column("summary", sa.JSON),
    )
