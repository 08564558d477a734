"""``sentinel health``: each part that a run depends on, and what to do about it."""

from typing import TYPE_CHECKING

import typer

from crypto_signals.cli.output import Format, FormatOption, print_json, print_table

if TYPE_CHECKING:
    from crypto_signals.config import Configuration


def health(output: FormatOption = Format.TABLE) -> None:
    """Every configured service with its latency, or with its error and what to do. Nothing is posted."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them

    raise typer.Exit(examine_and_show(config.load(), output))


def examine_and_show(configuration: "Configuration", output: Format) -> int:
    """The findings on stdout; the exit code that they deserve."""
    from crypto_signals.app.health import health as examine  # noqa: PLC0415
    from crypto_signals.domain.vocabulary import Health  # noqa: PLC0415
    from crypto_signals.engine.health import worst  # noqa: PLC0415

    findings = examine(configuration)
    rows = [
        {
            "service": finding.service,
            "status": finding.status.value,
            "latency_ms": finding.latency_ms,
            "detail": finding.detail,
            "fix": finding.fix,
        }
        for finding in findings
    ]
    if output is Format.JSON:
        print_json(rows)
    else:
        columns = ("service", "status", "latency_ms", "detail", "fix")
        print_table("Health", columns, ([row[name] for name in columns] for row in rows))
    return int(worst(findings) is Health.DOWN)
