"""The warehouse in Google BigQuery."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from google.api_core.exceptions import BadRequest, NotFound
from google.cloud.bigquery import Client, DatasetReference, QueryJobConfig

from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.ports import Answer, Holding, Patience, Story
from crypto_signals.warehouse.bigquery_passages import bring
from crypto_signals.warehouse.bigquery_service import ONCE, Service, connected, sentence, translated
from crypto_signals.warehouse.bigquery_tables import bring_up_to_date, present
from crypto_signals.warehouse.schema import Table
from crypto_signals.warehouse.star import TABLES, facts

KEEP_S, ASK_S = 180.0, 120.0
MOST_BYTES = 10**9


class BigQueryWarehouse:
    """A `Warehouse` in a dataset, which has to be there; tables and views are made."""

    def __init__(self, project: str, dataset: str, patience: Patience) -> None:
        self._dataset = DatasetReference(project, dataset)
        self._patience = patience
        self._client: Client | None = None
        self._location: str | None = None
        self._is_up_to_date = False
        self.place = f"bigquery://{project}/{dataset}"

    def keep(self, stories: Sequence[Story]) -> None:
        if not stories:
            return
        rows = facts(stories)
        with self._open(KEEP_S) as service:
            if not self._is_up_to_date:
                bring_up_to_date(service)
                self._is_up_to_date = True
            bring(service, rows)

    def holdings(self) -> list[Holding]:
        with self._open(ASK_S) as service:
            there = present(service)
            tables = [table for table in reversed(TABLES) if table.name in there]
            _, rows = service.asked(counted(tables), QueryJobConfig()) if tables else ((), [])
        found = {row["name"]: (row["n"], row["first"], row["last"]) for row in rows}
        return [Holding(table.name, table.what, *found[table.name]) for table in tables]

    def ask(self, sql: str) -> Answer:
        with self._open(ASK_S) as service:
            try:
                _examine(service, sql)
                return Answer(*service.asked(sql, QueryJobConfig(maximum_bytes_billed=MOST_BYTES)))
            except (BadRequest, NotFound) as error:
                raise UsageError(f"the warehouse does not understand that: {sentence(error)}") from None

    @contextmanager
    def _open(self, seconds: float) -> Iterator[Service]:
        """The dataset, for at most so many seconds. Raises ``StoreUnusable`` for all that goes wrong."""
        with translated(self.place):
            end = time.monotonic() + seconds
            if self._client is None:
                client = connected(self._dataset.project)
                service = Service(client, self._dataset, None, self._patience, end)
                self._location = service.call(lambda: client.get_dataset(self._dataset, **ONCE)).location
                self._client = client
            yield Service(self._client, self._dataset, self._location, self._patience, end)


def _examine(service: Service, sql: str) -> None:
    """Has BigQuery look at a query without running it. Raises ``UsageError`` for what may not be run."""
    config = QueryJobConfig(dry_run=True, use_query_cache=False)
    job = service.call(lambda: service.queried(sql, config))
    if job.statement_type != "SELECT":
        raise UsageError("that is no query: ask with SELECT")
    if job.total_bytes_processed > MOST_BYTES:
        raise UsageError(
            f"that would read {job.total_bytes_processed / 1e9:.1f} GB, and {MOST_BYTES / 1e9:.0f} GB is the "
            "most that is asked for here: name the columns that you need, and the days (WHERE day >= ...)"
        )


def counted(tables: Sequence[Table]) -> str:
    """The query for how much each of them holds, and of which days."""
    figures = "COUNT(*) AS n, MIN(day) AS first, MAX(day) AS last"
    return " UNION ALL ".join(
        f"SELECT '{table.name}' AS name, {figures} FROM {table.name}"  # noqa: S608 - names of our own
        for table in tables
    )
