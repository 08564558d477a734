"""The warehouses under test."""

from collections.abc import Callable
from pathlib import Path

import pytest

from crypto_signals.engine.ports import Warehouse
from crypto_signals.warehouse.duckdb import DuckDbWarehouse


@pytest.fixture(params=["duckdb"])
def opened() -> Callable[[Path], Warehouse]:
    """Opens a warehouse of its own for each folder."""
    return lambda folder: DuckDbWarehouse(folder / "warehouse.duckdb")
