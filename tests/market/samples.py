"""Bars and files that the tests of this folder are made of."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crypto_signals.market.raw import VALUES, RawBars

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"

Row = tuple[str, float | None, float | None, float | None, float | None, float | None]


def utc(text: str) -> datetime:
    """An aware time from its ISO form, without a zone."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def stamps(*texts: str) -> np.ndarray:
    return np.array(texts, "datetime64[us]")


def raw(rows: Sequence[Row]) -> RawBars:
    """Bars from rows of stamp, open, high, low, close, volume; ``None`` is a missing value."""
    columns = [np.array([row[1 + at] for row in rows], np.float64) for at in range(len(VALUES))]
    return RawBars(stamps(*(row[0] for row in rows)), *columns)


def steady(first: str, bars: int, minutes: int = 1440, price: float = 100.0) -> list[Row]:
    """Valid rows, each unlike the one before, ``minutes`` apart."""
    start = np.datetime64(first, "us")
    rows: list[Row] = []
    for at in range(bars):
        close = round(price + (at * 7) % 11 - 5, 2)
        stamp = str(start + np.timedelta64(at * minutes, "m"))
        rows.append((stamp, price, max(price, close) + 1, min(price, close) - 1, close, 1000.0 + at))
    return rows


def write(path: Path, bars: dict[str, Sequence[Row]]) -> Path:
    """A Parquet file of bars files' own shape."""
    rows = [(symbol, *row) for symbol, own in bars.items() for row in own]
    columns: dict[str, object] = {
        "symbol": pa.array([row[0] for row in rows], pa.string()),
        "ts": pa.array(stamps(*(row[1] for row in rows)), pa.timestamp("us", "UTC")),
    }
    columns |= {name: pa.array([row[2 + at] for row in rows], pa.float64()) for at, name in enumerate(VALUES)}
    pq.write_table(pa.table(columns), path)
    return path
