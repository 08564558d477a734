"""Bars as columns: one instrument's `Series`, many instruments' `Panel`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Times: TypeAlias = npt.NDArray[np.datetime64]

_TS = np.dtype("datetime64[us]")
_PRICES = ("open", "high", "low", "close", "volume")


def as_datetime(ts: np.datetime64) -> datetime:
    """The aware UTC datetime of a stamp.

    >>> as_datetime(np.datetime64("2018-01-02T00:00", "us")).isoformat()
    '2018-01-02T00:00:00+00:00'
    """
    moment = ts.astype(_TS).item()
    if not isinstance(moment, datetime):
        raise ValueError(f"{ts!r} is not a moment")  # noqa: TRY004 - NaT is a bad value, not a bad type
    return moment.replace(tzinfo=UTC)


def as_ts64(moment: datetime) -> np.datetime64:
    """The UTC stamp of an aware datetime; a naive one raises ValueError.

    >>> as_ts64(datetime(2018, 1, 2, tzinfo=UTC))
    np.datetime64('2018-01-02T00:00:00.000000')
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone")
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """The completed bars of one instrument on one timeframe.

    Every array has one entry a bar. ``ts`` is datetime64[us], the UTC opening time, strictly increasing;
    prices and volume are C-contiguous float64; ``suspect`` marks the bars that may open nothing.
    Raises ValueError, naming the symbol and the column, when an array breaks one of these rules.
    """

    symbol: str
    ts: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    suspect: Bools

    def __post_init__(self) -> None:
        self._check("ts", self.ts, _TS)
        for name in _PRICES:
            self._check(name, getattr(self, name), np.dtype(np.float64))
        self._check("suspect", self.suspect, np.dtype(np.bool_))
        stamps = self.ts.view(np.int64)
        if not (stamps[1:] > stamps[:-1]).all():
            bar = int(np.argmin(stamps[1:] > stamps[:-1])) + 1
            raise ValueError(f"{self.symbol}: ts is not strictly increasing at bar {bar} ({self.ts[bar]})")

    def _check(self, name: str, column: npt.NDArray[np.generic], dtype: np.dtype[np.generic]) -> None:
        if column.dtype != dtype:
            raise ValueError(f"{self.symbol}: {name} is {column.dtype}, not {dtype}")
        if column.shape != (len(self.ts),):
            raise ValueError(f"{self.symbol}: {name} has shape {column.shape}, not ({len(self.ts)},)")
        if not column.flags.c_contiguous:
            raise ValueError(f"{self.symbol}: {name} is not contiguous")

    @classmethod
    def of(
        cls,
        symbol: str,
        ts: npt.ArrayLike,
        prices: tuple[npt.ArrayLike, npt.ArrayLike, npt.ArrayLike, npt.ArrayLike],
        volume: npt.ArrayLike,
        suspect: npt.ArrayLike | None = None,
    ) -> "Series":
        """A Series from anything that numpy can read; ``prices`` are open, high, low, close.

        Copies only what has the wrong type or layout. Stamps are naive UTC. No bar is suspect by default.
        """
        stamps = np.ascontiguousarray(ts, dtype=_TS)
        opened, high, low, close = (np.ascontiguousarray(price, dtype=np.float64) for price in prices)
        flags = np.zeros(len(stamps), np.bool_) if suspect is None else suspect
        return cls(
            symbol,
            stamps,
            opened,
            high,
            low,
            close,
            np.ascontiguousarray(volume, dtype=np.float64),
            np.ascontiguousarray(flags, dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, bars: slice) -> "Series":
        """The bars of a slice with step 1, as views on the same memory."""
        if bars.step not in (None, 1):
            raise ValueError(f"{self.symbol}: a series is sliced without a step")
        return Series(
            self.symbol,
            self.ts[bars],
            self.open[bars],
            self.high[bars],
            self.low[bars],
            self.close[bars],
            self.volume[bars],
            self.suspect[bars],
        )

    @property
    def prices(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Open, high, low and close."""
        return self.open, self.high, self.low, self.close

    @property
    def is_crypto(self) -> bool:
        """Crypto pairs are written with a slash; they trade without sessions, hence without gaps."""
        return "/" in self.symbol


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The bars of many instruments on one timeframe, columnar.

    ``offsets`` is int64[n + 1]: instrument i owns the entries ``offsets[i]:offsets[i + 1]`` of each flat
    array. Iteration gives one `Series` of views an instrument, in the order of ``symbols``.
    """

    symbols: tuple[str, ...]
    offsets: Ints
    ts: Times
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    suspect: Bools

    def __post_init__(self) -> None:
        if len(set(self.symbols)) != len(self.symbols):
            raise ValueError("a panel holds each symbol once")
        if self.offsets.dtype != np.int64 or self.offsets.shape != (len(self.symbols) + 1,):
            raise ValueError(f"offsets must be int64[{len(self.symbols) + 1}]")
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.ts) or (np.diff(self.offsets) < 0).any():
            raise ValueError("offsets must rise from 0 to the number of bars")

    @classmethod
    def of(cls, series: Iterable[Series]) -> "Panel":
        """One panel of many series, in their order.

        >>> Panel.of([]).symbols
        ()
        """
        rows = list(series)
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls(
            tuple(row.symbol for row in rows),
            offsets,
            np.concatenate([np.empty(0, _TS), *(row.ts for row in rows)]),
            _laid([row.open for row in rows]),
            _laid([row.high for row in rows]),
            _laid([row.low for row in rows]),
            _laid([row.close for row in rows]),
            _laid([row.volume for row in rows]),
            np.concatenate([np.empty(0, np.bool_), *(row.suspect for row in rows)]),
        )

    def __len__(self) -> int:
        return len(self.symbols)

    def __iter__(self) -> Iterator[Series]:
        return (self._at(row) for row in range(len(self.symbols)))

    def __getitem__(self, symbol: str) -> Series:
        try:
            return self._at(self.symbols.index(symbol))
        except ValueError:
            raise KeyError(symbol) from None

    def part(self, start: int, end: int) -> "Panel":
        """The instruments from ``start`` to ``end - 1``, as views on the same memory."""
        bars = slice(int(self.offsets[start]), int(self.offsets[end]))
        return Panel(
            self.symbols[start:end],
            self.offsets[start : end + 1] - self.offsets[start],
            self.ts[bars],
            self.open[bars],
            self.high[bars],
            self.low[bars],
            self.close[bars],
            self.volume[bars],
            self.suspect[bars],
        )

    def _at(self, row: int) -> Series:
        bars = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return Series(
            self.symbols[row],
            self.ts[bars],
            self.open[bars],
            self.high[bars],
            self.low[bars],
            self.close[bars],
            self.volume[bars],
            self.suspect[bars],
        )


def _laid(columns: list[Floats]) -> Floats:
    """The columns end to end; without a copy where they lie so in memory already, as those of one file do."""
    filled = [column for column in columns if len(column)]
    if not filled:
        return np.empty(0)
    base, address = filled[0].base, filled[0].ctypes.data
    if not isinstance(base, np.ndarray) or base.dtype != np.float64 or not base.flags.c_contiguous:
        return np.concatenate(filled)
    begins = [column.__array_interface__["data"][0] for column in filled]
    expected = np.cumsum([address, *(column.nbytes for column in filled[:-1])])
    if any(column.base is not base for column in filled) or (np.array(begins) != expected).any():
        return np.concatenate(filled)
    start = (address - base.ctypes.data) // base.itemsize
    whole: Floats = base.reshape(-1)[start : start + sum(map(len, filled))]
    return whole
