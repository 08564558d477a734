"""Confirmed swing highs and lows, strictly causal."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.compile_cache import njit

HIGH = 1
LOW = -1


@dataclass(frozen=True, slots=True, eq=False)
class Pivots:
    """Alternating swing points in order: int64 bars, float64 prices, one entry a pivot.

    ``kind`` is +1 for a high and -1 for a low. ``confirmed_at`` is the bar whose close made the pivot known;
    it is always later than ``index``, and never falls. ``starts`` (int64[m + 1]) is where the pivots of each
    of m series begin, and the end; of one series: 0 and the number of pivots.
    """

    index: Ints
    price: Floats
    kind: Ints
    confirmed_at: Ints
    starts: Ints

    def __len__(self) -> int:
        return len(self.index)

    @property
    def columns(self) -> tuple[Ints, Floats, Ints, Ints]:
        """``index, price, kind, confirmed_at``, in the order in which kernels take them."""
        return self.index, self.price, self.kind, self.confirmed_at


class ProvisionalExtreme(NamedTuple):
    """The extreme of the swing in progress. It still moves: for pictures, never for a detector."""

    bar: int
    price: float
    kind: int


def find_pivots(high: Floats, low: Floats, reversal: Floats, offsets: Ints | None = None) -> Pivots:
    """The confirmed pivots of a series, or of each of several that lie end to end: series i has the bars from
    ``offsets[i]`` to ``offsets[i + 1]``.

    ``reversal[t]`` is the distance, in price units, that the market must come back from an extreme made at
    bar t; NaN: bar t starts no swing. A high is replaced only by a higher high, so of equal ones the first
    counts. In a bar that both extends the swing and turns far enough back, the extension counts first and
    the turn is not counted at all (the order inside a bar is unknown): a pivot is confirmed at the earliest
    by the next bar. Until the first pivot both running extremes are followed from the first bar with a
    reversal, and the one that is left behind first becomes the first pivot.
    """
    if offsets is None:
        index, price, kind, confirmed_at, count, *_ = _walk(high, low, reversal)
        starts = np.array([0, count])
    else:
        index, price, kind, confirmed_at, starts = _walks(high, low, reversal, offsets)
        count = int(starts[-1])
    return Pivots(index[:count], price[:count], kind[:count], confirmed_at[:count], starts)


def atr_reversal(atr: Floats, multiple: float) -> Floats:
    """The reversal of ``multiple`` ATR, measured at the bar of the extreme."""
    return multiple * atr


def percentage_reversal(high: Floats, low: Floats, fraction: float) -> Floats:
    """The reversal of a ``fraction`` (0.05: 5 %) of the mid-price of the extreme's bar."""
    return fraction * (high + low) / 2


def provisional_extreme(high: Floats, low: Floats, reversal: Floats) -> ProvisionalExtreme | None:
    """The extreme of the swing that is still running at the last bar; None before the first pivot."""
    *_, kind, extreme = _walk(high, low, reversal)
    if kind == 0:
        return None
    return ProvisionalExtreme(int(extreme), float(high[extreme] if kind == HIGH else low[extreme]), int(kind))


@njit(cache=True, nogil=True)
def _walk(high: Floats, low: Floats, reversal: Floats) -> tuple[Ints, Floats, Ints, Ints, int, int, int]:
    """One pass over the bars; ``swing`` is the kind of extreme being extended, 0 until the first pivot."""
    n = len(high)
    index = np.empty(n, np.int64)
    price = np.empty(n, np.float64)
    kind = np.empty(n, np.int64)
    confirmed_at = np.empty(n, np.int64)
    count = 0
    swing = 0
    top = -1
    bottom = -1
    for t in range(n):
        if not reversal[t] > 0:
            continue
        extends_up = swing >= 0 and (top < 0 or high[t] > high[top])
        extends_down = swing <= 0 and (bottom < 0 or low[t] < low[bottom])
        turns_down = swing >= 0 and not extends_up and low[t] <= high[top] - reversal[top]
        turns_up = swing <= 0 and not extends_down and high[t] >= low[bottom] + reversal[bottom]
        if turns_down != turns_up:
            at = top if turns_down else bottom
            index[count] = at
            price[count] = high[at] if turns_down else low[at]
            kind[count] = HIGH if turns_down else LOW
            confirmed_at[count] = t
            count += 1
            swing = LOW if turns_down else HIGH
            top = t
            bottom = t
        else:
            if extends_up:
                top = t
            if extends_down:
                bottom = t
    return index, price, kind, confirmed_at, count, swing, top if swing == HIGH else bottom


@njit(cache=True, nogil=True)
def _walks(
    high: Floats, low: Floats, reversal: Floats, offsets: Ints
) -> tuple[Ints, Floats, Ints, Ints, Ints]:
    """A walk over each series; bars are counted from the first of all."""
    index = np.empty(len(high), np.int64)
    price = np.empty(len(high), np.float64)
    kind = np.empty(len(high), np.int64)
    confirmed_at = np.empty(len(high), np.int64)
    starts = np.zeros(len(offsets), np.int64)
    count = 0
    for row in range(len(offsets) - 1):
        start, end = offsets[row], offsets[row + 1]
        found = _walk(high[start:end], low[start:end], reversal[start:end])
        for at in range(found[4]):
            index[count] = start + found[0][at]
            price[count] = found[1][at]
            kind[count] = found[2][at]
            confirmed_at[count] = start + found[3][at]
            count += 1
        starts[row + 1] = count
    return index, price, kind, confirmed_at, starts
