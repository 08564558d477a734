"""Opens the warehouse that an address names."""

from importlib.util import find_spec
from pathlib import Path

from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.ports import Patience, Warehouse


def require(url: str) -> None:
    """Raises ``UsageError`` where what that warehouse needs is not installed; loads none of it."""
    needed = ("google", "google.cloud", "google.cloud.bigquery") if url.startswith("bigquery:") else ()
    if not all(map(find_spec, needed)):
        raise UsageError(
            "WAREHOUSE_URL names a BigQuery dataset, for which Google's library is an extra: "
            "pip install crypto-sentinel[bigquery]"
        )


def open_warehouse(url: str, patience: Patience) -> Warehouse:
    """The warehouse that ``WAREHOUSE_URL`` names, which nothing asks for as long as it is not used. Raises
    ``UsageError``."""
    require(url)
    scheme, _, place = url.partition("://")
    if scheme == "duckdb":
        from crypto_signals.warehouse.duckdb import DuckDbWarehouse  # noqa: PLC0415 - one of the two is used

        return DuckDbWarehouse(Path(place.removeprefix("/")))
    project, _, dataset = place.partition("/")
    from crypto_signals.warehouse.bigquery import BigQueryWarehouse  # noqa: PLC0415

    return BigQueryWarehouse(project, dataset, patience)
