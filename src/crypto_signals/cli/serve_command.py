"""``sentinel serve``: a run at every bar close."""

import typer

from crypto_signals.cli.output import notes, say, say_as


def serve() -> None:
    """Run at every bar close, by exchange calendar, until stopped; with /metrics, /healthz and /readyz."""
    from crypto_signals import config  # noqa: PLC0415 - the command line starts without them
    from crypto_signals.app.serving import serve_job  # noqa: PLC0415
    from crypto_signals.cli.output import Format  # noqa: PLC0415
    from crypto_signals.cli.summary_view import show  # noqa: PLC0415
    from crypto_signals.process import stopped_by_signals  # noqa: PLC0415
    from crypto_signals.web.server import is_private  # noqa: PLC0415

    configuration = config.load()
    say_as(configuration.settings.log_format)
    for warning in configuration.warnings:
        say(warning, "yellow")
    with (
        serve_job(
            configuration,
            notes(),
            lambda problem: say(problem, "red"),
            lambda summary: show(summary, Format.JSON),
        ) as (loop, life, url),
        stopped_by_signals(life) as came,
    ):
        say(f"serving {url}/metrics, {url}/healthz and {url}/readyz; the first run begins")
        if not is_private(configuration.settings.http_bind):
            say("HTTP_BIND: whoever can reach this machine can read these pages", "yellow")
        loop.go_on()
    raise typer.Exit(128 + came[0])
