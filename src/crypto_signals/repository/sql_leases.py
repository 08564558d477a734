"""The lease in a SQL database: one row, taken and checked inside the transactions that it guards."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, insert, select, update

from crypto_signals.domain.errors import LeaseHeld
from crypto_signals.repository.statements import HOLDS_LEASE
from crypto_signals.repository.tables import leases
from crypto_signals.repository.tenure import LEASE, Tenure


def take(connection: Connection, owner: str, seconds: float, now: datetime) -> int:
    """Writes the lease and gives its term. Raises ``LeaseHeld``."""
    held = connection.execute(select(leases).where(leases.c.name == LEASE).with_for_update()).one_or_none()
    if held is not None and held.owner != owner and held.expires_at > now:
        raise LeaseHeld(f"{held.owner} acts on this store, until {held.expires_at:%H:%M:%S} UTC at least")
    term = 1 if held is None else held.term + 1
    values = {"owner": owner, "term": term, "expires_at": now + timedelta(seconds=seconds)}
    if held is None:
        connection.execute(insert(leases).values(name=LEASE, **values))
    else:
        connection.execute(update(leases).where(leases.c.name == LEASE).values(**values))
    return term


def check(connection: Connection, tenure: Tenure) -> None:
    """Keeps the lease from changing hands until the transaction ends. Raises ``LeaseLost``."""
    mine = {"owner": tenure.owner, "term": tenure.term}
    if connection.execute(HOLDS_LEASE, mine).one_or_none() is None:
        raise tenure.lost()


def prolong(connection: Connection, tenure: Tenure, now: datetime) -> None:
    """Raises ``LeaseLost``."""
    longer = update(leases).where(*_mine(tenure)).values(expires_at=now + timedelta(seconds=tenure.seconds))
    if connection.execute(longer).rowcount != 1:
        raise tenure.lost()


def give_back(connection: Connection, tenure: Tenure, now: datetime) -> None:
    connection.execute(update(leases).where(*_mine(tenure)).values(expires_at=now))


def _mine(tenure: Tenure) -> tuple[ColumnElement[bool], ...]:
    return (leases.c.name == LEASE, leases.c.owner == tenure.owner, leases.c.term == tenure.term)
