"""Bars from files, in the shape in which Alpaca serves them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from crypto_signals.domain.errors import UsageError

NEW_YORK = ZoneInfo("America/New_York")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
DAY = 86_400 * SECOND
COLUMNS = ("symbol", "ts", "open", "high", "low", "close", "volume")

Stamps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """The bars of one symbol on one timeframe, in order; ``ts`` is in microseconds since 1970, UTC."""

    ts: Stamps
    values: NDArray[np.float64]
    whole_volume: bool

    def between(self, start: int, end: int) -> range:
        """The bars with ``start <= ts <= end``."""
        first, last = np.searchsorted(self.ts, [start, end + 1])
        return range(int(first), int(last))

    def as_json(self, index: int) -> dict[str, Any]:
        """One bar. Files tell neither the number of trades nor their average price: ``n`` is 1 where there
        was volume, ``vw`` the mean of high, low and close; both are 0 without volume, as Alpaca has it.
        """
        opened, high, low, close, volume = (float(value) for value in self.values[index])
        traded = volume > 0
        return {
            "t": stamp_z(int(self.ts[index])),
            "o": opened,
            "h": high,
            "l": low,
            "c": close,
            "v": int(volume) if self.whole_volume else volume,
            "n": int(traded),
            "vw": (high + low + close) / 3 if traded else 0.0,
        }


class BarsStore:
    """Bars by symbol and by the length of their interval in microseconds."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, int], Series] = {}

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> "BarsStore":
        """Read Parquet files with the columns ``symbol, ts, open, high, low, close, volume``.

        The interval is the shortest distance between two bars of a symbol. A later file replaces the
        symbol's bars of the same interval. Raises ``UsageError`` for a file that cannot be read.
        """
        store = cls()
        for path in paths:
            for symbol, series, interval in _read(path):
                store._series[symbol, interval] = series
        return store

    def get(self, symbol: str, interval: int) -> Series | None:
        """The bars of a symbol, or None when no file has them on this timeframe."""
        return self._series.get((symbol, interval))


def microseconds(instant: datetime) -> int:
    """An instant as the number that ``Series.ts`` holds."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def stamp_z(ts: int) -> str:
    """``2022-03-09T05:00:00Z``; bars start on whole seconds."""
    return datetime.fromtimestamp(ts // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: Path) -> Iterator[tuple[str, Series, int]]:
    symbols, stamps, values = _columns(path)
    names, firsts = np.unique(symbols, return_index=True)
    for name, first, last in zip(names, firsts, [*firsts[1:], len(symbols)], strict=True):
        symbol, ts = str(name), stamps[first:last]
        interval = _interval(ts)
        equity = "/" not in symbol
        if equity and interval == DAY:
            ts = _new_york_midnights(ts)
        yield symbol, Series(ts, values[first:last], equity), interval


def _columns(path: Path) -> tuple[NDArray[np.str_], Stamps, NDArray[np.float64]]:
    """Symbols, stamps and numbers, sorted. JSON has no way to say NaN, so rows with one are left out."""
    table = _table(path)
    symbols = np.asarray(table["symbol"].cast(pa.string()).to_pylist(), dtype=np.str_)
    stamps = table["ts"].cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
    values = np.column_stack([table[name].to_numpy().astype(np.float64) for name in COLUMNS[2:]])
    order = np.lexsort((stamps, symbols))
    order = order[np.isfinite(values[order]).all(axis=1)]
    return symbols[order], stamps[order], values[order]


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, columns=list(COLUMNS))
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; check the path") from None
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {str(error).splitlines()[0]}") from None


def _interval(ts: Stamps) -> int:
    steps = np.diff(ts)
    steps = steps[steps > 0]
    return int(steps.min()) if len(steps) else DAY


def _new_york_midnights(ts: Stamps) -> Stamps:
    """Files stamp a stock's day at 00:00 UTC of its date, Alpaca at New York's midnight, 04:00Z or 05:00Z."""
    days, positions = np.unique(ts, return_inverse=True)
    moved = [_new_york_midnight(int(day)) if day % DAY == 0 else int(day) for day in days]
    return np.asarray(moved, dtype=np.int64)[positions]


def _new_york_midnight(day: int) -> int:
    date = datetime.fromtimestamp(day // SECOND, UTC)
    return microseconds(date.replace(tzinfo=NEW_YORK))
