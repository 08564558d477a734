"""The report as one HTML page: no script but its own few lines, no request to the network."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from crypto_signals.research.report import curves, tables, words
from crypto_signals.research.report.summary import Report
from crypto_signals.research.report.templating import template


def page(report: Report, charts: Mapping[int, str], notes: Sequence[str] = ()) -> str:
    """``charts`` are links to the pages of some trades, by their row in the table; ``notes`` what was wrong
    with the bars."""
    traded = bool(report.total.closed)
    drawings = {
        "equity": curves.equity(report),
        "drawdown": curves.drawdown(report),
        "distribution": curves.distribution(report) if traded else "",
        "excursions": curves.excursions(report) if traded else "",
    }
    return template("report.html").render(
        strategy=report.result.test.strategy.name,
        subtitle=words.subtitle(report),
        verdict=words.verdict(report),
        notes=list(notes),
        headline=words.headline(report) if traded else [],
        drawings={name: Markup(svg) for name, svg in drawings.items()},  # noqa: S704 - drawn from numbers
        months=tables.months(report),
        detectors=tables.detectors(report),
        convictions=tables.convictions(report),
        exits=tables.exits(report),
        years=tables.years(report),
        regimes=tables.regimes(report),
        gates=tables.gates(report),
        facts=list(words.facts(report)),
        trades=tables.trades(report, charts),
        trades_note=words.trades_note(report),
        traded=traded,
    )
