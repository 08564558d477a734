"""Opens the warehouse that an address names."""

from pathlib import Path

from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.ports import Patience, Warehouse


def open_warehouse(url: str, patience: Patience) -> Warehouse:
    """The warehouse that ``WAREHOUSE_URL`` names, which nothing asks for as long as it is not used."""
    scheme, _, place = url.partition("://")
    if scheme == "duckdb":
        from crypto_signals.warehouse.duckdb import DuckDbWarehouse  # noqa: PLC0415 - one of the two is used

        return DuckDbWarehouse(Path(place.removeprefix("/")))
    project, _, dataset = place.partition("/")
    try:
        from crypto_signals.warehouse.bigquery import BigQueryWarehouse  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("google"):
            raise
        raise UsageError(
            "WAREHOUSE_URL names a BigQuery dataset, for which Google's library is an extra: "
            "pip install crypto-sentinel[bigquery]"
        ) from None
    return BigQueryWarehouse(project, dataset, patience)
