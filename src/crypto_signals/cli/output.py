"""How commands print: tables for people on stdout, JSON lines for scripts on stdout, notes on stderr."""

import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, TextIO, cast

import typer
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from crypto_signals.plugins import Fault


_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\u202a-\u202e\u2066-\u2069]")


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="A table for people, or JSON for scripts.")]


class _Console(Console):
    """A console whose reader may leave early, as ``head`` does: the command then ends in silence."""

    def on_broken_pipe(self) -> None:
        _mute(self.file)


class _Trimmed:
    """A file that gets no spaces at the ends of lines."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        return self._file.write(re.sub(r" +\n", "\n", text))


def _mute(file: Any) -> None:
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - no path, but a device
        os.dup2(nowhere.fileno(), file.fileno())


def out() -> Console:
    """Where the answer goes. Without a terminal lines are neither cut nor padded."""
    console = _Console(highlight=False)
    if console.is_terminal:
        return console
    return _Console(highlight=False, width=160, file=cast("TextIO", _Trimmed(sys.stdout)))


def notes() -> Console:
    """Where everything goes that is not the answer: progress, warnings, errors."""
    return _Console(stderr=True, highlight=False)


def print_json(rows: Iterable[Mapping[str, Any]]) -> None:
    """One object a line."""
    print_lines(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)


def print_lines(lines: Iterable[str]) -> None:
    """Lines that are written already; a reader may leave before the last one."""
    try:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        sys.stdout.flush()
    except BrokenPipeError:
        _mute(sys.stdout)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Every cell is taken literally; numbers stand to the right, and an ``id`` is never folded."""
    table = Table(title=title, title_justify="left", header_style="bold")
    cells = [[Text("" if cell is None else _shown(str(cell))) for cell in row] for row in rows]
    for number, column in enumerate(columns):
        numeric = bool(cells) and all(_is_number(row[number].plain) for row in cells)
        side: JustifyMethod = "right" if numeric else "left"
        table.add_column(column, justify=side, overflow="fold", no_wrap=column == "id")
    for row in cells:
        table.add_row(*row)
    out().print(table)


def _is_number(text: str) -> bool:
    return text.replace(",", "").lstrip("+-−").replace(".", "", 1).isdigit() or not text


_LOG_LEVELS = {"red": "error", "yellow": "warning"}
_structured: list[str] = []


def say_as(style: str) -> None:
    """From now on notes are log lines, unless the log itself is made for a console."""
    _structured[:] = [] if style == "console" else [style]


def say(line: str, style: str = "") -> None:
    """One line for people, on stderr."""
    if _structured:
        getattr(logging.getLogger("crypto_signals.cli"), _LOG_LEVELS.get(style, "info"))("%s", line)
        return
    notes().print(Text(_shown(line), style=style), soft_wrap=True)


def _shown(text: str) -> str:
    """Control characters, which could steer the terminal, as their escapes; line breaks stay."""
    return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)


def say_faults(faults: "Iterable[Fault]") -> None:
    """Which of the user's own detectors are not, or no longer, used; on stderr."""
    for fault in faults:
        say(f"{fault.symbol or '-'} (detector {fault.detector}): {fault.what}", "red")
