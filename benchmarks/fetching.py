"""The main job over Alpaca's stand-in, as a user runs it, with the limiter on: cold, a day later, at once."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.bars import write_market
from benchmarks.timing import Bar, Ran, ran

STORED_BARS = 520
NOW = datetime(2014, 1, 7, 21, 30, tzinfo=UTC)
LETTERS = "ABCDEFGHIJ"


def runs_over_alpaca(folder: Path) -> Iterator[Bar]:
    """1,000 symbols, then 6."""
    folder = folder / "alpaca"
    folder.mkdir()
    names = [_letters(number) for number in range(1000)]
    with _stand_in(_market(folder, names)) as url:
        yield from _many(folder / "many", url, names)
        yield from _few(folder / "few", url, names[:6])


def _many(home: Path, url: str, names: Sequence[str]) -> Iterator[Bar]:
    cold = _run(home, url, names, NOW)
    warm = _run(home, url, names, NOW + timedelta(days=1))
    again = _run(home, url, names, NOW + timedelta(days=1, minutes=1))
    for words, (found, requests), most, seconds in (
        ("sentinel run, 1,000 symbols, cold", cold, 60, 20.0),
        ("    a day later", warm, 12, 6.0),
        ("    and a minute after that", again, 0, 6.0),
    ):
        why = f"{found.cpu_seconds:.1f} s of the processor; the stand-in runs beside it"
        yield Bar(words, f"{found.seconds:.1f} s", f"< {seconds:.0f} s", found.seconds < seconds, why)
        yield Bar("    requests", f"{requests}", f"≤ {most}", requests <= most)
    peak = max(found.peak_mb for found, _ in (cold, warm, again))
    yield Bar("    peak memory", f"{peak:.0f} MB", "< 400 MB", peak < 400)


def _few(home: Path, url: str, names: Sequence[str]) -> Iterator[Bar]:
    found, requests = _run(home, url, names, NOW)
    why = f"{found.cpu_seconds:.1f} s of the processor, most of it imports"
    yield Bar(
        f"sentinel run, 6 symbols, cold, {requests} request",
        f"{found.seconds:.1f} s",
        "< 3 s",
        found.seconds < 3,
        why,
    )
    yield Bar("    peak memory", f"{found.peak_mb:.0f} MB", "< 250 MB", found.peak_mb < 250)


def _run(home: Path, url: str, names: Sequence[str], now: datetime) -> tuple[Ran, int]:
    """One run, and the requests that it made."""
    moment = now.isoformat()
    httpx.post(f"{url}/simulator/clock", json={"now": moment}, trust_env=False).raise_for_status()
    environment = {
        "SENTINEL_HOME": str(home),
        "SENTINEL_NOW": moment,
        "ALPACA_DATA_URL": url,
        "ALPACA_API_KEY": "key",
        "ALPACA_SECRET_KEY": "secret",
        "CRYPTO_SYMBOLS": ",",
        "EQUITY_SYMBOLS": ",".join(names),
    }
    found = ran("-m", "crypto_signals", "run", "--format", "json", environment=environment)
    summary = json.loads(found.said)
    if summary["symbols_processed"] != len(names):
        raise RuntimeError(f"{summary['symbols_processed']} of {len(names)} symbols were looked at")
    return found, summary["requests"]


def _letters(number: int) -> str:
    """A symbol of its own: ``AAA`` to ``JJJ``."""
    return "".join(LETTERS[int(digit)] for digit in f"{number:03}")


def _market(folder: Path, names: Sequence[str]) -> Path:
    path = folder / "market.parquet"
    write_market(path, len(names), STORED_BARS)
    table = pq.read_table(path)
    symbols = pa.DictionaryArray.from_arrays(table["symbol"].combine_chunks().indices, pa.array(names))
    pq.write_table(table.set_column(0, "symbol", symbols), path)
    return path


@contextmanager
def _stand_in(bars: Path) -> Iterator[str]:
    """The stand-in as a process of its own."""
    command = [
        sys.executable,
        "-m",
        "crypto_signals.simulator",
        "--bars",
        str(bars),
        "--now",
        NOW.isoformat(),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own words
        try:
            if process.stdout is None:
                raise RuntimeError("the stand-in says nothing")
            yield json.loads(process.stdout.readline())["alpaca_data_url"]
        finally:
            process.terminate()
            process.wait(10)
