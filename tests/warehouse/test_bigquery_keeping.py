"""Rows reach BigQuery whole and once, whatever the network, its jobs and other people do meanwhile."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.process import RunBudget
from crypto_signals.simulator.bigquery import BigQueryStandIn
from crypto_signals.simulator.bigquery_data import BigQueryData
from crypto_signals.simulator.fault_rules import FaultName, FaultRule
from crypto_signals.warehouse import bigquery, bigquery_service
from crypto_signals.warehouse.bigquery import BigQueryWarehouse
from crypto_signals.warehouse.star import EVENTS, TABLES
from warehouse.bigquery_world import (
    DATASET,
    PLAIN,
    PROJECT,
    STORIES,
    NoWaiting,
    held,
    passages,
    stand_in,
    warehouse,
)

STUCK = 10**9
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def shared() -> Iterator[BigQueryStandIn]:
    with pytest.MonkeyPatch.context() as patch, stand_in(patch) as made:
        yield made


@pytest.fixture
def service(shared: BigQueryStandIn) -> BigQueryStandIn:
    """A dataset in which nothing is, and a service without faults."""
    shared.data = BigQueryData()
    shared.faults.clear()
    shared.asked.clear()
    return shared


@pytest.fixture(scope="module")
def rows(shared: BigQueryStandIn) -> Rows:
    """What is held of all the stories when nothing gets in the way."""
    shared.data = BigQueryData()
    warehouse().keep(STORIES)
    return held(shared.data)


def named(table: dict[str, object], *names: str) -> dict[str, object]:
    return {name: table.get(name) for name in names}


def test_to_keep_again_changes_nothing(service: BigQueryStandIn, rows: Rows) -> None:
    """The same, some of the same, and nothing: each signal is there once, and nothing is left on the way."""
    warehouse().keep(STORIES[:6])
    for stories in (STORIES[3:], STORIES, []):
        warehouse().keep(stories)
        assert (held(service.data), passages(service.data)) == (rows, [])


def test_what_is_kept_again_as_another_is_the_other(service: BigQueryStandIn) -> None:
    """A row of the same key is replaced."""
    warehouse().keep(STORIES)
    ours = STORIES[1]
    changed = replace(ours, signal=replace(ours.signal, feed="iex"))
    warehouse().keep([changed])
    feeds = service.data.rows("SELECT signal_id, feed FROM signals WHERE feed IS NOT NULL")
    assert feeds == [(ours.signal.signal_id, "iex")]
    assert service.data.rows("SELECT COUNT(*) FROM signals") == [(len(STORIES),)]


def test_tables_are_partitioned_and_say_what_they_hold(service: BigQueryStandIn) -> None:
    """By day, sorted by what is asked for, with a description of the table and of every column."""
    warehouse().keep(STORIES[:1])
    table = service.data.tables["signals"]
    assert named(table, "timePartitioning", "clustering", "description") == {
        "timePartitioning": {"type": "DAY", "field": "day"},
        "clustering": {"fields": ["symbol", "detector", "signal_id"]},
        "description": "One row a closed signal, announced or shadow: its terms, which never changed.",
    }
    columns = {one["name"]: named(one, "type", "mode") for one in table["schema"]["fields"]}
    assert columns["day"] == {"type": "DATE", "mode": "REQUIRED"}
    assert columns["feed"] == {"type": "STRING", "mode": "NULLABLE"}
    assert all(one["description"] for one in table["schema"]["fields"])


def test_what_is_up_to_date_is_not_looked_at_again(service: BigQueryStandIn) -> None:
    """One listing tells; a second keep makes and mends neither table nor view."""
    warehouse().keep(STORIES[:1])
    before = dict(service.data.tables)
    service.asked.clear()
    warehouse().keep(STORIES[1:2])
    assert service.data.tables == before
    assert not [
        line for line in service.asked if line.startswith("PATCH") or line.endswith("/tables/signals")
    ]


@pytest.mark.parametrize("fault", ["status", "reset_before", "reset_after", "half_body", "not_json"])
def test_every_request_may_fail_once(service: BigQueryStandIn, rows: Rows, fault: FaultName) -> None:
    """Each is made again, also where the service has done what it was asked and only the answer was lost."""
    for method in ("GET", "POST") if fault == "not_json" else ("GET", "POST", "DELETE"):
        service.faults.add(
            FaultRule(fault=fault, status=503, method=method, after=number) for number in range(0, 200, 2)
        )
    warehouse().keep(STORIES)
    assert (held(service.data), passages(service.data)) == (rows, [])
    assert sum(one["struck"] for one in service.faults.as_json()) > 50


def test_a_failed_job_is_done_under_another_id(service: BigQueryStandIn) -> None:
    """Whichever of the jobs it is; its own id can never be used again."""
    warehouse().keep(PLAIN)
    rows = held(service.data)
    for number in range(7):
        service.data = BigQueryData(spoiled=[""] * number + ["the backend failed"])
        warehouse().keep(PLAIN)
        assert (held(service.data), passages(service.data)) == (rows, []), f"job {number}"
        assert service.data.spoiled == []


def test_jobs_that_always_fail_are_said_so_and_do_not_stand_in_the_way_later(
    service: BigQueryStandIn,
    rows: Rows,
) -> None:
    """In BigQuery's words, with what to do; another day, the same rows find ids of their own."""
    service.data.spoiled = ["the backend failed"] * 60
    for _ in range(2):
        with pytest.raises(
            StoreUnusable, match=r"failed: the backend failed. That was tried 4 times. Nothing"
        ):
            warehouse().keep(STORIES)
    service.data.spoiled = []
    warehouse().keep(STORIES)
    assert held(service.data) == rows


@dataclass
class Meanwhile(NoWaiting):
    """Something that happens once, at the first wait of all: while the loads are at work."""

    happens: Callable[[], object] = lambda: None

    def wait(self, seconds: float) -> bool:
        if seconds and not self.waits:
            self.happens()
        return super().wait(seconds)


def test_a_table_of_passage_that_expires_is_made_again(service: BigQueryStandIn, rows: Rows) -> None:
    """Also where its load is long done, for a run that was cut off, and while a run waits for it."""

    def expire() -> None:
        for name in passages(service.data):
            service.data.delete(name)

    warehouse(Meanwhile(happens=expire)).keep(STORIES)
    assert held(service.data) == rows
    service.data = BigQueryData(polls=STUCK)
    with pytest.raises(StoreUnusable, match="the time for it is over"):
        warehouse(NoWaiting(most=3)).keep(STORIES)
    assert len(passages(service.data)) == 5
    service.data.polls, service.data.ahead_s = 0, 2 * 86400
    service.data.sweep()
    assert passages(service.data) == []
    service.data.ahead_s = 0
    warehouse().keep(STORIES)
    assert held(service.data) == rows


def test_a_job_of_a_run_that_was_cut_off_is_waited_for(service: BigQueryStandIn, rows: Rows) -> None:
    """No second one is started beside it: it has the same id."""
    service.data.polls = STUCK
    with pytest.raises(StoreUnusable):
        warehouse(NoWaiting(most=3)).keep(STORIES)
    begun = set(service.data.jobs)
    service.data.polls = 2
    warehouse().keep(STORIES)
    loads = {job for job in service.data.jobs if job.endswith("_load")}
    assert (loads, held(service.data)) == (begun, rows)


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_rows_that_somebody_deleted_are_noticed(service: BigQueryStandIn, rows: Rows, name: str) -> None:
    """Though the jobs that wrote them count as done: they are written again before they count as safe."""
    service.faults.add([FaultRule(fault="reset_before", method="DELETE", times=None)])
    with pytest.raises(StoreUnusable):
        warehouse().keep(STORIES)
    service.faults.clear()
    gone = service.data.rows(f"DELETE FROM {name} WHERE day = DATE '2018-03-03'")
    warehouse().keep(STORIES)
    assert (held(service.data), gone[0][0] > 0) == (rows, True)


def test_a_batch_too_big_for_one_request_is_sent_in_two(service: BigQueryStandIn) -> None:
    """As Google's library does it above 5 MB."""
    ours = STORIES[1]
    long = replace(ours, events=(replace(ours.events[0], detail="é" * 3_000_000), *ours.events[1:]))
    warehouse().keep([long])
    assert service.data.rows("SELECT LENGTH(detail) FROM events WHERE seq = 1") == [(3_000_000,)]
    assert any(line.startswith("PUT /upload") for line in service.asked)


def older(service: BigQueryStandIn, **changed: str | None) -> None:
    """The table of events as somebody else made it: without a column, or with one of another type."""
    types = {column.name: column.kind.value for column in EVENTS.columns} | changed
    fields = [{"name": name, "type": kind} for name, kind in types.items() if kind]
    reference = {"projectId": PROJECT, "datasetId": DATASET, "tableId": "events"}
    service.data.insert({"tableReference": reference, "schema": {"fields": fields}})


def test_a_column_that_came_later_is_added(service: BigQueryStandIn, rows: Rows) -> None:
    """It is empty in older rows, and so not required, whatever it is in a new table."""
    older(service, type=None, detail=None)
    warehouse().keep(STORIES)
    columns = {one["name"]: one["mode"] for one in service.data.tables["events"]["schema"]["fields"]}
    assert (columns["type"], columns["detail"]) == ("NULLABLE", "NULLABLE")
    names = ", ".join(column.name for column in EVENTS.columns)
    events = service.data.rows(f"FROM events SELECT {names} ORDER BY ALL")
    assert events == rows["events"]


def test_a_column_of_a_later_version_is_left_alone(service: BigQueryStandIn) -> None:
    """Older and newer programs may write to the same tables: what only one of them knows stays."""
    warehouse().keep(STORIES[:3])
    table = service.data.tables["events"]
    more = [*table["schema"]["fields"], {"name": "mood", "type": "STRING"}]
    service.data.patch("events", {"schema": {"fields": more}, "labels": {"sentinel_form": "later"}}, None)
    service.data.rows("UPDATE events SET mood = 'glad'")
    warehouse().keep(STORIES)
    assert service.data.tables["events"]["labels"] == {"sentinel_form": "later"}
    assert service.data.rows("SELECT mood, COUNT(*) FROM events GROUP BY mood ORDER BY mood") == [
        ("glad", 6),
        (None, 18),
    ]


def test_a_column_of_another_type_is_for_a_person(service: BigQueryStandIn) -> None:
    older(service, ts="STRING")
    with pytest.raises(StoreUnusable, match="column ts of its table events is STRING, not TIMESTAMP"):
        warehouse().keep(STORIES)


def test_a_view_of_another_text_is_replaced(service: BigQueryStandIn) -> None:
    """As a newer version brings it; a table of its name is for a person."""
    warehouse().keep(STORIES[:1])
    good = service.data.tables["trades"]["view"]["query"]
    service.data.patch("trades", {"view": {"query": "SELECT 1 AS one"}, "labels": {}}, None)
    warehouse().keep(STORIES[1:2])
    assert service.data.tables["trades"]["view"]["query"] == good
    service.data.delete("gate_performance")
    reference = {"projectId": PROJECT, "datasetId": DATASET, "tableId": "gate_performance"}
    fields = [{"name": "gate", "type": "STRING"}]
    service.data.insert({"tableReference": reference, "schema": {"fields": fields}})
    with pytest.raises(StoreUnusable, match="gate_performance is there, but as a table"):
        warehouse().keep(STORIES[2:3])


def test_a_service_that_never_answers_is_given_up(
    service: BigQueryStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a few tries of bounded length each."""
    monkeypatch.setitem(bigquery_service.ONCE, "timeout", 0.2)  # type: ignore[arg-type]
    service.faults.add([FaultRule(fault="hang", times=None, seconds=30)])
    begun = time.monotonic()
    with pytest.raises(StoreUnusable, match=r"did not answer within 0\.2 s"):
        warehouse().keep(STORIES)
    assert time.monotonic() - begun < 5


def test_a_wish_to_stop_ends_the_wait_for_a_job(service: BigQueryStandIn) -> None:
    """Long before the job is done."""
    service.data.polls = STUCK
    budget = RunBudget(math.inf)
    begun = time.monotonic()
    stopper = threading.Timer(0.5, budget.stop)
    stopper.start()
    with pytest.raises(StoreUnusable, match="the time for it is over"):
        warehouse(budget).keep(STORIES)
    stopper.join()
    assert time.monotonic() - begun < 5


def test_a_wish_to_stop_ends_the_wait_for_an_answer(
    service: BigQueryStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the request that is under way: it is not made again."""
    monkeypatch.setitem(bigquery_service.ONCE, "timeout", 1.0)  # type: ignore[arg-type]
    service.faults.add([FaultRule(fault="hang", times=None, seconds=30)])
    budget = RunBudget(math.inf)
    stopper = threading.Timer(0.3, budget.stop)
    stopper.start()
    with pytest.raises(StoreUnusable, match="the time for it is over"):
        warehouse(budget).keep(STORIES)
    stopper.join()
    assert service.faults.as_json()[0]["struck"] == 1


def test_a_keep_has_an_end(service: BigQueryStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the patience allows."""
    monkeypatch.setattr(bigquery, "KEEP_S", 0.5)
    service.data.polls = STUCK
    with pytest.raises(StoreUnusable, match="the time for it is over"):
        warehouse(RunBudget(math.inf)).keep(STORIES)


@pytest.mark.parametrize(
    ("project", "dataset", "advice"),
    [
        (PROJECT, "elsewhere", "bq --location=EU mk --dataset stand-in:elsewhere"),
        ("not-mine", DATASET, "Grant the account roles/bigquery.dataEditor on the dataset"),
    ],
)
def test_what_is_missing_in_the_cloud_is_said_with_its_remedy(
    service: BigQueryStandIn, project: str, dataset: str, advice: str
) -> None:
    assert service.address
    with pytest.raises(StoreUnusable, match=f"{project}/{dataset} cannot be used") as raised:
        BigQueryWarehouse(project, dataset, NoWaiting()).keep(STORIES)
    assert advice in str(raised.value)


def test_without_a_login_the_way_to_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that was looked for is not named: its name could tell something."""
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    with pytest.raises(StoreUnusable, match="gcloud auth application-default login") as raised:
        warehouse().keep(STORIES)
    assert "/nowhere" not in str(raised.value)
