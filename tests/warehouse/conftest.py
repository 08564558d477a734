"""The warehouses under test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crypto_signals.engine.ports import Warehouse
from crypto_signals.warehouse.duckdb import DuckDbWarehouse

from .bigquery_world import stand_in, warehouse


@pytest.fixture(params=["duckdb", "bigquery"])
def opened(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], Warehouse]]:
    """Opens a warehouse of its own for each folder."""
    if request.param == "duckdb":
        yield lambda folder: DuckDbWarehouse(folder / "warehouse.duckdb")
        return
    with ExitStack() as stack:

        def served(_folder: Path) -> Warehouse:
            stack.enter_context(stand_in(monkeypatch))
            made = warehouse()
            made.holdings()
            return made

        yield served
