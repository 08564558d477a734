"""What commands share that test a strategy over the bars of files: their options, progress, and warnings."""

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as ProgressBar

from crypto_signals.cli.output import notes, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypto_signals.app.backtesting import Prepared
    from crypto_signals.research.sharing import Progress

DAY = ["%Y-%m-%d"]

BarsOption = Annotated[
    list[Path], typer.Option("--bars", help="A Parquet or CSV file of bars, or a folder of them.")
]
StrategyOption = Annotated[
    str | None, typer.Option("--strategy", help="A strategy of sentinel.toml; without it, the first one.")
]
TimeframeOption = Annotated[
    str | None,
    typer.Option("--timeframe", help="The length of a bar: 5Min, 1Hour, 1Day, …; else the strategy's."),
]
FromOption = Annotated[
    datetime | None,
    typer.Option("--from", formats=DAY, help="The first day that counts; earlier bars are history."),
]
ToOption = Annotated[
    datetime | None, typer.Option("--to", formats=DAY, help="The last day; later bars do not exist.")
]
SymbolOption = Annotated[
    list[str] | None, typer.Option("--symbol", help="Only this symbol; may be repeated.")
]


@contextmanager
def told(what: str) -> "Iterator[Progress]":
    """How far it is, on stderr; nothing where that is no terminal. No thread draws it: beside one, the work
    could not be shared among the cores."""
    console = notes()
    columns = (BarColumn(bar_width=30), MofNCompleteColumn(), TextColumn(what))
    bar = ProgressBar(
        *columns, console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
    )
    with bar:
        task = bar.add_task("")

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total, refresh=True)

        yield tell


def say_what_is_wrong(prepared: "Prepared") -> None:
    from crypto_signals.market.quality import summarise  # noqa: PLC0415

    for history in prepared.histories:
        for line in summarise(history.problems):
            say(line, "yellow")
    for error in prepared.errors:
        say(f"{error.symbol}: {error.error}", "red")
    for note in prepared.notes:
        say(note, "yellow")
