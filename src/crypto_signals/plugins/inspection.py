"""The conformance kit on one source, in a process of its own.

Writes what it finds to a file, one JSON object a line and each at once, so that whoever waits knows how far
it came when it has to be ended.
"""

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import runs_on
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.files import read_bars
from crypto_signals.market.prepare import prepared
from crypto_signals.plugins.guard import Lane, limited
from crypto_signals.plugins.sources import Source, load
from crypto_signals.research.conformance import Plan, digests, examine, examine_on_nasty_bars
from crypto_signals.research.speed import speed_of
from crypto_signals.research.synthetic import walk

Say = Callable[[dict[str, object]], None]

SAMPLES = (
    ("crypto_daily.parquet", "BTC/USD", "1Day"),
    ("equity_daily.parquet", "AAPL", "1Day"),
    ("crypto_hourly.parquet", "BTC/USD", "1Hour"),
)
BARS_BEYOND_WARM_UP = 400
SECONDS_A_CALL = 2.0
PLAN = Plan(prefixes=12, drops=2)


def main(arguments: Sequence[str]) -> None:
    """``judge`` a source, or give its ``digests``; the names that follow are left out."""
    report, job, path, entry_point, *left_out = arguments
    with Path(report).open("a", encoding="utf-8") as file:

        def say(line: dict[str, object]) -> None:
            file.write(json.dumps(line) + "\n")
            file.flush()

        _inspect(Source(Path(path) if path else None, entry_point), job, frozenset(left_out), say)


def _inspect(source: Source, job: str, left_out: frozenset[str], say: Say) -> None:
    try:
        detectors = load(source)
    except UsageError as error:
        say({"usage": list(error.problems)})
        return
    say({"imported": [entry.name for entry in detectors]})
    lane = Lane()
    for entry in detectors:
        if entry.name in left_out:
            continue
        say({"judging": entry.name})
        safe = limited(entry, lane, SECONDS_A_CALL)
        if job == "judge":
            say({"judged": entry.name, "fault": fault_of(safe), "digest": _digest(safe)})
        else:
            say({"judged": entry.name, "digest": _digest(safe)})


def fault_of(entry: Detector) -> str:
    """The first check that the detector fails on the samples, with its detail; empty: it passes them all."""
    own = (entry,)
    for series in _series(entry.warm_up_bars + BARS_BEYOND_WARM_UP):
        if not runs_on(entry, series):
            continue
        found = examine(series, own, PLAN)
        if found.failures:
            return _first(found.failures)
        start = found.starts[entry.name]
        if not start.passed:
            return f"start_invariant: {start.detail}"
    if failures := examine_on_nasty_bars(own, PLAN.seed).failures:
        return _first(failures)
    speed = speed_of(entry)
    return "" if speed.passed else f"speed: {speed.detail}"


def _first(failures: dict[tuple[str, str], str]) -> str:
    (check, _), detail = next(iter(failures.items()))
    return f"{check}: {detail}"


def _digest(entry: Detector) -> str:
    """Of one series whose symbol the judging begins with, and of one with which it does not."""
    bars = entry.warm_up_bars + BARS_BEYOND_WARM_UP
    return digests([_sample(*SAMPLES[0])[-bars:], walk(2, bars)], [entry])[entry.name]


def _series(bars: int) -> Iterable[Series]:
    yield walk(1, bars)
    for name, symbol, timeframe in SAMPLES:
        yield _sample(name, symbol, timeframe)[-bars:]


@cache
def _sample(name: str, symbol: str, timeframe: str) -> Series:
    """Bundled real bars."""
    raw = read_bars([Path(__file__).parents[1] / "data" / name])[symbol]
    series, _ = prepared(Instrument.of(symbol), Timeframe(timeframe), raw, MarketCalendar())
    return series


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(sys.argv[1:])
