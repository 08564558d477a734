"""Bars for the tests of this room: real ones from the shared files, and drawn ones."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from crypto_signals.analysis.panel import Floats, Series

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
COLUMNS = ("open", "high", "low", "close", "volume")
CALM_BARS = 260


def shared_file(name: str) -> Path:
    """The path of a shared file; skips the test, saying so, where it is missing."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"shared/data/{name} is not beside this checkout")
    return path


def real_series(name: str, symbol: str) -> Series:
    """The valid bars of one symbol in one of the shared Parquet files."""
    return _read(shared_file(f"{name}.parquet"), symbol)


@cache
def _read(path: Path, symbol: str) -> Series:
    table = pq.read_table(path, filters=[("symbol", "==", symbol)]).sort_by("ts")
    opened, high, low, close, volume = (table[name].to_numpy() for name in COLUMNS)
    valid = (low > 0) & (high >= np.maximum(opened, close)) & (low <= np.minimum(opened, close))
    stamps = table["ts"].cast("int64").to_numpy().view("datetime64[us]")
    prices = (opened[valid], high[valid], low[valid], close[valid])
    return Series.of(symbol, stamps[valid], prices, volume[valid])


def drawn(closes: Sequence[float] | Floats, *, symbol: str = "DRAWN", wick: float = 0.3) -> Series:
    """Daily bars that open at the close before and reach ``wick`` beyond their bodies."""
    close = np.asarray(closes, np.float64)
    opened = np.concatenate((close[:1], close[:-1]))
    high, low = np.maximum(opened, close) + wick, np.minimum(opened, close) - wick
    return dated(symbol, opened, high, low, close, np.full(len(close), 1000.0))


def dated(symbol: str, *columns: Floats) -> Series:
    """Daily bars from 2010 on; ``columns`` are open, high, low, close and volume."""
    opened, high, low, close, volume = columns
    stamps = np.datetime64("2010-01-01", "us") + np.arange(len(close)) * np.timedelta64(1, "D")
    return Series.of(symbol, stamps, (opened, high, low, close), volume)


def calm_then(knots: Sequence[tuple[int, float]], *, start: float = 100.0) -> Floats:
    """Closes that swing gently around ``start`` for 260 bars, then run straight from knot to knot.

    A knot is (bars since the knot before, price).
    """
    calm = start + 0.4 * np.sin(np.arange(CALM_BARS))
    path = [calm]
    price = start
    for bars, target in knots:
        path.append(price + (target - price) * np.arange(1, bars + 1) / bars)
        price = target
    return np.concatenate(path)


def random_series(seed: int, bars: int, *, symbol: str = "RANDOM") -> Series:
    """A random walk with fat tails and gaps."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, bars) * 0.01))
    opened = close * np.exp(rng.normal(0, 0.005, bars))
    high = np.maximum(opened, close) * (1 + rng.exponential(0.005, bars))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.004, bars))
    return dated(symbol, opened, high, low, close, rng.lognormal(10, 1, bars))
