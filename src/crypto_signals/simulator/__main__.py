"""``python -m crypto_signals.simulator --port 8099 --bars FILE``."""

import argparse
from datetime import datetime
from pathlib import Path

from crypto_signals.domain.errors import UsageError
from crypto_signals.simulator.server import serve
from crypto_signals.simulator.settings import NO_LIMITS, Limits, SimulatorSettings


def instant(text: str) -> datetime:
    """A point in time; without an offset it would mean something else on every machine."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError("no UTC offset")
    return parsed


def file(text: str) -> Path:
    """The path of a file that exists."""
    path = Path(text)
    if not path.is_file():
        raise ValueError("no such file")
    return path


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m crypto_signals.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--bars", type=file, action="append", default=[], help="a Parquet file; repeatable")
    parser.add_argument("--now", type=instant, help="virtual time, such as 2018-12-31T00:05:00Z")
    parser.add_argument("--no-limits", action="store_true", help="switch all rate limits off")
    parser.add_argument("--plan", choices=["basic", "plus"], default="basic", help="of the Alpaca account")
    options = parser.parse_args()
    limits = NO_LIMITS if options.no_limits else Limits()
    settings = SimulatorSettings(limits=limits, bars=tuple(options.bars), now=options.now, plan=options.plan)
    try:
        serve(options.host, options.port, settings)
    except UsageError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
