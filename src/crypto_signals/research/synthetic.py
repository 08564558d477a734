"""Drawn bars: markets that never were, and bars that no market should print."""

from collections.abc import Iterator

import numpy as np

from crypto_signals.analysis.panel import Floats, Series

_DAY = np.timedelta64(1, "D")
SCALES = (1e-8, 1.0, 1e8)
SHORT = (0, 1, 2, 3, 15)


def walk(seed: int, bars: int, symbol: str = "WALK") -> Series:
    """A random walk with fat tails, gaps and shadows."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, bars) * 0.01))
    opened = close * np.exp(rng.normal(0, 0.005, bars))
    high = np.maximum(opened, close) * (1 + rng.exponential(0.005, bars))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.004, bars))
    return _dated(symbol, (opened, high, low, close), rng.lognormal(10, 1, bars))


def nasty(seed: int, bars: int) -> Iterator[tuple[str, Series]]:
    """Series of every kind that should never reach a detector, each with what is wrong with it."""
    plain = walk(seed, bars)
    for length in SHORT:
        yield f"{length} bars", plain[:length]
    for scale in SCALES:
        yield f"prices near {100 * scale:g}", scaled(plain, scale)
    flat = np.full(bars, 5.0)
    yield "constant prices", _dated("FLAT", (flat, flat, flat, flat), plain.volume)
    yield "no volume", _dated("QUIET", _prices(plain), np.zeros(bars))
    yield "high and low swapped", _dated("CROSSED", (plain.open, plain.low, plain.high, plain.close), flat)
    yield "negative prices", scaled(plain, -1.0)
    for value in (np.nan, 0.0, -1.0, np.inf, 1e300):
        yield f"{value:g} here and there", defiled(plain, seed, value)


def scaled(series: Series, factor: float) -> Series:
    """The same bars at other prices; volume stays."""
    prices = tuple(column * factor for column in _prices(series))
    return Series.of(series.symbol, series.ts, prices, series.volume, series.suspect)  # type: ignore[arg-type]


def defiled(series: Series, seed: int, value: float) -> Series:
    """The same bars with ``value`` in one cell of fifty; half of the bars concerned are marked suspect."""
    rng = np.random.default_rng(seed)
    cells = np.stack((*_prices(series), series.volume))
    bad = rng.random(cells.shape) < 0.02
    cells[bad] = value
    suspect = series.suspect | (bad.any(axis=0) & (rng.random(len(series)) < 0.5))
    opened, high, low, close, volume = cells
    return Series.of(series.symbol, series.ts, (opened, high, low, close), volume, suspect)


def copied(series: Series) -> Series:
    """The same bars in memory of their own: whoever writes to them harms nobody else."""
    prices = tuple(column.copy() for column in _prices(series))
    suspect = series.suspect.copy()
    return Series.of(series.symbol, series.ts.copy(), prices, series.volume.copy(), suspect)  # type: ignore[arg-type]


def _prices(series: Series) -> tuple[Floats, Floats, Floats, Floats]:
    return series.open, series.high, series.low, series.close


def _dated(symbol: str, prices: tuple[Floats, Floats, Floats, Floats], volume: Floats) -> Series:
    stamps = np.datetime64("2010-01-01", "us") + np.arange(len(volume)) * _DAY
    return Series.of(symbol, stamps, prices, volume)
