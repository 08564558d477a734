"""How BigQuery spells columns and values, and which rows it takes in."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

Json = dict[str, Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TYPES: Mapping[str, tuple[str, pa.DataType]] = {
    "STRING": ("VARCHAR", pa.string()),
    "FLOAT": ("DOUBLE", pa.float64()),
    "INTEGER": ("BIGINT", pa.int64()),
    "BOOLEAN": ("BOOLEAN", pa.bool_()),
    "TIMESTAMP": ("TIMESTAMP WITH TIME ZONE", pa.timestamp("us", "UTC")),
    "DATE": ("DATE", pa.date32()),
}
_OLD_NAMES = {"FLOAT64": "FLOAT", "INT64": "INTEGER", "BOOL": "BOOLEAN"}
_OF_DUCKDB = {duck: name for name, (duck, _) in TYPES.items()} | {"HUGEINT": "INTEGER", "INTEGER": "INTEGER"}
_IN_JSON: Mapping[str, tuple[type, ...]] = {
    "STRING": (str,),
    "FLOAT": (int, float),
    "INTEGER": (int,),
    "BOOLEAN": (bool,),
    "TIMESTAMP": (str,),
    "DATE": (str,),
}


class Refusal(Exception):
    """What BigQuery answers instead of doing it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        self.status, self.reason, self.message = status, reason, message
        super().__init__(message)

    def as_json(self) -> Json:
        return {"reason": self.reason, "message": self.message, "domain": "global"}


def as_field(one: Json) -> Json:
    """A column as BigQuery gives it back: with a mode, and its type by the old name."""
    return {**one, "type": _OLD_NAMES.get(one["type"], one["type"]), "mode": one.get("mode", "NULLABLE")}


def column(one: Json) -> str:
    """A column as DuckDB makes it."""
    return f"{one['name']} {TYPES[one['type']][0]}{' NOT NULL' if one['mode'] == 'REQUIRED' else ''}"


def field_of_duckdb(name: str, kind: object) -> Json:
    """A column of an answer."""
    spelled = str(kind)
    return {
        "name": name,
        "type": "NUMERIC" if "DECIMAL" in spelled else _OF_DUCKDB[spelled],
        "mode": "NULLABLE",
    }


def as_row(line: bytes, fields: Sequence[Json]) -> Json:
    """A line of a load. Raises ``Refusal`` for one that a table of these columns does not take."""
    row = json.loads(line)
    named = {one["name"] for one in fields}
    unknown = sorted(set(row) - named)
    if unknown:
        raise Refusal(400, "invalid", f"JSON parsing error: No such field: {unknown[0]}.")
    return {one["name"]: _taken(row.get(one["name"]), one) for one in fields}


def _taken(value: Any, one: Json) -> Any:
    name, kind = one["name"], one["type"]
    if value is None:
        if one["mode"] == "REQUIRED":
            raise Refusal(400, "invalid", f"Error while reading data: Missing required field: {name}.")
        return None
    wrong = Refusal(400, "invalid", f"Error while reading data: Could not convert value of {name} to {kind}.")
    if not isinstance(value, _IN_JSON[kind]) or (isinstance(value, bool) and kind != "BOOLEAN"):
        raise wrong
    try:
        return _parsed(value, kind)
    except ValueError:
        raise wrong from None


def _parsed(value: Any, kind: str) -> Any:
    if kind == "TIMESTAMP":
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if kind == "DATE" else value


def parameter(one: Json) -> Any:
    """The value of a parameter of a query."""
    kind, value = one["parameterType"], one["parameterValue"]
    if kind["type"] == "ARRAY":
        inner = _OLD_NAMES.get(kind["arrayType"]["type"], kind["arrayType"]["type"])
        return [_parsed(item["value"], inner) for item in value.get("arrayValues", [])]
    return _parsed(value["value"], kind["type"])


def cell(value: Any) -> str | None:
    """A value of an answer: everything is a text there, a moment one of microseconds."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return str((value - EPOCH) // timedelta(microseconds=1))
    return str(value)
