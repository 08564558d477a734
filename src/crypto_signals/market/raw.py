"""Bars as they came, before anyone has looked at them."""

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

    def stamped(self, ts: NDArray[np.datetime64]) -> "RawBars":
        """The same bars with other stamps."""
        return replace(self, ts=ts)
