"""The real program with BigQuery for a warehouse: killed, stopped, and told what is wrong."""

import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crypto_signals.domain.vocabulary import EffectStatus
from crypto_signals.engine.ports import Saved
from crypto_signals.repository.opening import open_store
from crypto_signals.simulator.bigquery import BigQueryStandIn
from crypto_signals.simulator.bigquery_data import BigQueryData
from crypto_signals.simulator.fault_rules import FaultRule
from e2e.program import CRYPTO, Program, clean, one_line, until
from warehouse.bigquery_world import DATASET, PROJECT, STORIES, held, passages, stand_in, warehouse


@pytest.fixture(scope="module")
def service() -> Iterator[BigQueryStandIn]:
    with pytest.MonkeyPatch.context() as patch, stand_in(patch) as made:
        yield made


@pytest.fixture
def program(service: BigQueryStandIn, tmp_path: Path) -> Program:
    """A store with closed signals that owe nothing, and an empty dataset for a warehouse."""
    service.data = BigQueryData()
    service.faults.clear()
    address = f"sqlite:///{tmp_path / 'store.db'}"
    with closing(open_store(address)) as store:
        store.acquire("test", 60)
        done = [
            Saved(
                one.signal,
                0,
                one.events,
                tuple(replace(effect, status=EffectStatus.DONE) for effect in one.effects),
            )
            for one in STORIES
        ]
        store.commit(done)
        store.release()
    return Program(
        tmp_path,
        {
            "STORE_URL": address,
            "WAREHOUSE_URL": f"bigquery://{PROJECT}/{DATASET}",
            "BIGQUERY_EMULATOR_HOST": service.address,
        },
    )


def test_a_killed_sync_is_finished_by_the_next(service: BigQueryStandIn, program: Program) -> None:
    """Killed while its rows are on their way: the next one meets what it left, and nothing is twice."""
    warehouse().keep(STORIES)
    before, service.data = held(service.data), BigQueryData()
    service.faults.add([FaultRule(fault="hang", path="^/upload", after=2, seconds=60)])
    process = program.start("warehouse", "sync")
    until(lambda: service.faults.as_json()[0]["struck"])
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()
    service.faults.clear()
    assert (len(passages(service.data)), service.data.rows("SELECT COUNT(*) FROM signals")) == (5, [(0,)])

    clean(program("warehouse", "sync", "--format", "json"))
    assert program.answers[-1].row["signals"] == len(STORIES)
    status = clean(program("warehouse", "status", "--format", "json")).row
    assert (status["waiting"], status["place"]) == (0, f"bigquery://{PROJECT}/{DATASET}")
    assert _but_the_stories(held(service.data)) == _but_the_stories(before)
    assert passages(service.data) == []


def _but_the_stories(tables: dict[str, list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
    """The record as JSON has what a store adds to a signal."""
    rows = [row for table in tables.values() for row in table]
    return [tuple(value for value in row if not str(value).startswith('{"signal"')) for row in rows]


def test_a_run_that_waits_for_bigquery_ends_in_time_when_asked_to(
    service: BigQueryStandIn, program: Program
) -> None:
    """SIGTERM while BigQuery keeps silent: within ten seconds the run is recorded, and nothing is deleted."""
    service.faults.add([FaultRule(fault="hang", times=None, seconds=60)])
    bars = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "ETH/USD"}
    settings = bars | {"SENTINEL_NOW": "2018-12-20T00:05:00Z"}
    process = program.start("run", "--format", "json", **settings)
    until(lambda: service.faults.as_json()[0]["struck"], 60)
    answer = clean(program.stop(process, signal.SIGTERM))
    assert (answer.code, answer.row["archived"]) == (143, 0)
    assert "the time for it is over" in answer.row["errors"][0]["error"]
    service.faults.clear()
    assert clean(program("run", "--format", "json", **settings)).row["archived"] == len(STORIES)


def test_the_command_says_what_bigquery_says(program: Program) -> None:
    """In one line, with its exit code: 2 for a bad question, 3 for a dataset that is not there."""
    said = one_line(program("warehouse", "query", "SELECT profit FROM trades"), 2)
    assert "Not found: Table stand-in:sentinel.trades" in said
    elsewhere = f"bigquery://{PROJECT}/elsewhere"
    said = one_line(program("warehouse", "sync", WAREHOUSE_URL=elsewhere), 3)
    assert "bq --location=EU mk --dataset stand-in:elsewhere" in said
