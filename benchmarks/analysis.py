"""How long the analysis of one series takes, beside TA-Lib alone on the same arrays.

Run from the root of the repository: ``python -m benchmarks.analysis``.
"""

import time
from collections.abc import Callable

import numpy as np
import talib

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.scan import detect

BARS = 900
SERIES = 40
ROUNDS = 5


def walk(seed: int, bars: int) -> Series:
    """A random walk with gaps, fat tails and shadows."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, bars) * 0.01))
    opened = close * np.exp(rng.normal(0, 0.005, bars))
    high = np.maximum(opened, close) * (1 + rng.exponential(0.005, bars))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.005, bars))
    stamps = np.datetime64("2010-01-01", "us") + np.arange(bars) * np.timedelta64(1, "D")
    return Series.of(f"S{seed}", stamps, (opened, high, low, close), rng.lognormal(10, 1, bars))


def candles_alone(series: Series) -> None:
    """Every candlestick function of TA-Lib, and nothing else."""
    for name in talib.get_function_groups()["Pattern Recognition"]:
        getattr(talib, name)(series.open, series.high, series.low, series.close)


def milliseconds(work: Callable[[Series], object], rows: list[Series]) -> float:
    """The best of some rounds, in milliseconds a series."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for row in rows:
            work(row)
        best = min(best, time.perf_counter() - start)
    return 1000 * best / len(rows)


def main() -> None:
    """Print one line a piece of work: milliseconds a series, and the ratio to TA-Lib alone."""
    rows = [walk(seed, BARS) for seed in range(SERIES)]
    reference = milliseconds(candles_alone, rows)
    print(f"{'work':<44}{'ms':>8}{'ratio':>8}")
    for name, work in (
        ("TA-Lib's 61 candlestick functions alone", candles_alone),
        ("the whole catalogue, detections of the last bar", lambda row: detect(row, CATALOGUE, len(row) - 1)),
        ("the whole catalogue, every detection", lambda row: detect(row, CATALOGUE)),
    ):
        took = milliseconds(work, rows)
        print(f"{name:<48}{took:8.2f}{took / reference:8.2f}")
    long, short = walk(1, 500_000), walk(1, 50_000)
    ratio = milliseconds(lambda row: detect(row, CATALOGUE, len(row) - 1), [long])
    ratio /= milliseconds(lambda row: detect(row, CATALOGUE, len(row) - 1), [short])
    print(f"{'500,000 bars against 50,000':<48}{'':8}{ratio:8.2f}")


if __name__ == "__main__":
    main()
