"""Drawn bars for the benchmarks: random walks on the sessions of the exchange."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crypto_signals.analysis.panel import Panel, Series
from crypto_signals.market.sessions import HOLIDAYS

FIRST_DAY = "2012-01-02"
DRAWN = 200
"""So many different walks are drawn; larger panels repeat them at other prices."""


def walk(seed: int, bars: int) -> Series:
    """A random walk with gaps, fat tails and shadows; one bar a day."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(rng.standard_t(4, bars) * 0.01))
    opened = close * np.exp(rng.normal(0, 0.005, bars))
    high = np.maximum(opened, close) * (1 + rng.exponential(0.005, bars))
    low = np.minimum(opened, close) * (1 - rng.exponential(0.005, bars))
    stamps = np.datetime64("1700-01-01", "us") + np.arange(bars) * np.timedelta64(1, "D")
    return Series.of(f"S{seed:05}", stamps, (opened, high, low, close), rng.lognormal(10, 1, bars))


def market(symbols: int, bars: int) -> Panel:
    """Many walks."""
    return Panel.of(walk(seed, bars) for seed in range(symbols))


def write_market(path: Path, symbols: int, bars: int) -> None:
    """A Parquet file of stocks with one bar a session."""
    drawn = [walk(seed, bars) for seed in range(min(symbols, DRAWN))]
    scale = np.repeat(1 + np.arange(symbols) / symbols, bars)
    values = {}
    for name in ("open", "high", "low", "close"):
        once = [getattr(series, name) for series in drawn]
        values[name] = np.concatenate([once[n % DRAWN] for n in range(symbols)]) * scale
    values["volume"] = np.concatenate([drawn[n % DRAWN].volume for n in range(symbols)])
    names = pa.array(np.repeat([f"S{n:05}" for n in range(symbols)], bars)).dictionary_encode()
    stamps = pa.array(np.tile(_sessions(bars), symbols)).cast(pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"symbol": names, "ts": stamps, **values}), path)


def _sessions(count: int) -> np.ndarray:
    days = [
        f"{year}-{day[:2]}-{day[2:]}"
        for year, *rest in (line.split() for line in HOLIDAYS.split("\n") if line)
        for day in rest
    ]
    calendar = np.busdaycalendar(holidays=np.array(days, "datetime64[D]"))
    return np.busday_offset(
        np.datetime64(FIRST_DAY), np.arange(count), roll="forward", busdaycal=calendar
    ).astype("datetime64[us]")
