"""Whatever is cut off, wherever, is taken up again: nothing is missing then, and nothing is there twice."""

from collections.abc import Iterator

import pytest

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.simulator.bigquery import BigQueryStandIn
from crypto_signals.simulator.bigquery_data import BigQueryData
from crypto_signals.simulator.fault_rules import FaultRule
from warehouse.bigquery_world import PLAIN, held, passages, stand_in, warehouse


@pytest.fixture(scope="module")
def service() -> Iterator[BigQueryStandIn]:
    with pytest.MonkeyPatch.context() as patch, stand_in(patch) as made:
        yield made


def renewed(service: BigQueryStandIn) -> BigQueryStandIn:
    """A dataset in which nothing is, and a service without faults."""
    service.data = BigQueryData()
    service.faults.clear()
    service.asked.clear()
    return service


def emptied(service: BigQueryStandIn) -> BigQueryStandIn:
    """The same with its tables and views, and no row in them."""
    service.faults.clear()
    service.asked.clear()
    service.data.jobs.clear()
    for name, table in list(service.data.tables.items()):
        if name.startswith("passage_"):
            service.data.delete(name)
        elif table["type"] == "TABLE":
            service.data.rows(f"TRUNCATE {name}")
    return service


def cut_off(service: BigQueryStandIn, after: int) -> None:
    """A keep of which only so many requests, and the next ones unheard, reach the service."""
    service.faults.add([FaultRule(fault="reset_after", after=after, times=None)])
    with pytest.raises(StoreUnusable, match="cannot be used"):
        warehouse().keep(PLAIN)
    service.faults.clear()


def test_a_first_keep_can_be_cut_off_after_any_request(service: BigQueryStandIn) -> None:
    """While the tables and views are made."""
    warehouse().keep(PLAIN)
    expected, views = held(service.data), len(service.data.tables)
    made = [number for number, line in enumerate(service.asked) if line.endswith("/tables")][10]
    for number in range(made + 1):
        renewed(service)
        cut_off(service, number)
        warehouse().keep(PLAIN)
        assert (held(service.data), len(service.data.tables)) == (expected, views), f"after request {number}"


def test_a_keep_can_be_cut_off_after_any_request(service: BigQueryStandIn) -> None:
    """While rows are on their way; also the last request of all, after which everything is done."""
    warehouse().keep(PLAIN)
    expected = held(service.data)
    emptied(service)
    warehouse().keep(PLAIN)
    requests = len(service.asked)
    assert requests > 20
    for number in range(requests):
        emptied(service)
        cut_off(service, number)
        warehouse().keep(PLAIN)
        assert (held(service.data), passages(service.data)) == (expected, []), f"after request {number}"
