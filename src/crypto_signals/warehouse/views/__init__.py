"""The views, written once, in GoogleSQL that DuckDB reads the same way."""

import re
from importlib.resources import files

NAMES = ("trades", "strategies", "daily_performance", "detector_performance", "gate_performance")
"""In the order in which they are made: each names only tables, and views before it."""


def query(name: str) -> str:
    """The text of a view: one query, under a comment that says what a row is."""
    return files(__package__).joinpath(f"{name}.sql").read_text()


def meaning(name: str) -> str:
    """What a row of a view is."""
    return query(name).partition("\n")[0].removeprefix("-- ")


def qualified(sql: str, names: frozenset[str], dataset: str) -> str:
    """The same query with every one of ``names`` that it reads from named in full, as in ``dataset``."""
    pattern = re.compile(rf"\b(FROM|JOIN) ({'|'.join(sorted(names))})\b")
    return pattern.sub(rf"\1 `{dataset}`.\2", sql)
