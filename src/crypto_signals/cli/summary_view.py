"""The execution summary, the same after a run and after the demo."""

from crypto_signals.cli.output import Format, print_json, print_table, say
from crypto_signals.domain.wording import counted
from crypto_signals.engine.drift import Drift
from crypto_signals.engine.summary import Summary
from crypto_signals.market.quality import summarise

MOST_WARNINGS = 20


def show(summary: Summary, output: Format) -> None:
    """The figures on stdout; what went wrong, one line each, on stderr."""
    if output is Format.JSON:
        print_json([summary.as_dict()])
    else:
        print_table("Execution summary", ("", "figure"), figures(summary))
    warnings = [*map(_drift_line, summary.drift), *summary.warnings, *summarise(summary.problems)]
    for warning in warnings[:MOST_WARNINGS]:
        say(warning, "yellow")
    if len(warnings) > MOST_WARNINGS:
        say(f"… and {counted(len(warnings) - MOST_WARNINGS, 'more warning')}", "yellow")
    for error in summary.errors:
        say(f"{error.symbol or '-'} ({error.service}): {error.error}", "red")


def _drift_line(drift: Drift) -> str:
    return (
        f"{drift.detector} ({drift.asset_class}) no longer does as was measured: {drift.hit_rate:.0%} of "
        f"{drift.n} trades reached target 1 first, where at least {drift.expected_lo:.0%} did"
    )


def figures(summary: Summary) -> list[tuple[str, object]]:
    """Each figure with its name, in the order in which one reads them."""
    return [
        ("duration", f"{summary.duration_s:.1f} s"),
        ("symbols", f"{summary.symbols_processed} of {summary.symbols_total}"),
        ("signals", summary.signals),
        ("shadow signals", summary.shadow_signals),
        ("announcements", summary.announcements),
        ("follow-ups, cards", f"{summary.follow_ups}, {summary.cards}"),
        ("cancelled", summary.cancelled),
        ("still open", summary.open_signals),
        ("owed, unknown, dead", f"{summary.owed}, {summary.unknown}, {summary.dead}"),
        ("archived, deleted", f"{summary.archived}, {summary.deleted}"),
        ("bars removed", summary.quarantined),
        ("requests, retries", f"{summary.requests}, {summary.retries}"),
        ("errors", len(summary.errors)),
        ("result of closed trades", f"{summary.result_r:+.2f} R"),
    ]
