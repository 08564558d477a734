"""How commands print: tables for people on stdout, JSON lines for scripts on stdout, notes on stderr."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from crypto_signals.plugins import Fault


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="A table for people, or JSON for scripts.")]


def out() -> Console:
    """Where the answer goes. Without a terminal lines are never cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=160)


def notes() -> Console:
    """Where everything goes that is not the answer: progress, warnings, errors."""
    return Console(stderr=True, highlight=False)


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """One object a line."""
    for row in rows:
        sys.stdout.write(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Every cell is taken literally; numbers stand to the right."""
    table = Table(title=title, title_justify="left", header_style="bold")
    cells = [[Text("" if cell is None else str(cell)) for cell in row] for row in rows]
    for number, column in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[number].plain) for row in cells)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    out().print(table)


def _is_number(text: str) -> bool:
    return text.replace(",", "").lstrip("+-−").replace(".", "", 1).isdigit() or not text


def say(line: str, style: str = "") -> None:
    """One line for people, on stderr."""
    notes().print(Text(line, style=style), soft_wrap=True)


def say_faults(faults: "Iterable[Fault]") -> None:
    """Which of the user's own detectors are not, or no longer, used; on stderr."""
    for fault in faults:
        say(f"{fault.symbol or '-'} (detector {fault.detector}): {fault.what}", "red")
