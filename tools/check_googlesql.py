"""Lets GoogleSQL's own analyser read all that BigQuery will be sent, untouched: views, merges, queries.

The analyser is heavy and has an environment of its own, which knows nothing of this project. So the project
says what there is, as JSON, and the analyser judges it:

    .venv/bin/python tools/check_googlesql.py describe | .venv/googlesql/bin/python tools/check_googlesql.py

It ends with 1 when a statement is refused, and also when one that must be refused is not.
"""

import json
import sys
from typing import Any

WRONG = (
    ("a cast that only DuckDB knows", "SELECT n_open::FLOAT64 AS n FROM evidence"),
    ("a function by another name", "SELECT COUNT_IF(hit) AS hits FROM outcomes"),
    ("a column that is not there", "SELECT profit FROM trades"),
    ("a text beside a number", "SELECT symbol + 1 AS more FROM signals"),
)
"""What has to be refused, so that an analyser which takes everything is noticed."""


def described() -> dict[str, Any]:
    """The tables, and the statements in the order in which they are made, as the project has them."""
    from crypto_signals.warehouse import views  # noqa: PLC0415 - the analyser's environment lacks it
    from crypto_signals.warehouse.bigquery import counted  # noqa: PLC0415
    from crypto_signals.warehouse.bigquery_passages import kept  # noqa: PLC0415
    from crypto_signals.warehouse.star import TABLES  # noqa: PLC0415

    tables = {table.name: {column.name: column.kind.value for column in table.columns} for table in TABLES}
    return {
        "tables": tables | {f"staged_{name}": columns for name, columns in tables.items()},
        "views": {name: views.query(name) for name in views.NAMES},
        "merges": {table.name: table.merged_from(f"staged_{table.name}") for table in TABLES},
        "queries": {"of what is kept": kept(TABLES), "of what is held": counted(TABLES)},
    }


_KINDS = {
    "STRING": "TYPE_STRING",
    "FLOAT64": "TYPE_DOUBLE",
    "INT64": "TYPE_INT64",
    "BOOL": "TYPE_BOOL",
    "TIMESTAMP": "TYPE_TIMESTAMP",
    "DATE": "TYPE_DATE",
}


class Judge:
    """The analyser with a catalogue that grows by each view it has read."""

    def __init__(self) -> None:
        from zetasql.api import CatalogBuilder  # noqa: PLC0415 - another environment has it
        from zetasql.types import (  # noqa: PLC0415
            AnalyzerOptions,
            LanguageOptions,
            ProductMode,
            ZetaSQLBuiltinFunctionOptions,
        )

        language = LanguageOptions.maximum_features()
        language.product_mode = ProductMode.PRODUCT_EXTERNAL
        language.supported_statement_kinds = []
        self._options = AnalyzerOptions(language_options=language, allow_undeclared_parameters=True)
        functions = ZetaSQLBuiltinFunctionOptions(language_options=language)
        self._catalogue = CatalogBuilder("warehouse").with_builtin_functions(functions)

    def knows(self, name: str, columns: dict[str, Any]) -> None:
        """From now on there is such a table: its columns by name, with their types."""
        from zetasql.api import TableBuilder  # noqa: PLC0415
        from zetasql.types import TypeKind  # noqa: PLC0415

        table = TableBuilder(name)
        for column, kind in columns.items():
            table.add_column(column, TypeKind[_KINDS[kind]] if isinstance(kind, str) else kind)
        self._catalogue.add_table(table.build())

    def read(self, sql: str) -> dict[str, Any]:
        """The columns that the statement gives, none for a change. Raises what the analyser says."""
        from zetasql.api import Analyzer  # noqa: PLC0415

        statement = Analyzer(self._options, self._catalogue.build()).analyze_statement(sql)
        given = getattr(statement, "output_column_list", None) or []
        return {column.name: column.column.type.type_kind for column in given}


def judged(said: dict[str, Any]) -> list[str]:
    """What is wrong, a line each; says what is right as it goes."""
    from zetasql.core import ZetaSQLError  # noqa: PLC0415

    judge, problems = Judge(), []
    for name, columns in said["tables"].items():
        judge.knows(name, columns)
    for kind in ("views", "merges", "queries"):
        for name, sql in said[kind].items():
            try:
                columns = judge.read(sql)
            except ZetaSQLError as error:
                problems.append(f"{kind} {name}: {error}")
                continue
            if kind == "views":
                judge.knows(name, columns)
            print(f"{kind} {name}: understood", flush=True)
    for what, sql in WRONG:
        try:
            judge.read(sql)
        except ZetaSQLError as error:
            print(f"refused, as it must be: {what} ({error})", flush=True)
        else:
            problems.append(f"not refused, though it must be: {what}: {sql}")
    return problems


def main() -> int:
    if sys.argv[1:] == ["describe"]:
        json.dump(described(), sys.stdout)
        return 0
    problems = judged(json.load(sys.stdin))
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
