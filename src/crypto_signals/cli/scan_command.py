"""``sentinel scan``: every detection in bars files."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, counted, print_json, print_table, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crypto_signals.analysis.detections import Detection
    from crypto_signals.analysis.panel import Panel
    from crypto_signals.engine.ports import History

Bars = Annotated[
    list[Path], typer.Option("--bars", help="A Parquet or CSV file of bars, or a folder of them.")
]
_DAY = ["%Y-%m-%d"]
_MOST_ROWS = 200


def scan(
    bars: Bars,
    timeframe: Annotated[str, typer.Option(help="The length of a bar: 5Min, 1Hour, 1Day, …")] = "1Day",
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="The first day of detections.")
    ] = None,
    to: Annotated[
        datetime | None, typer.Option("--to", formats=_DAY, help="The last day of detections.")
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", help="Only this symbol; may be repeated.")
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Only the newest completed bar of each symbol.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Every pattern in the given bars, as it was known at the close of each bar."""
    from crypto_signals.engine.views import detection_view  # noqa: PLC0415 - the command line starts without it

    history = _history(bars, timeframe, symbol)
    found = _found(history.panel, last=last)
    wanted = (d for d in found if _within(d.ts, from_, to))
    if output is Format.JSON:
        print_json(detection_view(detection) for detection in wanted)
    else:
        _table(list(wanted))
    raise typer.Exit(1 if history.errors else 0)


def _found(panel: "Panel", *, last: bool) -> "Iterator[Detection]":
    from crypto_signals.analysis.catalogue import CATALOGUE  # noqa: PLC0415
    from crypto_signals.analysis.scan import detect  # noqa: PLC0415

    for series in sorted(panel, key=lambda series: series.symbol):
        yield from detect(series, CATALOGUE, len(series) - 1 if last else 0)


def _history(bars: list[Path], timeframe: str, symbols: list[str] | None) -> "History":
    """The valid bars of the files; what was wrong with the others is said on stderr."""
    from crypto_signals.app import file_history  # noqa: PLC0415
    from crypto_signals.market.quality import summarise  # noqa: PLC0415

    history = file_history(bars, timeframe, symbols)
    for line in summarise(history.problems):
        say(line, "yellow")
    for error in history.errors:
        say(f"{error.symbol}: {error.error}", "red")
    return history


def _within(ts: datetime, first: datetime | None, last: datetime | None) -> bool:
    day = ts.date()
    return (first is None or day >= first.date()) and (last is None or day <= last.date())


def _table(found: "list[Detection]") -> None:
    shown = found[-_MOST_ROWS:]
    left_out = len(found) - len(shown)
    title = counted(len(found), "detection") + (f"; the last {len(shown)} of them" if left_out else "")
    rows = (
        (
            row.symbol,
            f"{row.ts:%Y-%m-%d %H:%M}",
            row.detector,
            row.direction.value,
            row.role.value,
            f"{row.entry:.6g}",
            f"{row.stop:.6g}",
            " ".join(f"{target:.6g}" for target in row.targets),
        )
        for row in shown
    )
    print_table(title, ("symbol", "bar", "detector", "side", "role", "entry", "stop", "targets"), rows)
    if left_out:
        say(f"{counted(left_out, 'earlier one')} not shown; narrow with --from, or take --format json")
