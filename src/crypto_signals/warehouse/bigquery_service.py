"""Google's BigQuery client, with every call bounded, and every failure said to a person.

The library left alone repeats a failing call for ten minutes and waits for an answer for ever. Here a request
has `HTTP_S`, is repeated a few times, and every wait in between ends when the run is asked to stop.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import requests
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.bigquery import Client, DatasetReference, LoadJob, QueryJob, QueryJobConfig, Table

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.engine.ports import Patience

HTTP_S = 4.0
"""For a connection, and again for an answer: a run that is asked to stop has ten seconds in all."""
PAUSES_S = (0.5, 1.0, 2.0)
POLLS_S = (0.2, 0.3, 0.5, 1.0)
ONCE: Mapping[str, Any] = {"retry": None, "timeout": HTTP_S}
"""For every call of the library: repeating is done here."""

T = TypeVar("T")


Job = LoadJob | QueryJob


@dataclass(frozen=True, slots=True)
class Service:
    """The dataset for the time of one task, which must be over at ``end`` (of the monotonic clock)."""

    client: Client
    dataset: DatasetReference
    location: str | None
    patience: Patience
    end: float

    def call(self, request: Callable[[], T], *, also: tuple[type[Exception], ...] = ()) -> T:
        """What ``request`` gives, which is repeated where that may help: it must do no harm twice."""
        for pause in PAUSES_S:
            self.pause(0)
            try:
                return request()
            except Exception as error:
                if not (_passing(error) or isinstance(error, also)):
                    raise
            self.pause(pause)
        return request()

    def pause(self, seconds: float) -> None:
        """Raises ``StoreUnusable`` where the time is over or the run is asked to stop."""
        if time.monotonic() + seconds > self.end or not self.patience.wait(seconds):
            raise StoreUnusable(
                "the time for it is over. BigQuery goes on with what it has; the next run takes it up there."
            )

    def started(self, job_id: str, start: Callable[[], Job]) -> Job:
        """The job of that id, whoever started it: now, or in a run that was cut off."""
        try:
            return self.call(start)
        except Conflict:
            return cast(
                "Job",
                self.call(
                    lambda: self.client.get_job(job_id, location=self.location, **ONCE), also=(NotFound,)
                ),
            )

    def finished(self, job: Job) -> Job:
        """The job when it is done; ``error_result`` says whether well."""
        polls = iter(POLLS_S)
        while job.state != "DONE":
            self.pause(next(polls, POLLS_S[-1]))
            self.call(lambda: job.reload(**ONCE))
        return job

    def asked(self, sql: str, config: QueryJobConfig) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
        """The names of the columns and the rows that a query gives. Raises ``BadRequest`` where it fails."""
        job = self.finished(self.call(lambda: self.queried(sql, config)))
        if job.error_result:
            raise BadRequest(reason(job))  # type: ignore[no-untyped-call]
        table = self.call(lambda: self.client.get_table(job.destination, **ONCE))
        return tuple(field.name for field in table.schema), self.call(lambda: self._rows(table))

    def queried(self, sql: str, config: QueryJobConfig, job_id: str | None = None) -> QueryJob:
        """The job that runs ``sql``, just started. A name without a dataset is one of this."""
        config.default_dataset = self.dataset
        return self.client.query(
            sql, job_config=config, job_id=job_id, location=self.location, job_retry=None, **ONCE
        )

    def _rows(self, table: Table) -> list[dict[str, Any]]:
        pages = self.client.list_rows(table, **ONCE).pages
        rows = []
        for page in pages:
            rows += [dict(row.items()) for row in page]
            self.pause(0)
        return rows


def reason(job: Job) -> str:
    """Why a job failed, in BigQuery's words."""
    return str((job.error_result or {}).get("message", "it gave no reason"))


def connected(project: str) -> Client:
    """A client that has asked nothing yet. Raises ``GoogleAuthError`` where nobody is logged in."""
    credentials = AnonymousCredentials() if os.environ.get("BIGQUERY_EMULATOR_HOST") else None  # type: ignore[no-untyped-call]
    return Client(project=project, credentials=credentials)


def sentence(error: GoogleAPICallError) -> str:
    """What BigQuery says, without the address that was asked."""
    said = next((one.get("message") for one in error.errors if isinstance(one, Mapping)), None)
    return " ".join(str(said or error.message).split()).rstrip(".")


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Says what went wrong with ``place``, and what to do."""
    try:
        yield
    except StoreUnusable as error:
        raise StoreUnusable(f"the warehouse {place} cannot be used: {error}") from error
    except (GoogleAPICallError, GoogleAuthError, requests.RequestException, OSError) as error:
        said = f"{_said(error)}. Nothing was deleted. {_advice(error, place)}"
        raise StoreUnusable(f"the warehouse {place} cannot be used: {said}") from error


def _passing(error: Exception) -> bool:
    """Whether the same request may succeed in a moment."""
    if isinstance(error, Forbidden):
        return any(one.get("reason") == "rateLimitExceeded" for one in error.errors)
    return isinstance(
        error, ServerError | TooManyRequests | TransportError | requests.RequestException | ConnectionError
    )


def _said(error: Exception) -> str:
    """Of what is no answer of BigQuery's only the kind is said: the rest could quote a credential."""
    if isinstance(error, GoogleAPICallError):
        return sentence(error)
    if isinstance(error, requests.Timeout):
        return f"it did not answer within {ONCE['timeout']:g} s"
    if isinstance(error, GoogleAuthError) and not isinstance(error, TransportError):
        return "nobody is logged in to Google Cloud here, or that login has ended"
    return f"there is no connection ({type(error).__name__})"


def _advice(error: Exception, place: str) -> str:
    if isinstance(error, NotFound):
        dataset = place.removeprefix("bigquery://").replace("/", ":")
        return (
            "If the dataset is missing, make it with the Terraform files of deploy/gcp, or with "
            f"`bq --location=EU mk --dataset {dataset}`; else correct WAREHOUSE_URL."
        )
    return next((advice for kind, advice in _ADVICE.items() if isinstance(error, kind)), _UNREACHABLE)


_UNREACHABLE = "Check the network and https://status.cloud.google.com, and run again."
_CREDENTIALS = (
    "Log in with `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name the key "
    "file of a service account."
)
_ADVICE: dict[type[Exception], str] = {
    TransportError: _UNREACHABLE,
    GoogleAuthError: _CREDENTIALS,
    Unauthorized: _CREDENTIALS,
    Forbidden: "Grant the account roles/bigquery.dataEditor on the dataset and roles/bigquery.jobUser on the "
    "project, enable the BigQuery API and billing; where a quota is used up, wait until it is renewed.",
    BadRequest: "See that nobody changed the tables by hand, and that this release is not older than the one "
    "that made them.",
}
