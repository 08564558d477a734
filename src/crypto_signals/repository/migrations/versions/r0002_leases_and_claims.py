"""The lease, claims with a revision and a deadline, and times to live."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _text(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


_TIME = _text(27)


def upgrade() -> None:
    _effects()
    _signals()
    op.add_column("events", sa.Column("expire_at", _TIME))
    op.create_table(
        "leases",
        sa.Column("name", _text(40), primary_key=True),
        sa.Column("owner", _text(200), nullable=False),
        sa.Column("term", sa.Integer, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
    )


def _effects() -> None:
    op.add_column("effects", sa.Column("revision", sa.Integer, nullable=False, server_default="1"))
    op.add_column("effects", sa.Column("claimed_by", _text(80)))
    op.add_column("effects", sa.Column("settles_at", _TIME))
    op.add_column("effects", sa.Column("expire_at", _TIME))


def _signals() -> None:
    """A signal's revision is its number of events and of bars followed."""
    op.add_column("signals", sa.Column("revision", sa.Integer, nullable=False, server_default="0"))
    op.add_column("signals", sa.Column("expire_at", _TIME))
    op.create_index("signals_expire", "signals", ["expire_at"])
    connection = op.get_bind()
    bodies = sa.text("SELECT signal_id, version, body FROM signals")
    for signal_id, version, body in connection.execute(bodies).all():
        change = sa.text("UPDATE signals SET revision = :revision WHERE signal_id = :signal_id")
        found = {"revision": version + _bars_seen(body), "signal_id": signal_id}
        connection.execute(change, found)
    op.drop_column("signals", "version")


def _bars_seen(body: str) -> int:
    """A damaged row stays as it is: it is read, and written, by nobody."""
    try:
        return int(json.loads(body)["progress"]["bars_seen"])
    except (ValueError, KeyError, TypeError):
        return 0
