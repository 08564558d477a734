"""The lease in a SQL database: one row, taken and checked inside the transactions that it guards."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, bindparam, select, update

from crypto_signals.domain.errors import LeaseHeld, StoreUnusable
from crypto_signals.repository.tables import inserting, leases
from crypto_signals.repository.tenure import LEASE, Tenure

ServerClock = Callable[[Connection], datetime]
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NOW = select(leases).where(leases.c.name == LEASE).with_for_update()
_TAKE = update(leases).where(leases.c.name == LEASE)
_MINE = (leases.c.name == LEASE, leases.c.owner == bindparam("_owner"), leases.c.term == bindparam("_term"))
_HOLDS, _HOLDS_ALONE = (
    select(leases.c.term).where(*_MINE).with_for_update(read=read) for read in (True, False)
)
_MOVE_END = update(leases).where(*_MINE).values(expires_at=bindparam("_end"))


def take(connection: Connection, owner: str, seconds: float, server_now: ServerClock) -> int:
    """Writes the lease and gives its term. Raises ``LeaseHeld``."""
    _make_sure_there_is_one(connection)
    held = connection.execute(_NOW).one()
    now = server_now(connection)
    if held.owner != owner and _end(held.expires_at) > now:
        raise LeaseHeld(f"{held.owner} acts on this store, until {held.expires_at:%H:%M:%S} UTC at least")
    values = {"owner": owner, "term": held.term + 1, "expires_at": now + timedelta(seconds=seconds)}
    connection.execute(_TAKE, values)
    return int(held.term) + 1


def _end(stored: object) -> datetime:
    """Raises ``StoreUnusable``: whether its owner still acts cannot be known."""
    if not isinstance(stored, datetime):
        raise StoreUnusable(
            "the row of table leases is damaged: its end cannot be read. Make sure that nobody else runs on "
            "this store, then delete that row."
        )
    return stored


def _make_sure_there_is_one(connection: Connection) -> None:
    """So that of two first owners one waits for the other's row, as later ones do."""
    nobodys = {"name": LEASE, "owner": "", "term": 0, "expires_at": _LONG_AGO}
    connection.execute(inserting(connection, leases).on_conflict_do_nothing(), nobodys)


def check(connection: Connection, tenure: Tenure, *, exclusively: bool = False) -> None:
    """Keeps the lease from changing hands until the transaction ends. Raises ``LeaseLost``."""
    mine = _HOLDS_ALONE if exclusively else _HOLDS
    if connection.execute(mine, _of(tenure)).one_or_none() is None:
        raise tenure.lost()


def prolong(connection: Connection, tenure: Tenure, server_now: ServerClock) -> None:
    """Raises ``LeaseLost``."""
    check(connection, tenure, exclusively=True)
    end = server_now(connection) + timedelta(seconds=tenure.seconds)
    connection.execute(_MOVE_END, _of(tenure) | {"_end": end})


def give_back(connection: Connection, tenure: Tenure, now: datetime) -> None:
    connection.execute(_MOVE_END, _of(tenure) | {"_end": now})


def _of(tenure: Tenure) -> dict[str, object]:
    return {"_owner": tenure.owner, "_term": tenure.term}
