"""``sentinel backtest``: a strategy over the bars of files."""

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from crypto_signals.cli.output import (
    Format,
    FormatOption,
    out,
    print_json,
    print_table,
    say,
    say_faults,
)
from crypto_signals.cli.over_bars import (
    BarsOption,
    FromOption,
    StrategyOption,
    SymbolOption,
    TimeframeOption,
    ToOption,
    say_what_is_wrong,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto_signals.app.backtesting import Written
    from crypto_signals.research.report.cells import Cell, Table
    from crypto_signals.research.report.summary import Report

_SHOWN = 5


def backtest(
    bars: BarsOption,
    strategy: StrategyOption = None,
    timeframe: TimeframeOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    symbol: SymbolOption = None,
    finer: Annotated[
        list[Path] | None,
        typer.Option("--finer", help="Finer bars, to tell what came first inside a bar; may be repeated."),
    ] = None,
    finer_timeframe: Annotated[str, typer.Option(help="The length of a finer bar.")] = "1Hour",
    capital: Annotated[float, typer.Option(help="What the account starts with, in USD.", min=1)] = 100_000,
    risk_pct: Annotated[
        float, typer.Option(help="Per cent of its worth at risk down to a stop.", min=0.001, max=100)
    ] = 1.0,
    max_positions: Annotated[int, typer.Option(help="How many trades it holds at a time.", min=1)] = 10,
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where the files go; else SENTINEL_HOME/backtest.")
    ] = None,
    charts: Annotated[
        int, typer.Option(help="How many trades get a page with their chart.", min=0, max=1000)
    ] = 20,
    output: FormatOption = Format.TABLE,
) -> None:
    """What a strategy would have announced and refused on past bars, how that ended, and what it earned."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app import backtesting  # noqa: PLC0415
    from crypto_signals.app.odds import odds  # noqa: PLC0415
    from crypto_signals.app.rules import own_detectors  # noqa: PLC0415
    from crypto_signals.research.account import Terms  # noqa: PLC0415
    from crypto_signals.research.report.summary import nothing_traded  # noqa: PLC0415

    configuration = config.load()
    wanted = backtesting.Wanted(
        bars=bars,
        timeframe=timeframe,
        first_day=from_ and from_.replace(tzinfo=UTC),
        last_day=to and to.replace(tzinfo=UTC),
        symbols=symbol,
        strategy=strategy,
        finer=finer or (),
        finer_timeframe=finer_timeframe,
        terms=Terms(capital, risk_pct, max_positions),
    )
    with own_detectors(configuration) as known:
        measured = odds(configuration.settings)
        prepared = backtesting.prepare(configuration, known, wanted, measured)
        place = backtesting.folder_for(configuration, folder)
        say_what_is_wrong(prepared)
        with told("series") as progress:
            report = backtesting.measure(prepared, progress)
        with told("charts") as progress:
            written = backtesting.write(report, prepared, place, charts, progress)
        say_faults(known.faults)
    if output is Format.JSON:
        for nothing in nothing_traded(report):
            say(nothing, "yellow")
        print_json([backtesting.summary(report, prepared, written)])
    else:
        _tables(report, written)
    raise typer.Exit(1 if prepared.errors or known.faults else 0)


def _tables(report: "Report", written: "Written") -> None:
    """The totals, the detectors at both ends, the gates, and where the rest is."""
    from crypto_signals.research.report import tables, words  # noqa: PLC0415

    out().print(Text(words.subtitle(report)), soft_wrap=True)
    if report.total.closed:
        print_table("Backtest", ("", "figure", ""), words.headline(report))
    ranked = tables.detectors(report)
    if len(ranked.rows) > 2 * _SHOWN:
        _show("The best detectors", ranked, ranked.rows[:_SHOWN])
        _show("The worst detectors", ranked, ranked.rows[-_SHOWN:])
    elif ranked.rows:
        _show("Detectors", ranked, ranked.rows)
    if report.gates:
        table = tables.gates(report, drawn=False)
        _show("What each gate saved or cost, by what it alone refused", table, table.rows)
    where = (f"the trades  {written.trades_file}", f"the report  {written.report_file}")
    for line in (words.verdict(report), *where):
        out().print(Text(line), soft_wrap=True)


def _show(title: str, table: "Table", rows: "Sequence[Sequence[Cell]]") -> None:
    names = [cell.text for cell in table.columns]
    print_table(title, names, ([cell.text for cell in row] for row in rows))
