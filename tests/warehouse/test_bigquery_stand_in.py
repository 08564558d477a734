"""The stand-in for BigQuery holds a client to BigQuery's rules: Google's own library sees them."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, LoadJobConfig, QueryJobConfig, SchemaField, Table

from crypto_signals.simulator.bigquery import BigQueryStandIn
from crypto_signals.simulator.bigquery_data import BigQueryData
from warehouse.bigquery_world import DATASET, PROJECT, stand_in

NAME = f"{PROJECT}.{DATASET}.births"
FIELDS = [
    SchemaField("name", "STRING", mode="REQUIRED"),
    SchemaField("day", "DATE"),
    SchemaField("n", "INT64"),
]
ONCE: dict[str, Any] = {"retry": None, "timeout": 5}
GOOD = {"name": "Ada", "day": "1815-12-10", "n": 1}


@pytest.fixture(scope="module")
def shared() -> Iterator[BigQueryStandIn]:
    with pytest.MonkeyPatch.context() as patch, stand_in(patch) as made:
        yield made


@pytest.fixture
def client(shared: BigQueryStandIn) -> Iterator[Client]:
    """Over a dataset with one empty table."""
    shared.data = BigQueryData()
    made = Client(PROJECT, credentials=AnonymousCredentials())
    made.create_table(Table(NAME, schema=FIELDS), **ONCE)
    yield made
    made.close()


def load(client: Client, *rows: object, job_id: str = "load", **more: Any) -> Any:
    """A load job, waited for."""
    lines = io.BytesIO("\n".join(map(json.dumps, rows)).encode())
    config = LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", schema=FIELDS, **more)
    job = client.load_table_from_file(
        lines, NAME, size=lines.getbuffer().nbytes, num_retries=0, job_id=job_id, job_config=config, timeout=5
    )
    while job.state != "DONE":
        job.reload(**ONCE)
    return job


def rows(client: Client) -> list[tuple[Any, ...]]:
    job = client.query("SELECT * FROM sentinel.births", job_retry=None, **ONCE)
    job.reload(**ONCE)
    return [row.values() for row in client.list_rows(client.get_table(job.destination, **ONCE), **ONCE)]


def test_the_id_of_a_job_is_used_once(client: Client) -> None:
    """By whatever job, of whatever outcome."""
    assert load(client, GOOD).output_rows == 1
    assert load(client, {}, job_id="bad").error_result
    for job_id in ("load", "bad"):
        with pytest.raises(Conflict):
            load(client, GOOD, job_id=job_id)
        with pytest.raises(Conflict):
            client.query("SELECT 1 AS one", job_id=job_id, job_retry=None, **ONCE)
    assert len(rows(client)) == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"day": "1815-12-10"}, "Missing required field: name"),
        ({"name": None}, "Missing required field: name"),
        (GOOD | {"mood": "glad"}, "No such field: mood"),
        (GOOD | {"n": "many"}, "Could not convert value of n to INTEGER"),
        (GOOD | {"n": True}, "Could not convert value of n to INTEGER"),
        (GOOD | {"day": "the tenth"}, "Could not convert value of day to DATE"),
    ],
)
def test_one_bad_row_fails_the_whole_load(client: Client, row: dict[str, object], said: str) -> None:
    """The job says why, and nothing of it is there."""
    job = load(client, GOOD, row)
    assert said in job.error_result["message"]
    assert job.errors == [job.error_result]
    assert rows(client) == []


def test_a_load_adds_or_replaces(client: Client) -> None:
    load(client, GOOD, job_id="one")
    load(client, GOOD, job_id="two", write_disposition="WRITE_APPEND")
    assert len(rows(client)) == 2
    load(client, GOOD, job_id="three", write_disposition="WRITE_TRUNCATE")
    assert len(rows(client)) == 1


def test_a_load_into_nothing_fails(client: Client) -> None:
    client.delete_table(NAME, **ONCE)
    assert load(client, GOOD).error_result["reason"] == "notFound"


def test_a_job_runs_for_a_while(client: Client, shared: BigQueryStandIn) -> None:
    shared.data.polls = 2
    job = client.query("SELECT 1 AS one", job_retry=None, **ONCE)
    states = [job.state]
    for _ in range(3):
        job.reload(**ONCE)
        states.append(job.state)
    assert states == ["RUNNING", "RUNNING", "RUNNING", "DONE"]


def test_a_schema_is_only_added_to(client: Client) -> None:
    """A column that may be empty can come; none can go, change, or come as required."""
    table = client.get_table(NAME, **ONCE)
    for fields in (
        FIELDS[:2],
        [*FIELDS[:2], SchemaField("n", "STRING")],
        [*FIELDS, SchemaField("mood", "STRING", mode="REQUIRED")],
    ):
        table.schema = fields
        with pytest.raises(BadRequest):
            client.update_table(table, ["schema"], **ONCE)
    table.schema = [*FIELDS, SchemaField("mood", "STRING")]
    assert len(client.update_table(table, ["schema"], **ONCE).schema) == 4


def test_a_change_of_what_has_changed_is_refused(client: Client) -> None:
    """By the etag that the library sends along."""
    first, second = client.get_table(NAME, **ONCE), client.get_table(NAME, **ONCE)
    first.description = second.description = "births"
    client.update_table(first, ["description"], **ONCE)
    with pytest.raises(PreconditionFailed):
        client.update_table(second, ["description"], **ONCE)


def test_a_table_is_gone_when_its_time_is_over(client: Client, shared: BigQueryStandIn) -> None:
    table = client.get_table(NAME, **ONCE)
    shared.data.tables["births"]["expirationTime"] = str(shared.data.now_ms() + 1000)
    assert client.get_table(NAME, **ONCE).created == table.created
    shared.data.ahead_s = 2
    with pytest.raises(NotFound):
        client.get_table(NAME, **ONCE)


def test_a_table_is_made_once(client: Client) -> None:
    with pytest.raises(Conflict):
        client.create_table(Table(NAME, schema=FIELDS), **ONCE)


def test_a_view_names_its_tables_in_full(client: Client) -> None:
    """No dataset is taken for granted in it."""
    view = Table(f"{PROJECT}.{DATASET}.names")
    view.view_query = "SELECT name FROM births"
    with pytest.raises(BadRequest, match="must be qualified with a dataset"):
        client.create_table(view, **ONCE)
    view.view_query = "SELECT name FROM `stand-in.sentinel.births`"
    assert [field.name for field in client.create_table(view, **ONCE).schema] == ["name"]


def test_a_rehearsed_query_leaves_no_job(client: Client, shared: BigQueryStandIn) -> None:
    """It tells its kind, and is refused as the real one would be."""
    config = QueryJobConfig(dry_run=True)
    job = client.query("DELETE FROM sentinel.births WHERE TRUE", job_config=config, job_retry=None, **ONCE)
    assert (job.statement_type, job.total_bytes_processed, shared.data.jobs) == ("DELETE", 0, {})
    with pytest.raises(BadRequest):
        client.query("SELECT mood FROM sentinel.births", job_config=config, job_retry=None, **ONCE)


def test_a_merge_that_would_leave_a_required_column_empty_fails(client: Client) -> None:
    """Its job says so; nothing is written."""
    sql = (
        "MERGE INTO sentinel.births AS T USING (SELECT CAST(NULL AS STRING) AS name) AS S ON T.name = S.name "
        "WHEN NOT MATCHED THEN INSERT (name) VALUES (S.name)"
    )
    job = client.query(sql, job_id="merge", job_retry=None, **ONCE)
    job.reload(**ONCE)
    assert job.error_result["reason"] == "invalid"
    assert rows(client) == []
