"""Bars as they came, before anyone has looked at them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

PRICES = ("open", "high", "low", "close")
VALUES = (*PRICES, "volume")


@dataclass(frozen=True, slots=True, eq=False)
class RawBars:
    """The columns of one symbol: in any order, with repeats, gaps and nonsense.

    ``ts`` is datetime64[us], the UTC opening time, NaT where it is missing; the values are float64,
    prices in quote currency, NaN where one is missing.
    """

    ts: NDArray[np.datetime64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def values(self) -> tuple[NDArray[np.float64], ...]:
        """Open, high, low, close, volume."""
        return self.open, self.high, self.low, self.close, self.volume

    def take(self, rows: "NDArray[np.bool_] | NDArray[np.int64] | slice") -> "RawBars":
        return RawBars(self.ts[rows], *(column[rows] for column in self.values))

    @classmethod
    def joined(cls, parts: Sequence["RawBars"]) -> "RawBars":
        """The rows of all parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        ts = np.concatenate([np.empty(0, "datetime64[us]"), *(part.ts for part in parts)])
        columns = zip(*(part.values for part in parts), strict=True) if parts else [()] * len(VALUES)
        return cls(ts, *(np.concatenate([np.empty(0), *own]) for own in columns))

    def since(self, first: np.datetime64) -> "RawBars":
        """Those that opened at ``first`` or later."""
        return self.take(self.ts >= first)

    def has_prices_of(self, other: "RawBars") -> bool:
        """Whether both have the same stamps and prices, row by row."""
        return np.array_equal(self.ts, other.ts) and all(
            np.array_equal(getattr(self, name), getattr(other, name), equal_nan=True) for name in PRICES
        )

    def stamped(self, ts: NDArray[np.datetime64]) -> "RawBars":
        """The same bars with other stamps."""
        return replace(self, ts=ts)
