"""``sentinel simulator``: the stand-ins for Alpaca and Discord."""

from pathlib import Path
from typing import Annotated

import typer


def simulator(
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8099,
    bars: Annotated[list[Path] | None, typer.Option("--bars", help="Bars to serve; may be repeated.")] = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Switch all rate limits off.")] = False,
) -> None:
    """Serve the stand-ins for Alpaca and Discord on loopback; open the printed url to see the threads."""
    from crypto_signals.simulator.server import serve  # noqa: PLC0415 - the command line starts without it
    from crypto_signals.simulator.settings import NO_LIMITS, Limits, SimulatorSettings  # noqa: PLC0415

    limits = NO_LIMITS if no_limits else Limits()
    serve(port=port, settings=SimulatorSettings(limits=limits, bars=tuple(bars or ())))
