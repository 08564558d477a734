"""``sentinel simulator``: the stand-ins for Alpaca and Discord."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from crypto_signals.domain.errors import UsageError


def simulator(
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65535)] = 8099,
    bars: Annotated[
        list[Path] | None,
        typer.Option("--bars", help="Bars to serve; may be repeated; without it there are none."),
    ] = None,
    now: Annotated[
        str | None, typer.Option(help="Where the clock stands, as 2018-12-31T00:05:00Z; else it is now.")
    ] = None,
    plan: Annotated[
        Literal["basic", "plus"], typer.Option(help="The Alpaca plan; basic withholds 15 minutes of SIP.")
    ] = "basic",
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Switch all rate limits off.")] = False,
    faults: Annotated[
        int | None, typer.Option(help="Let requests fail at random, in all known ways, from this seed.")
    ] = None,
    fault_rate: Annotated[float, typer.Option(help="How many of all requests fail.", min=0, max=1)] = 0.1,
) -> None:
    """Serve the stand-ins for Alpaca and Discord on loopback; open the printed url to see the threads."""
    from crypto_signals.simulator.random_faults import RandomFaults  # noqa: PLC0415 - as below
    from crypto_signals.simulator.server import serve  # noqa: PLC0415 - the command line starts without it
    from crypto_signals.simulator.settings import NO_LIMITS, Limits, SimulatorSettings  # noqa: PLC0415

    services: tuple[Literal["alpaca", "discord"], ...] = () if faults is None else ("alpaca", "discord")
    settings = SimulatorSettings(
        limits=NO_LIMITS if no_limits else Limits(),
        bars=tuple(bars or ()),
        now=_instant(now),
        plan=plan,
        faults=tuple(RandomFaults.evenly(faults or 0, service, fault_rate) for service in services),
    )
    serve(port=port, settings=settings)


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--now is {text!r}; write it like 2018-12-31T00:05:00Z") from None
    if instant.tzinfo is None:
        raise UsageError(f"--now is {text!r}, without a UTC offset; write it like 2018-12-31T00:05:00Z")
    return instant
