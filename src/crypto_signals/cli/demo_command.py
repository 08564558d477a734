"""``sentinel demo``: the main job over the bundled bars, day by day, in virtual time."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from crypto_signals.cli.output import Format, FormatOption, notes, out
from crypto_signals.domain.wording import counted

if TYPE_CHECKING:
    from crypto_signals.app.demo import Demo
    from crypto_signals.engine.summary import Summary

_MOST_DAYS = 700
_ON_THE_INDEX = {"symbols", "signals", "shadow signals", "still open", "result of closed trades"}


def demo(
    days: Annotated[
        int, typer.Option(help="How many days to replay, up to 2018-12-31.", min=1, max=_MOST_DAYS)
    ] = 365,
    output: FormatOption = Format.TABLE,
) -> None:
    """Replay the main job over the bundled real bars, announce to the console, and draw the pages."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.demo import demo_job  # noqa: PLC0415
    from crypto_signals.cli.summary_view import show  # noqa: PLC0415
    from crypto_signals.notifications.console import ConsoleChannel  # noqa: PLC0415
    from crypto_signals.process import stopped_by_signals  # noqa: PLC0415

    started = time.monotonic()
    home = config.load().settings.sentinel_home
    console = out() if output is Format.TABLE else notes()
    with (
        demo_job(home, days, ConsoleChannel(console)) as parts,
        stopped_by_signals(parts.budget) as came,
    ):
        total = _replayed(parts, console)
        index = None if came else _drawn(parts, total, console)
    total.duration_s = time.monotonic() - started
    show(total, output)
    _where(parts.folder, index, console)
    raise typer.Exit(128 + came[0] if came else total.exit_code)


def _where(folder: Path, index: Path | None, console: Console) -> None:
    lines = [f"the store   {folder / 'sentinel.db'}"]
    if index is not None:
        lines.append(f"the pages   {index}")
    lines.append("look further with: sentinel signals list, sentinel signals show ID")
    for line in lines:
        console.print(Text(line), soft_wrap=True)


def _replayed(parts: "Demo", console: Console) -> "Summary":
    from crypto_signals.engine.replay import replay  # noqa: PLC0415
    from crypto_signals.engine.summary import Summary  # noqa: PLC0415

    total = Summary()
    with _progress(console) as progress:
        task = progress.add_task("", total=len(parts.moments))
        for _ in replay(parts.job, parts.clock, parts.moments, total):
            said = f"{counted(total.signals, 'signal')}, {counted(total.open_signals, 'open trade')}"
            progress.update(task, advance=1, description=f"{parts.clock.now():%Y-%m-%d}  {said}")
    return total


def _drawn(parts: "Demo", total: "Summary", console: Console) -> Path:
    """The pages of everything the store holds, each with its chart."""
    from crypto_signals.app.live import draw  # noqa: PLC0415
    from crypto_signals.cli.summary_view import figures  # noqa: PLC0415
    from crypto_signals.notifications.pages import PageEntry, write_pages  # noqa: PLC0415

    signals = parts.store.signals()
    told = [signal for signal in signals if not signal.is_shadow]
    entries: list[PageEntry] = []
    bars = parts.bars()
    with _progress(console) as progress:
        for signal in progress.track(told, description="drawing the pages"):
            _, events, _ = parts.store.signal(signal.signal_id)
            charts = [draw(signal, bars[signal.symbol], events, dark=dark) for dark in (True, False)]
            entries.append(PageEntry(signal, events, *charts))
    shadows = [signal for signal in signals if signal.is_shadow]
    first, last = parts.moments[0], parts.moments[-1]
    period = f"Replayed bars known from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    totals = [period, *(f"{name}: {figure}" for name, figure in figures(total) if name in _ON_THE_INDEX)]
    return write_pages(parts.folder / "pages", entries, shadows, totals)


def _progress(console: Console) -> Progress:
    """A bar below what is printed; nothing where there is no terminal."""
    columns = (BarColumn(bar_width=30), MofNCompleteColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
