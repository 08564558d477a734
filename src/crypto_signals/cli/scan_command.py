"""``sentinel scan``: every detection in bars files."""

from collections import deque
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, print_lines, print_table, say, say_faults
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from crypto_signals.analysis.detections import Detection
    from crypto_signals.analysis.detector import Detector
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
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.analysis.panel_pool import scan_panel  # noqa: PLC0415
    from crypto_signals.app.rules import own_detectors  # noqa: PLC0415
    from crypto_signals.engine.detection_lines import detection_lines  # noqa: PLC0415

    history = _history(bars, timeframe, symbol)
    since, until = _period(history.panel, from_, to)
    with own_detectors(config.load()) as known:
        _say_too_short(history.panel, known.catalogue)
        found = scan_panel(_by_symbol(history.panel), tuple(known.catalogue), last_only=last)
        say_faults(known.faults)
    if output is Format.JSON:
        print_lines(detection_lines(found, since, until))
    else:
        _table(found.between(since, until))
    raise typer.Exit(1 if history.errors or known.faults else 0)


def _period(
    panel: "Panel", first: datetime | None, last: datetime | None
) -> "tuple[np.datetime64 | None, np.datetime64 | None]":
    """From the first day to the end of the last one; raises ``UsageError`` if no bar opens then."""
    import numpy as np  # noqa: PLC0415 - the command line starts without it

    since = None if first is None else np.datetime64(first, "us")
    until = None if last is None else np.datetime64(last, "us") + np.timedelta64(1, "D")
    opens, ends = panel.ts.min(), panel.ts.max()
    inside = panel.ts >= (opens if since is None else since)
    if until is not None:
        inside &= panel.ts < until
    if not inside.any():
        begin, end = (str(ts.astype("datetime64[D]")) for ts in (opens, ends))
        raise UsageError(
            f"there is no bar between --from and --to: the bars files hold bars from {begin} to {end}"
        )
    return since, until


def _say_too_short(panel: "Panel", detectors: "Iterable[Detector]") -> None:
    """Which symbols have fewer bars than any detector needs."""
    needs = min((entry.warm_up_bars for entry in detectors), default=0) + 1
    short = sorted((len(series), series.symbol) for series in panel if len(series) < needs)
    if short:
        bars, symbol = short[0]
        more = f", and {counted(len(short) - 1, 'more symbol')}" if len(short) > 1 else ""
        say(f"too few bars to find anything, which takes {needs}: {symbol} ({bars}){more}", "yellow")


def _history(bars: list[Path], timeframe: str, symbols: list[str] | None) -> "History":
    """The valid bars of the files; what was wrong with the others is said on stderr."""
    from crypto_signals.app.bars import file_history  # noqa: PLC0415
    from crypto_signals.market.quality import summarise  # noqa: PLC0415

    history = file_history(bars, timeframe, symbols)
    for line in summarise(history.problems):
        say(line, "yellow")
    for error in history.errors:
        say(f"{error.symbol}: {error.error}", "red")
    return history


def _by_symbol(panel: "Panel") -> "Panel":
    from crypto_signals.analysis.panel import Panel  # noqa: PLC0415

    if list(panel.symbols) == sorted(panel.symbols):
        return panel
    return Panel.of(sorted(panel, key=lambda series: series.symbol))


def _table(found: "Iterable[Detection]") -> None:
    shown: deque[Detection] = deque(maxlen=_MOST_ROWS)
    count = 0
    for detection in found:
        shown.append(detection)
        count += 1
    left_out = count - len(shown)
    title = counted(count, "detection") + (f"; the last {len(shown)} of them" if left_out else "")
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
