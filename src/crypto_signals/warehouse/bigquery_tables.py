"""The tables and views as BigQuery keeps them: made where they are missing, and only ever added to."""

import hashlib
from collections.abc import Callable, Mapping

from google.api_core.exceptions import Conflict, NotFound, PreconditionFailed
from google.cloud.bigquery import SchemaField, TimePartitioning
from google.cloud.bigquery import Table as Resource

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.warehouse import views
from crypto_signals.warehouse.bigquery_service import ONCE, Service
from crypto_signals.warehouse.schema import Column, Table
from crypto_signals.warehouse.star import NAMES, TABLES

LABEL = "sentinel_form"
"""Carries a digest of what a table or view was made from: one listing tells what is up to date."""
TRIES = 3
_SORTED_BY = ("symbol", "detector", "signal_id")
_OLD_NAMES = {"FLOAT": "FLOAT64", "INTEGER": "INT64", "BOOLEAN": "BOOL"}

Mend = Callable[[Resource], list[str]]
"""Changes a table or view that is there already, and tells which of its properties are other ones now."""


def present(service: Service) -> dict[str, Mapping[str, str]]:
    """The labels of every table and view of the dataset, by its name."""
    listed = service.call(lambda: list(service.client.list_tables(service.dataset, **ONCE)))
    return {str(item.table_id): item.labels for item in listed}


def bring_up_to_date(service: Service) -> None:
    """Makes what is missing, adds new columns, replaces views of another text. Raises ``StoreUnusable``."""
    there = present(service)
    tables = [(_table(service, table), _added_to(table)) for table in TABLES]
    for resource, mend in tables + [_view(service, name) for name in views.NAMES]:
        if there.get(resource.table_id, {}).get(LABEL) != resource.labels[LABEL]:
            _make_or_mend(service, resource, mend)


def fields(table: Table) -> list[SchemaField]:
    """The columns, as a new table and a load have them."""
    return [_field(column, "REQUIRED" if column.required else "NULLABLE") for column in table.columns]


def _make_or_mend(service: Service, resource: Resource, mend: Mend) -> None:
    """Another process may do the same at the same time: then it is looked at again."""
    for _ in range(TRIES):
        try:
            _mend(service, resource, mend)
        except NotFound:
            try:
                service.call(lambda: service.client.create_table(resource, **ONCE))
            except Conflict:
                continue
        except PreconditionFailed:
            continue
        return
    raise StoreUnusable(f"its table {resource.table_id} is changed by somebody else all the time; run again.")


def _mend(service: Service, resource: Resource, mend: Mend) -> None:
    found = service.call(lambda: service.client.get_table(resource.reference, **ONCE))
    if found.table_type != ("VIEW" if resource.view_query else "TABLE"):
        raise StoreUnusable(
            f"{resource.table_id} is there, but as a {str(found.table_type).lower()}: rename or delete it."
        )
    if found.labels.get(LABEL) == resource.labels[LABEL]:
        return
    if changed := mend(found):
        found.labels = {**found.labels, **resource.labels}
        found.description = resource.description
        service.call(lambda: service.client.update_table(found, [*changed, "labels", "description"], **ONCE))


def _table(service: Service, table: Table) -> Resource:
    resource = Resource(service.dataset.table(table.name), schema=fields(table))
    resource.description = table.what
    resource.time_partitioning = TimePartitioning(field="day")
    names = [column.name for column in table.columns]
    resource.clustering_fields = [name for name in _SORTED_BY if name in names]
    resource.labels = {LABEL: _digest(repr(table))}
    return resource


def _added_to(table: Table) -> Mend:
    """A column that came later is empty in older rows; one of a later version is left alone."""

    def mend(found: Resource) -> list[str]:
        there = {field.name: _OLD_NAMES.get(field.field_type, field.field_type) for field in found.schema}
        for column in table.columns:
            if there.get(column.name, column.kind.value) != column.kind.value:
                raise StoreUnusable(
                    f"column {column.name} of its table {table.name} is {there[column.name]}, not "
                    f"{column.kind.value}: somebody made it so. Rename that table, and it is made anew."
                )
        new = [column for column in table.columns if column.name not in there]
        found.schema = [*found.schema, *(_field(column, "NULLABLE") for column in new)]
        is_later = len(found.schema) > len(table.columns)
        return ["schema"] if new or not is_later else []

    return mend


def _view(service: Service, name: str) -> tuple[Resource, Mend]:
    dataset = f"{service.dataset.project}.{service.dataset.dataset_id}"
    query = views.qualified(views.query(name), NAMES, dataset)
    resource = Resource(service.dataset.table(name))
    resource.view_query = query
    resource.description = views.meaning(name)
    resource.labels = {LABEL: _digest(query)}

    def mend(found: Resource) -> list[str]:
        found.view_query = query
        return ["view_query"]

    return resource, mend


def _field(column: Column, mode: str) -> SchemaField:
    return SchemaField(column.name, column.kind.value, mode=mode, description=column.what)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
