"""``sentinel run``: one run of the main job."""

import time

import typer

from crypto_signals.cli.output import Format, FormatOption, notes, out, say, say_as
from crypto_signals.domain.errors import NoBars


def run(output: FormatOption = Format.TABLE) -> None:
    """One run of the main job with the configured services."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.live import live_job  # noqa: PLC0415
    from crypto_signals.app.watching import watch  # noqa: PLC0415
    from crypto_signals.cli.summary_view import show  # noqa: PLC0415
    from crypto_signals.process import stopped_by_signals  # noqa: PLC0415

    started = time.monotonic()
    configuration = config.load()
    say_as(configuration.settings.log_format)
    watched = watch(configuration, lambda problem: say(problem, "yellow"))
    for warning in configuration.warnings:
        say(warning, "yellow")
    came: list[int] = []
    console = out() if output is Format.TABLE else notes()
    try:
        with (
            watched.run(lambda: bool(came)) as note,
            live_job(configuration, console, watched.watcher) as (job, budget),
            stopped_by_signals(budget) as came,
        ):
            summary = job.run()
            note(summary)
    except NoBars as error:
        if not came:
            raise
        say(str(error), "red")
        raise typer.Exit(128 + came[0]) from None
    summary.duration_s = time.monotonic() - started
    show(summary, output)
    raise typer.Exit(128 + came[0] if came else summary.exit_code)
