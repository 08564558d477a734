"""What a table of the warehouse is, for any warehouse, and the statements that all of them understand."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Fact = dict[str, Any]


class Kind(StrEnum):
    """GoogleSQL's types, as far as they are used."""

    TEXT = "STRING"
    NUMBER = "FLOAT64"
    WHOLE = "INT64"
    FLAG = "BOOL"
    MOMENT = "TIMESTAMP"
    DAY = "DATE"


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    what: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """``key`` names a row for ever. Every table has ``day`` and is partitioned by it."""

    name: str
    what: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]

    def merged_from(self, staged: str, into: str | None = None) -> str:
        """The statement that takes over the rows of ``staged``, again and again with the same result."""
        names = [column.name for column in self.columns]
        same = " AND ".join(f"T.{name} = S.{name}" for name in ("day", *self.key))
        changed = ", ".join(f"{name} = S.{name}" for name in names if name not in ("day", *self.key))
        return (
            f"MERGE INTO {into or self.name} AS T USING {staged} AS S ON {same}\n"
            f"WHEN MATCHED THEN UPDATE SET {changed}\n"
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(names)})\n"
            f"VALUES ({', '.join(f'S.{name}' for name in names)})"
        )


def text(name: str, what: str) -> Column:
    """A text that every row has."""
    return Column(name, Kind.TEXT, what, required=True)


def number(name: str, what: str) -> Column:
    """A number that every row has."""
    return Column(name, Kind.NUMBER, what, required=True)


def moment(name: str, what: str) -> Column:
    """A moment, in UTC, that every row has."""
    return Column(name, Kind.MOMENT, what, required=True)


def flag(name: str, what: str) -> Column:
    return Column(name, Kind.FLAG, what, required=True)


def whole(name: str, what: str) -> Column:
    """A whole number that every row has."""
    return Column(name, Kind.WHOLE, what, required=True)
