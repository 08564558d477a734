"""The lease on Firestore, and the writes that it guards.

There are no transactions here: under contention they wait for each other's locks. The lease is one document,
and each batch also replaces its random token, provided that nobody has touched it since. So a batch of one
who lost the lease is refused whole, every batch renews the lease, and one whose answer was lost recognises
its own token.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry, if_exception_type
from google.cloud.firestore import Client, WriteBatch, WriteOption

from crypto_signals.domain.errors import LeaseHeld, LeaseLost, StoreUnusable, VersionConflict
from crypto_signals.repository.firestore.calls import PATIENCE_S, Calls, Clash, Snapshot, Unsure
from crypto_signals.repository.tenure import LEASE, Monotonic, Tenure

TRIES = 3
SCHEMA = 1
_COMPETING = Retry(if_exception_type(Clash), initial=0.02, maximum=0.5, multiplier=2.0, timeout=PATIENCE_S)
"""With pauses of random length, so that of those who take the lease from each other each gets a turn."""

_LEASE_FIELDS = ("schema", "owner", "term", "seconds", "token")

Change = Callable[[WriteBatch], None]
"""Adds one write to a batch."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The lease document as it was read at ``read_at``, by the server's clock like ``updated_at``."""

    owner: str
    term: int
    seconds: float
    token: str
    updated_at: datetime
    read_at: datetime

    @property
    def ends_at(self) -> datetime:
        return self.updated_at + timedelta(seconds=self.seconds)

    def is_of(self, tenure: Tenure) -> bool:
        return (self.owner, self.term) == (tenure.owner, tenure.term)


class Tenant:
    """One who may hold the lease. Threads may share one: they take turns at writing."""

    def __init__(self, calls: Calls, monotonic: Monotonic = time.monotonic) -> None:
        self._calls, self._monotonic = calls, monotonic
        self._lease = calls.document("leases", LEASE)
        self._turn = threading.RLock()
        self._tenure: Tenure | None = None
        self._seen_at: datetime | None = None

    def acquire(self, owner: str, seconds: float) -> None:
        token, asked = uuid4().hex, self._monotonic()
        with self._turn:
            try:
                lease = _COMPETING(lambda: self._taken(owner, seconds, token))()
            except RetryError as error:
                raise LeaseHeld("others take the lease at the same time, again and again") from error
            except Unsure as error:
                raise StoreUnusable(f"the store {self._calls.name} cannot be written: {error}") from error
            self._tenure = Tenure(owner, lease.term, seconds, asked + seconds)
            self._seen_at = lease.updated_at

    def _taken(self, owner: str, seconds: float, token: str) -> Lease:
        """Raises ``LeaseHeld``, or ``Clash`` where somebody came in between, or ``Unsure``."""
        held = self._read_lease()
        if held is not None and held.owner != owner and held.read_at < held.ends_at:
            raise LeaseHeld(f"{held.owner} acts on this store, until {held.ends_at:%H:%M:%S} UTC at least")
        term = 1 if held is None else held.term + 1
        values = {"owner": owner, "term": term, "seconds": seconds, "token": token, "schema": SCHEMA}
        batch = self._calls.batch()
        if held is None:
            batch.create(self._lease, values)
        else:
            batch.update(self._lease, values, option=unchanged_since(held.updated_at))
        trouble: Exception = Clash("it was taken over at once")
        try:
            self._calls.commit(batch)
        except (Clash, Unsure) as error:
            trouble = error
        found = self._read_lease()
        if found is None or found.token != token:
            raise trouble
        return found

    def renew(self) -> None:
        self._write([])

    def left_s(self) -> float:
        return self._held().left_s(self._monotonic)

    def release(self) -> None:
        if self._tenure is None:
            return
        with suppress(LeaseLost):
            self._write([], {"seconds": 0})
        self._tenure = None

    def _held(self) -> Tenure:
        if self._tenure is None:
            raise LeaseLost(f"the store {self._calls.name} is written only under its lease: acquire it first")
        return self._tenure

    def _write(self, changes: Sequence[Change], lease: dict[str, Any] | None = None) -> None:
        """All changes or none, by the one who holds the lease, which is renewed.

        Raises ``LeaseLost``, or ``VersionConflict`` where a change's own precondition does not hold.
        """
        token = uuid4().hex
        with self._turn:
            tenure = self._held()
            for _ in range(TRIES):
                asked = self._monotonic()
                batch = self._calls.batch()
                for change in changes:
                    change(batch)
                values = {"token": token} | (lease or {})
                batch.update(self._lease, values, option=unchanged_since(self._seen_at))
                if self._was_written(batch, token, tenure):
                    tenure.ends = asked + tenure.seconds
                    return
        raise StoreUnusable(f"the store {self._calls.name} cannot be written: its lease keeps changing")

    def _was_written(self, batch: WriteBatch, token: str, tenure: Tenure) -> bool:
        """Whether it was; if not, an own earlier batch, whose fate was unknown, had touched the lease."""
        try:
            self._seen_at = self._calls.commit(batch)[-1].update_time
        except (Clash, Unsure) as error:
            found = self._read_lease()
            if found is None or not found.is_of(tenure):
                raise tenure.lost() from error
            before, self._seen_at = self._seen_at, found.updated_at
            if found.token == token:
                return True
            if isinstance(error, Unsure):
                raise StoreUnusable(f"the store {self._calls.name} cannot be written: {error}") from error
            if found.updated_at == before:
                raise VersionConflict(f"something has changed in the store meanwhile: {error}") from error
            return False
        return True

    def _read_lease(self) -> Lease | None:
        snapshot = self._calls.fetch([self._lease])[self._lease]
        return _lease_of(snapshot, self._calls.name) if snapshot.exists else None


def unchanged_since(moment: datetime | None) -> WriteOption:
    """The precondition that a document was last written at ``moment``."""
    return Client.write_option(last_update_time=moment)


def _lease_of(snapshot: Snapshot, name: str) -> Lease:
    """Raises ``StoreUnusable`` for a store that a newer program has written, and for a damaged lease."""
    values = snapshot.to_dict() or {}
    schema, owner, term, seconds, token = (values.get(name) for name in _LEASE_FIELDS)
    match schema, owner, term, seconds, token:
        case int(), _, _, _, _ if schema > SCHEMA:
            raise StoreUnusable(
                f"the store {name} has schema {schema}, this program knows {SCHEMA}: it was written by "
                "a newer version. Update Crypto Sentinel, or point STORE_URL at another store."
            )
        case _, str(), int(), int() | float(), str():
            return Lease(owner, term, seconds, token, snapshot.update_time, snapshot.read_time)
    raise StoreUnusable(
        f"the lease of the store {name} is damaged. Stop every program that uses it, then delete the "
        f"document leases/{LEASE}: the next run makes a new one."
    )
