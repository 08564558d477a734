"""Brings rows into BigQuery, whole or not at all, as often as it takes.

Rows come in by load jobs, which cost nothing, into tables of passage; from there a MERGE takes them over. A
table of passage is named by a digest of its rows, and the jobs on it by that name and by the time at which
BigQuery made it. So whoever brings the same rows again, while a job of a run that was cut off may still be at
work, meets that job instead of starting a second one. Once the table of passage is gone (taken over, expired,
or dropped because a job failed: the id of a job can never be used again), everything starts afresh.
"""

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from google.api_core.exceptions import BadRequest, Conflict, NotFound
from google.cloud.bigquery import ArrayQueryParameter, LoadJob, LoadJobConfig, QueryJob, QueryJobConfig
from google.cloud.bigquery import Table as Resource

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.warehouse.bigquery_service import HTTP_S, ONCE, Job, Service, reason, sentence
from crypto_signals.warehouse.bigquery_tables import fields
from crypto_signals.warehouse.schema import Fact, Table
from crypto_signals.warehouse.star import SIGNALS, TABLES

ATTEMPTS = 4
LIFETIME = timedelta(days=1)
PREFIX = "passage_"


class _Undone(Exception):
    """An attempt came to nothing, for a reason that another one may not meet."""


@dataclass(frozen=True, slots=True)
class _Passage:
    """Rows on their way to ``table``, in a table of their own; ``name`` begins the ids of its jobs."""

    table: Table
    rows: bytes
    count: int
    resource: Resource

    @property
    def name(self) -> str:
        made = self.resource.created or datetime.fromtimestamp(0, UTC)
        return f"{self.resource.table_id}_{int(made.timestamp() * 1000)}"


def bring(service: Service, rows: Mapping[str, Sequence[Fact]]) -> None:
    """Rows by the names of their tables; when this returns they are safe. Raises ``StoreUnusable``."""
    why: str | None = None
    for attempt in range(ATTEMPTS):
        service.pause(attempt / 2)
        passages = [_passage(service, table, rows[table.name]) for table in TABLES if rows[table.name]]
        try:
            _take_over(service, passages)
            _see(service, rows)
        except _Undone as error:
            why = str(error)
        except (BadRequest, NotFound) as error:
            why = sentence(error)
        else:
            why = None
        for passage in passages:
            _drop(service, passage)
        if why is None:
            return
    raise StoreUnusable(
        f"{why}. That was tried {ATTEMPTS} times. Nothing was deleted. Look at the last jobs in the BigQuery "
        "console, and see that nothing else changes these tables; then run again."
    )


def _take_over(service: Service, passages: Sequence[_Passage]) -> None:
    """The signals come last: what is there of them is there of all."""
    _load(service, passages)
    _merge(service, [passage for passage in passages if passage.table is not SIGNALS])
    _merge(service, [passage for passage in passages if passage.table is SIGNALS])


def _passage(service: Service, table: Table, rows: Sequence[Fact]) -> _Passage:
    """The table of passage of these rows: that of a run before, or a new one."""
    lines = b"".join(_line(table, row) for row in rows)
    digest = hashlib.sha256(lines).hexdigest()[:20]
    wanted = Resource(service.dataset.table(f"{PREFIX}{table.name}_{digest}"), schema=fields(table))
    wanted.description = "Rows on their way. It deletes itself."
    wanted.expires = datetime.now(UTC) + LIFETIME
    try:
        resource = service.call(lambda: service.client.create_table(wanted, **ONCE))
    except Conflict:
        resource = service.call(lambda: service.client.get_table(wanted.reference, **ONCE))
    return _Passage(table, lines, len(rows), resource)


def _load(service: Service, passages: Sequence[_Passage]) -> None:
    jobs = [service.started(f"{p.name}_load", partial(_loaded, service, p)) for p in passages]
    for passage, job in zip(passages, jobs, strict=True):
        _well(service, job)
        loaded = job.output_rows if isinstance(job, LoadJob) else None
        if loaded != passage.count:
            raise _Undone(f"of {passage.count} rows for its table {passage.table.name} {loaded} were loaded")


def _loaded(service: Service, passage: _Passage) -> LoadJob:
    config = LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        schema=fields(passage.table),
        create_disposition="CREATE_NEVER",
        write_disposition="WRITE_TRUNCATE",
    )
    return service.client.load_table_from_file(
        io.BytesIO(passage.rows),
        passage.resource.reference,
        size=len(passage.rows),
        num_retries=0,
        job_id=f"{passage.name}_load",
        location=service.location,
        job_config=config,
        timeout=HTTP_S,
    )


def _merge(service: Service, passages: Sequence[_Passage]) -> None:
    """Takes all of them over at once."""
    jobs = [service.started(f"{p.name}_merge", partial(_merged, service, p)) for p in passages]
    for job in jobs:
        _well(service, job)


def _merged(service: Service, passage: _Passage) -> QueryJob:
    sql = passage.table.merged_from(str(passage.resource.table_id))
    return service.queried(sql, QueryJobConfig(), f"{passage.name}_merge")


def _drop(service: Service, passage: _Passage) -> None:
    service.call(lambda: service.client.delete_table(passage.resource, not_found_ok=True, **ONCE))


def _well(service: Service, job: Job) -> Job:
    """The job when it is done without a fault. Raises ``_Undone``."""
    if service.finished(job).error_result:
        raise _Undone(f"its job {job.job_id} failed: {reason(job)}".rstrip("."))
    return job


def kept(tables: Sequence[Table]) -> str:
    """The query for how many rows of the signals ``@signal_ids``, ended on ``@days``, each of them has."""
    return " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, COUNT(*) AS n FROM {table.name} "  # noqa: S608 - names of our own
        "WHERE day IN UNNEST(@days) AND signal_id IN UNNEST(@signal_ids)"
        for table in tables
    )


def _see(service: Service, rows: Mapping[str, Sequence[Fact]]) -> None:
    """Rows may have been deleted since a job that still counts as done. Raises ``_Undone``."""
    days = sorted({row["day"] for row in rows[SIGNALS.name]})
    ids = sorted({row["signal_id"] for row in rows[SIGNALS.name]})
    config = QueryJobConfig(
        query_parameters=[
            ArrayQueryParameter("days", "DATE", days),
            ArrayQueryParameter("signal_ids", "STRING", ids),
        ],
        use_query_cache=False,
    )
    _, found = service.asked(kept(TABLES), config)
    for name, there in sorted((row["name"], row["n"]) for row in found):
        if there < len(rows[name]):
            raise _Undone(f"of {len(rows[name])} rows brought to its table {name} only {there} are there")


def _line(table: Table, row: Fact) -> bytes:
    said = {column.name: row.get(column.name) for column in table.columns}
    return (json.dumps(said, default=_plain, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _plain(value: date) -> str:
    return value.isoformat()
