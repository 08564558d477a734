"""Calls to Firestore that end: an attempt and all attempts together are bounded, each error is in words."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias, TypeVar

from google.api_core.exceptions import (
    Aborted,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    GoogleAPICallError,
    InternalServerError,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    RetryError,
    ServiceUnavailable,
    Unauthenticated,
    Unknown,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import Client, DocumentReference, DocumentSnapshot, Query, WriteBatch

from crypto_signals.domain.errors import StoreUnusable

T = TypeVar("T")
Snapshot: TypeAlias = DocumentSnapshot[DocumentReference]

PATIENCE_S = 9.0
"""For how long one thing is tried: a slow server may take all of it for one answer."""
LEAST_S = 1.0
PAGE = 500
"""How many documents are asked for at once: few enough for one answer over a slow line."""

_PASSING = (
    Aborted,
    DeadlineExceeded,
    InternalServerError,
    ResourceExhausted,
    ServiceUnavailable,
    Unknown,
)
_REFUSED = (InvalidArgument, PermissionDenied, Unauthenticated)
_AGAIN = Retry(if_exception_type(*_PASSING), initial=0.1, maximum=1.0, multiplier=2.0, timeout=PATIENCE_S)
_ONCE = Retry(lambda _error: False)
"""The library's own retries go on for minutes, those of a broken stream for ever: an attempt is one call."""


class Clash(Exception):
    """A precondition of a batch did not hold, or was met by the batch's own earlier attempt."""


class Unsure(Exception):
    """Whether a batch was written is not known; the message says why."""


class Calls:
    """What the store asks of Firestore. ``name`` is how errors call the database."""

    def __init__(self, client: Client, name: str) -> None:
        self._client, self.name = client, name

    def close(self) -> None:
        self._client.close()  # type: ignore[no-untyped-call]

    def document(self, collection: str, key: str) -> DocumentReference:
        """The document of ``key``, which may hold the slash that names of documents may not."""
        return self._client.collection(collection).document(key.replace("%", "%25").replace("/", "%2F"))

    def query(self, collection: str) -> Query:
        return Query(self._client.collection(collection))

    def batch(self) -> WriteBatch:
        return self._client.batch()

    def fetch(
        self, references: Iterable[DocumentReference], fields: Sequence[str] | None = None
    ) -> dict[DocumentReference, Snapshot]:
        """The documents as they are now; a missing one has no content, but the time at which it was read."""
        wanted = list(dict.fromkeys(references))
        parts = [wanted[start : start + PAGE] for start in range(0, len(wanted), PAGE)]
        return {one.reference: one for part in parts for one in self._got(part, fields)}

    def _got(self, part: list[DocumentReference], fields: Sequence[str] | None) -> list[Snapshot]:
        with translated(self.name):
            return _patiently(
                lambda left_s: list(
                    self._client.get_all(part, field_paths=fields, retry=_ONCE, timeout=left_s)
                )
            )

    def found(self, query: Query) -> Iterator[Snapshot]:
        """What a query finds, page after page."""
        page = self._page(query, PAGE)
        yield from page
        while len(page) == PAGE:
            page = self._page(query.start_after(page[-1]), PAGE)
            yield from page

    def first(self, query: Query) -> Snapshot | None:
        return next(iter(self._page(query, 1)), None)

    def count(self, query: Query) -> int:
        """How many documents a query would find, without reading them."""
        counting: Any = query.count()
        with translated(self.name):
            found = _patiently(lambda left_s: counting.get(retry=_ONCE, timeout=left_s))
        return int(found[0][0].value)

    def _page(self, query: Query, limit: int) -> list[Snapshot]:
        with translated(self.name):
            return _patiently(lambda left_s: list(query.limit(limit).stream(retry=_ONCE, timeout=left_s)))

    def commit(self, batch: WriteBatch) -> Any:
        """Writes all of a batch or nothing, and gives the results. Raises ``Clash`` or ``Unsure``."""
        with translated(self.name):
            try:
                return _patiently(lambda left_s: batch.commit(retry=_ONCE, timeout=left_s))
            except (AlreadyExists, FailedPrecondition, NotFound) as error:
                raise Clash(_said(error)) from error
            except _REFUSED:
                raise
            except (GoogleAPICallError, RetryError) as error:
                raise Unsure(_reason(error)) from error


def _patiently(call: Callable[[float], T]) -> T:
    """Calls with the seconds that are left, again where what went wrong passes."""
    end = time.monotonic() + PATIENCE_S
    done: T = _AGAIN(lambda: call(max(LEAST_S, end - time.monotonic())))()
    return done


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Google's errors, in words: what happened, to which store, and what to do."""
    try:
        yield
    except (GoogleAPICallError, RetryError, GoogleAuthError) as error:
        raise StoreUnusable(f"the store {name} cannot be used: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, RetryError) and isinstance(error.cause, Exception):
        error = error.cause
    said = _said(error)
    advice = _CREDENTIALS if "metadata from plugin" in said else _advice(error)
    return f"{said.rstrip('.')}. {advice}"


def _said(error: Exception) -> str:
    message = error.message if isinstance(error, GoogleAPICallError) else str(error)
    return " ".join(str(message).split()) or type(error).__name__


def _advice(error: Exception) -> str:
    return next((advice for kind, advice in _ADVICE.items() if isinstance(error, kind)), _UNREACHABLE)


_UNREACHABLE = "Check the network and https://status.cloud.google.com, and run again."
_CREDENTIALS = (
    "Log in with `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name the key "
    "file of a service account."
)
_ADVICE: dict[type[Exception], str] = {
    GoogleAuthError: _CREDENTIALS,
    Unauthenticated: _CREDENTIALS,
    PermissionDenied: "Grant the account the role roles/datastore.user, and enable the Firestore API.",
    NotFound: "Create the database (Firestore in native mode), or correct the project or the database in "
    "STORE_URL.",
    FailedPrecondition: "If an index is missing, deploy those of deploy/firestore and wait "
    "until it is built; a database in Datastore mode cannot be used.",
    ResourceExhausted: "The quota is used up: wait until it is renewed (midnight, Pacific time), or enable "
    "billing.",
    InvalidArgument: "One document or request is beyond what Firestore takes; nothing of it was written.",
}
