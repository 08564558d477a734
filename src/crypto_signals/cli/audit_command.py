"""``sentinel audit``: the conformance kit over bars."""

import os
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crypto_signals.cli.output import Format, FormatOption, notes, print_json, print_table, say
from crypto_signals.domain.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crypto_signals.analysis.catalogue import Catalogue
    from crypto_signals.analysis.panel import Series
    from crypto_signals.domain.strategy import Strategy
    from crypto_signals.research.backtest_audit import Rules
    from crypto_signals.research.checks import Check


def audit(
    bars: Annotated[
        list[Path], typer.Option("--bars", help="A Parquet or CSV file of bars, or a folder of them.")
    ],
    detector: Annotated[
        list[str] | None, typer.Option("--detector", help="Only this detector; may be repeated.")
    ] = None,
    timeframe: Annotated[str, typer.Option(help="The length of a bar: 5Min, 1Hour, 1Day, …")] = "1Day",
    symbol: Annotated[
        list[str] | None, typer.Option("--symbol", help="Only this symbol; may be repeated.")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Replay every prefix, in windows of 800 bars, not a sample.")
    ] = False,
    output: FormatOption = Format.TABLE,
) -> None:
    """Whether detectors tell nothing that later bars change, and backtests what a live run tells."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.plugins import find_sources, unjudged_catalogue  # noqa: PLC0415
    from crypto_signals.research.audit import audit as run  # noqa: PLC0415
    from crypto_signals.research.conformance import Plan  # noqa: PLC0415

    configured = config.load()
    wanted = configured.detectors
    sources = find_sources(wanted.paths)
    load = partial(unjudged_catalogue, sources, wanted.seconds, wanted.harmonic_tolerance)
    names = _chosen(load(), detector)
    series, unread = _series(bars, timeframe, symbol)
    rules = _rules(configured.strategies, timeframe, names if detector else None)
    with notes().status("") as status:

        def tell(what: str, done: int, total: int) -> None:
            status.update(f"{what} {done} of {total}")

        checks = run(
            series,
            load,
            names,
            Plan(full=full, with_indicators=detector is None),
            rules=rules,
            workers=max(1, min(os.cpu_count() or 1, len(series))),
            progress=tell,
        )
    if output is Format.JSON:
        print_json(check.as_dict() for check in checks)
    else:
        _tables(checks)
    raise typer.Exit(int(unread > 0 or not all(check.passed for check in checks)))


def _chosen(catalogue: "Catalogue", wanted: list[str] | None) -> tuple[str, ...]:
    from difflib import get_close_matches  # noqa: PLC0415

    from crypto_signals.domain.errors import UsageError  # noqa: PLC0415

    problems = [
        f"--detector {name}: there is no such detector; "
        f"the nearest known one is {get_close_matches(name, catalogue.names, n=1, cutoff=0.0)[0]}"
        for name in wanted or ()
        if name not in catalogue
    ]
    if problems:
        raise UsageError(problems)
    return tuple(dict.fromkeys(wanted)) if wanted else catalogue.names


def _rules(
    strategies: "Sequence[Strategy]", timeframe: str, triggers: tuple[str, ...] | None
) -> "list[Rules]":
    """The configured strategies of the timeframe, or the default one; with ``triggers``, these may open."""
    from crypto_signals.app.bars import timeframe_of  # noqa: PLC0415
    from crypto_signals.domain.strategy import Strategy  # noqa: PLC0415
    from crypto_signals.market.calendars import MarketCalendar  # noqa: PLC0415
    from crypto_signals.research.backtest_audit import Rules  # noqa: PLC0415

    name = timeframe_of(timeframe).name
    tested = [one for one in strategies if one.timeframe == name] or [Strategy(timeframe=name)]
    if triggers is not None:
        tested = [one.model_copy(update={"triggers": triggers}) for one in tested]
    calendar, alone = MarketCalendar(), len(tested) == 1
    return [Rules(one, calendar, "backtest" if alone else f"backtest {one.name}") for one in tested]


def _series(bars: list[Path], timeframe: str, symbols: list[str] | None) -> "tuple[list[Series], int]":
    """The valid bars, and of how many symbols there are none; what was wrong is said on stderr."""
    from crypto_signals.app.bars import file_history  # noqa: PLC0415
    from crypto_signals.market.quality import summarise  # noqa: PLC0415

    history = file_history(bars, timeframe, symbols)
    for line in summarise(history.problems):
        say(line, "yellow")
    for error in history.errors:
        say(f"{error.symbol}: {error.error}", "red")
    return list(history.panel), len(history.errors)


def _tables(checks: "list[Check]") -> None:
    """How many passed, what was measured of indicators and families, and every failure."""
    asked, passed = Counter(row.check for row in checks), Counter(row.check for row in checks if row.passed)
    print_table("Audit", ("check", "asked", "passed"), ((name, asked[name], passed[name]) for name in asked))
    measured = [row for row in checks if row.check == "start_invariant" and " " in row.subject]
    if measured:
        rows = ((row.subject, row.detail) for row in measured)
        print_table("Where history starts", ("subject", "measured"), rows)
    proven = [row for row in checks if row.subject.startswith("backtest") and row.passed]
    if proven:
        print_table("Backtest", ("check", "measured"), ((row.check, row.detail) for row in proven))
    failed = [row for row in checks if not row.passed]
    if failed:
        print_table(
            "Failed", ("check", "subject", "detail"), ((r.check, r.subject, r.detail) for r in failed)
        )
    say(
        "every check passed" if not failed else f"{counted(len(failed), 'check')} failed",
        "green" if not failed else "red",
    )
