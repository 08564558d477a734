"""Bars from files, as the stand-in for Alpaca holds them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
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
ACTIONS = {"split_factor": 1.0, "dividend": 0.0}
"""What may happen to a stock on a day, with what stands for nothing."""

Stamps = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """The bars of one symbol on one timeframe, in order; ``ts`` is in microseconds since 1970, UTC.

    ``values`` are open, high, low, close and volume. ``actions``, where the file tells them, are for each bar
    the split and the cash dividend that take effect when it opens (1 and 0 for none); prices are raw then.
    """

    ts: Stamps
    values: Values
    whole_volume: bool
    actions: Values | None = None

    def __len__(self) -> int:
        return len(self.ts)

    def between(self, start: int, end: int) -> slice:
        """The bars with ``start <= ts <= end``."""
        first, last = np.searchsorted(self.ts, [start, end + 1])
        return slice(int(first), int(last))

    def as_json(self, which: slice) -> list[str]:
        """The text of each bar; a dict for each would make a page of 10,000 take three times as long.

        Files tell neither the number of trades nor their average price: ``n`` is 1 where there was volume,
        ``vw`` the mean of high, low and close; both are 0 without volume, as Alpaca has it.
        """
        values = self.values[which]
        traded = values[:, 4] > 0
        volume = values[:, 4].astype(np.int64) if self.whole_volume else values[:, 4]
        average = np.where(traded, values[:, 1:4].sum(axis=1) / 3, 0.0)
        columns = (*values[:, :4].T, volume, traded.astype(np.int64), average)
        stamps = np.datetime_as_string(self.ts[which].view("datetime64[us]"), unit="s")
        return [
            f'{{"t":"{t}Z","o":{o},"h":{h},"l":{low},"c":{c},"v":{v},"n":{n},"vw":{vw}}}'
            for t, o, h, low, c, v, n, vw in zip(
                stamps.tolist(), *(column.tolist() for column in columns), strict=True
            )
        ]


class BarsStore:
    """Bars by symbol and by the length of their interval in microseconds."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, int], Series] = {}

    @classmethod
    def from_files(cls, paths: Iterable[Path]) -> "BarsStore":
        """Read Parquet files with the columns ``symbol, ts, open, high, low, close, volume``, and perhaps
        ``split_factor`` or ``dividend``.

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

    def symbols(self) -> list[str]:
        """Every symbol of which there are bars."""
        return sorted({symbol for symbol, _ in self._series})

    def intervals(self, symbol: str) -> list[int]:
        """The timeframes on which there are bars of a symbol, the shortest first."""
        return sorted(interval for name, interval in self._series if name == symbol)


def microseconds(instant: datetime) -> int:
    """An instant as the number that ``Series.ts`` holds."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant_of(ts: int) -> datetime:
    """The instant that ``Series.ts`` means."""
    return EPOCH + timedelta(microseconds=ts)


def _read(path: Path) -> Iterator[tuple[str, Series, int]]:
    names, codes, stamps, values = _columns(path)
    firsts = np.searchsorted(codes, np.arange(len(names) + 1))
    for symbol, first, last in zip(names, firsts, firsts[1:], strict=False):
        ts, rows = stamps[first:last], values[first:last]
        if not len(ts):
            continue
        interval = _interval(ts)
        equity = "/" not in symbol
        if equity and interval == DAY:
            ts = _new_york_midnights(ts)
        actions = rows[:, 5:] if rows.shape[1] > 5 else None
        yield symbol, Series(ts, rows[:, :5], equity, actions), interval


def _columns(path: Path) -> tuple[list[str], Stamps, Stamps, Values]:
    """The symbols, then each row's symbol as its place among them, its stamp and its numbers, sorted.

    JSON has no way to say NaN, so rows with one are left out.
    """
    table = _table(path)
    encoded = table["symbol"].cast(pa.string()).combine_chunks().dictionary_encode()
    stamps = table["ts"].cast(pa.timestamp("us", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
    values = np.column_stack([table[name].to_numpy().astype(np.float64) for name in table.column_names[2:]])
    codes = encoded.indices.to_numpy().astype(np.int64)
    order = np.lexsort((stamps, codes))
    order = order[np.isfinite(values[order]).all(axis=1)]
    return encoded.dictionary.to_pylist(), codes[order], stamps[order], values[order]


def _table(path: Path) -> pa.Table:
    try:
        known = set(pq.read_schema(path).names)
        told = known & ACTIONS.keys()
        table = pq.read_table(path, columns=[*COLUMNS, *told])
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file; check the path") from None
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read as Parquet: {str(error).splitlines()[0]}") from None
    if not told:
        return table
    for name in ACTIONS.keys() - told:
        table = table.append_column(name, pa.array(np.full(len(table), ACTIONS[name])))
    return table.select([*COLUMNS, *ACTIONS])


def _interval(ts: Stamps) -> int:
    steps = np.diff(ts)
    steps = steps[steps > 0]
    return int(steps.min()) if len(steps) else DAY


def _new_york_midnights(ts: Stamps) -> Stamps:
    """Files stamp a stock's day at 00:00 UTC of its date, Alpaca at New York's midnight, 04:00Z or 05:00Z."""
    days, positions = np.unique(ts, return_inverse=True)
    moved = [_new_york_midnight(int(day)) if day % DAY == 0 else int(day) for day in days]
    return np.asarray(moved, dtype=np.int64)[positions]


@cache
def _new_york_midnight(day: int) -> int:
    date = datetime.fromtimestamp(day // SECOND, UTC)
    return microseconds(date.replace(tzinfo=NEW_YORK))
