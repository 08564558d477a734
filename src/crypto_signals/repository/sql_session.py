"""Transactions on one connection of a SQL database, and the driver's errors in words."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, RootTransaction
from sqlalchemy.exc import DBAPIError

from crypto_signals.domain.errors import StoreUnusable, VersionConflict

_COLLISIONS = ("40001", "40P01")
"""Serialization failure, deadlock: the server took the transaction back to let another one through."""


class Session:
    """One connection, one transaction at a time; threads take turns. A connection that was lost is made
    anew for the next transaction.

    ``connection.info["writing"]`` tells whoever begins a transaction which kind it is.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self.name = engine, name
        self._turn = threading.RLock()
        with self._translated():
            self.connection = engine.connect()

    def close(self) -> None:
        self.connection.close()
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One snapshot. Readers never wait for a writer."""
        with self._turn, self._translated(), self._begun(writing=False):
            yield self.connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All or nothing."""
        with self._turn, self._translated(), self._begun(writing=True) as transaction:
            yield self.connection
            self._commit(transaction)

    @contextmanager
    def streaming(self) -> Iterator[Connection]:
        """A snapshot on a connection of its own: reading on takes nobody's turn."""
        with self._translated(), self._engine.connect() as connection:
            connection.info["writing"] = False
            yield connection

    def _begun(self, *, writing: bool) -> RootTransaction:
        self.connection.info["writing"] = writing
        return self.connection.begin()

    def _commit(self, transaction: RootTransaction) -> None:
        """A connection that is lost before the answer leaves open whether the server has committed."""
        try:
            transaction.commit()
        except DBAPIError as error:
            transaction.rollback()
            if not error.connection_invalidated:
                raise
            raise StoreUnusable(
                f"the connection to the store {self.name} was lost during a commit: whether the last change "
                "was stored is unknown. The next run goes by what it finds there: run again."
            ) from error

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What happened, to which store, and what to do."""
        try:
            yield
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) in _COLLISIONS:
                raise VersionConflict(
                    f"another writer was at work in the store {self.name}; nothing was written"
                ) from error
            raise StoreUnusable(f"the store {self.name} cannot be used: {_reason(error)}") from error


def _reason(error: DBAPIError) -> str:
    said = " ".join(str(error.orig).split())
    for clue, advice in _ADVICE.items():
        if clue in said:
            return f"{said.rstrip('.?')}. {advice}"
    return said


_ADVICE = {
    "locked": "Another program holds it: stop that one, or wait and run again.",
    "lock timeout": "Another program holds it: stop that one, or wait and run again.",
    "statement timeout": "The server is too slow, or held up: run again when it answers.",
    "full": "Free some space on that disk and run again; nothing was half-written.",
    "No space left": "Free some space on the server's disk and run again; nothing was half-written.",
    "unable to open": "Check that the folder exists and may be written, or set STORE_URL.",
    "readonly": "Check the permissions of the file and its folder.",
    "not a database": "The file is something else: move it away, or set STORE_URL.",
    "malformed": "The file is damaged: restore it from a backup, or set STORE_URL to a new one.",
    "no such": "The file is damaged: restore it from a backup, or set STORE_URL to a new one.",
    "disk I/O": "The disk failed or is full; nothing was half-written.",
    "already exists": "It holds tables of another program: set STORE_URL to an empty one.",
    "authentication": "Check the user and the password in STORE_URL.",
    "no password supplied": "Put the password into STORE_URL.",
    "does not exist": "Create it, or correct STORE_URL.",
    "permission denied": "Let the user of STORE_URL own the database, or create tables in it.",
    "too many": "Close other connections to the server and run again.",
    "onnection": "Check that the server runs and that STORE_URL names it; run again when it answers.",
}
