"""BigQuery answers as the file does, and to questions alone."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from crypto_signals.domain.errors import StoreUnusable, UsageError
from crypto_signals.simulator.bigquery import BigQueryStandIn
from crypto_signals.simulator.bigquery_data import BigQueryData
from crypto_signals.warehouse import views
from crypto_signals.warehouse.duckdb import DuckDbWarehouse
from crypto_signals.warehouse.star import NAMES, TABLES
from warehouse.bigquery_world import DATASET, PROJECT, STORIES, NoWaiting, held, stand_in, warehouse


@pytest.fixture(scope="module")
def service() -> Iterator[BigQueryStandIn]:
    """A dataset that holds all the stories, which no test here changes."""
    with pytest.MonkeyPatch.context() as patch, stand_in(patch) as made:
        warehouse().keep(STORIES)
        yield made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> DuckDbWarehouse:
    """The same stories in a file."""
    made = DuckDbWarehouse(tmp_path_factory.mktemp("file") / "warehouse.duckdb")
    made.keep(STORIES)
    return made


@pytest.mark.parametrize("name", sorted(NAMES))
def test_tables_and_views_say_what_the_file_says(
    service: BigQueryStandIn, file: DuckDbWarehouse, name: str
) -> None:
    """Every column under its name, every value to the last digit, every moment in UTC."""
    assert service.address
    question = f"SELECT * FROM {name}"
    there, here = warehouse().ask(question), file.ask(question)
    assert there.columns == here.columns
    assert sorted(map(repr, there.rows)) == sorted(map(repr, map(_in_utc, here.rows)))
    assert there.rows


def _in_utc(row: Any) -> dict[str, object]:
    return {
        name: value.astimezone(dt.UTC) if isinstance(value, dt.datetime) else value
        for name, value in row.items()
    }


def test_holdings_are_those_of_the_file(service: BigQueryStandIn, file: DuckDbWarehouse) -> None:
    """A line for each table, with its days."""
    assert service.address
    assert warehouse().holdings() == file.holdings()


def test_an_empty_dataset_holds_nothing(service: BigQueryStandIn) -> None:
    """The tables are not there yet; one that a first keep has just made holds no row."""
    full, service.data = service.data, BigQueryData()
    try:
        assert warehouse().holdings() == []
        table = full.tables["signals"]
        service.data.insert({name: table[name] for name in ("tableReference", "schema")})
        assert [(one.name, one.rows, one.first) for one in warehouse().holdings()] == [("signals", 0, None)]
    finally:
        service.data = full


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM signals WHERE TRUE", "that is no query"),
        ("UPDATE signals SET feed = 'x' WHERE TRUE", "that is no query"),
        ("INSERT INTO signals (signal_id) VALUES ('x')", "that is no query"),
        (TABLES[0].merged_from("gates"), "that is no query"),
        ("DROP TABLE signals", "that is no query"),
        ("CREATE TABLE more AS SELECT 1 AS one", "that is no query"),
        ("SELECT 1; DROP TABLE signals", "that is no query"),
        ("SELECT profit FROM trades", "does not understand that: .*profit"),
        ("SELECT * FROM nowhere", "Not found: Table stand-in:sentinel.nowhere"),
        ("TELL ME", "Syntax error"),
    ],
)
def test_only_a_good_question_is_asked(service: BigQueryStandIn, sql: str, said: str) -> None:
    """BigQuery looks at it first, and says what is wrong; nothing is ever changed."""
    before, jobs = held(service.data), len(service.data.jobs)
    with pytest.raises(UsageError, match=said):
        warehouse().ask(sql)
    assert (held(service.data), len(service.data.jobs)) == (before, jobs)


def test_a_question_that_would_read_too_much_is_refused(service: BigQueryStandIn) -> None:
    """Before it costs anything; and the one that runs carries the same bound."""
    service.data.tables["events"]["numBytes"] = str(3 * 10**9)
    with pytest.raises(UsageError, match=r"would read 3\.0 GB, and 1 GB is the most"):
        warehouse().ask("SELECT * FROM events")
    service.data.tables["events"]["numBytes"] = "0"
    warehouse().ask("SELECT COUNT(*) AS n FROM events")
    *_, last = service.data.jobs.values()
    assert last["configuration"]["query"]["maximumBytesBilled"] == str(10**9)


def test_an_answer_of_many_pages_is_whole(service: BigQueryStandIn) -> None:
    assert service.address
    answer = warehouse().ask("SELECT 1 AS one FROM events AS a, events AS b, events AS c")
    assert len(answer.rows) == 24**3


def test_a_stop_between_pages_is_heard(service: BigQueryStandIn) -> None:
    """A long answer does not hold up the end of a run."""
    assert service.address
    with pytest.raises(StoreUnusable, match="the time for it is over"):
        warehouse(NoWaiting(most=0)).ask("SELECT 1 AS one")


def test_views_are_sent_untouched_but_for_where_their_tables_are(service: BigQueryStandIn) -> None:
    for name in views.NAMES:
        sent = service.data.tables[name]["view"]["query"]
        assert sent.replace(f"`{PROJECT}.{DATASET}`.", "") == views.query(name)
