"""Reads GoogleSQL as the stand-in for BigQuery needs it: its kind, what it names, and how DuckDB says it."""

from dataclasses import dataclass
from functools import cache

try:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import SqlglotError
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        "the stand-in for BigQuery translates SQL with sqlglot: pip install sqlglot"
    ) from missing

_KINDS: tuple[tuple[type[exp.Expr], str], ...] = (
    (exp.Query, "SELECT"),
    (exp.Merge, "MERGE"),
    (exp.Insert, "INSERT"),
    (exp.Update, "UPDATE"),
    (exp.Delete, "DELETE"),
    (exp.Drop, "DROP_TABLE"),
    (exp.TruncateTable, "TRUNCATE_TABLE"),
    (exp.Create, "CREATE_TABLE"),
)


class SqlRefused(Exception):
    """The statement cannot be run; ``reason`` is BigQuery's word for why."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Read:
    """A statement in DuckDB's words; ``tables`` are those it names."""

    kind: str
    sql: str
    tables: frozenset[str]


@cache
def read_sql(sql: str, here: tuple[str, str], default: str | None, there: frozenset[str]) -> Read:
    """A statement over the tables ``there`` are in project and dataset ``here``.

    A table without a dataset is in the ``default`` one, if any. Raises ``SqlRefused``.
    """
    try:
        statements = [one for one in sqlglot.parse(sql, read="bigquery") if one is not None]
    except SqlglotError as error:
        raise SqlRefused("invalidQuery", f"Syntax error: {error}") from None
    if len(statements) != 1:
        return Read("SCRIPT", sql, frozenset())
    (statement,) = statements
    kind = next((kind for made, kind in _KINDS if isinstance(statement, made)), None)
    if kind is None:
        raise SqlRefused("invalidQuery", f"Syntax error: Unexpected {sql.split(maxsplit=1)[0]}")
    if isinstance(statement, exp.Create | exp.Drop):
        return Read(kind, sql, frozenset())
    own = {cte.alias for cte in statement.find_all(exp.CTE)}
    named = set()
    for table in statement.find_all(exp.Table):
        if not (table.name in own and not table.db):
            _localise(table, here, default, there)
            named.add(table.name)
    for parameter in list(statement.find_all(exp.Parameter)):
        parameter.replace(exp.Placeholder(this=parameter.name))
    return Read(kind, statement.sql("duckdb"), frozenset(named))


def _localise(table: exp.Table, here: tuple[str, str], default: str | None, there: frozenset[str]) -> None:
    if not table.db and default is None:
        raise SqlRefused(
            "invalid", f'Table "{table.name}" must be qualified with a dataset (e.g. dataset.table).'
        )
    place = (table.catalog or here[0], table.db or default)
    if place != here or table.name not in there:
        raise SqlRefused("notFound", f"Not found: Table {place[0]}:{place[1]}.{table.name} was not found")
    table.set("db", None)
    table.set("catalog", None)
