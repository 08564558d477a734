"""``sentinel evidence``: the odds of every setup, measured on the bars of files."""

from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from crypto_signals.cli.output import Format, FormatOption, out, print_json, print_table, say_faults
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
    from crypto_signals.domain.evidence import Evidence
    from crypto_signals.research.evidence import Findings


def evidence(
    bars: BarsOption,
    strategy: StrategyOption = None,
    timeframe: TimeframeOption = None,
    from_: FromOption = None,
    to: ToOption = None,
    symbol: SymbolOption = None,
    file: Annotated[
        Path | None, typer.Option("--out", help="The file to write; else SENTINEL_HOME/evidence.parquet.")
    ] = None,
    output: FormatOption = Format.TABLE,
) -> None:
    """How often each setup worked, what it brought, and whether that is more than chance."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app import backtesting, measuring  # noqa: PLC0415
    from crypto_signals.app.rules import own_detectors  # noqa: PLC0415
    from crypto_signals.engine.views import evidence_view  # noqa: PLC0415

    configuration = config.load()
    wanted = backtesting.Wanted(
        bars=bars,
        timeframe=timeframe,
        first_day=from_ and from_.replace(tzinfo=UTC),
        last_day=to and to.replace(tzinfo=UTC),
        symbols=symbol,
        strategy=strategy,
    )
    with own_detectors(configuration) as known:
        prepared = backtesting.prepare(configuration, known, wanted)
        path = measuring.file_for(configuration, file)
        say_what_is_wrong(prepared)
        with told("series") as progress:
            findings = measuring.measure(prepared, progress)
        page = measuring.write(findings, prepared, path)
        say_faults(known.faults)
    if output is Format.JSON:
        print_json(evidence_view(row) for row in findings.rows)
    else:
        _tables(findings, path, page)
    raise typer.Exit(1 if prepared.errors or known.faults else 0)


def _tables(findings: "Findings", path: Path, page: Path) -> None:
    """What had enough trades to be tested, the verdict, and where the rest is."""
    from crypto_signals.domain.evidence import Verdict  # noqa: PLC0415
    from crypto_signals.research.report.evidence_page import ranked, subtitle, verdict  # noqa: PLC0415

    whole = [row for row in ranked(findings.rows) if row.conviction is None]
    enough = [row for row in whole if row.verdict is not Verdict.TOO_FEW]
    out().print(Text(subtitle(findings)), soft_wrap=True)
    if enough:
        names = (
            "setup",
            "of",
            "trades",
            "reached target 1",
            "mean R",
            "90 %",
            "random",
            "p, all tested",
            "verdict",
        )
        print_table("Evidence", names, map(_row, enough))
    few = sum(row.n > 0 for row in whole) - len(enough)
    where = (
        f"{few} setups have too few trades to say, {sum(not row.n for row in whole)} have none",
        verdict(findings),
        f"the evidence  {path}",
        f"the page      {page}",
        f"to quote it with each signal, set EVIDENCE_FILE={path}",
    )
    for line in where:
        out().print(Text(line), soft_wrap=True)


def _row(row: "Evidence") -> tuple[str, ...]:
    from crypto_signals.domain.wording import signed  # noqa: PLC0415

    def said(value: float | None, digits: int = 2) -> str:
        return "" if value is None else signed(value, digits)

    hit = "" if row.hit_rate is None else f"{row.hit_rate:.0%}"
    p = "" if row.p_value_adjusted is None else f"{row.p_value_adjusted:.3f}"
    return (
        row.detector,
        row.asset_class.value,
        f"{row.n:,}",
        hit,
        said(row.mean_r),
        f"{said(row.mean_r_lo)} to {said(row.mean_r_hi)}",
        said(row.baseline_mean_r),
        p,
        row.verdict.value,
    )
