"""When TA-Lib's candlestick functions forget: what makes it enough to ask them about the last few bars.

They compare candles with averages that they keep as running sums. Of 53-bit prices these sums keep an error
from every bar since the first, and where a body equals its average exactly, as it often does on coarse price
steps, that error decides. Sums of 48-bit prices have no error at all, as long as the ranges of any eleven
bars together stay below 32 times their lowest price. What a function says of a bar then depends on the bars
that it looks back to, and on nothing before them.
"""

import numpy as np

from crypto_signals.analysis.panel import Bools, Floats, Ints

LOOKBACK_BARS = 14
"""The furthest that a candlestick function looks back."""
CONFIRMING_BARS = 3
"""A hikkake is confirmed at most so many bars after its shape."""
LEAD_BARS = LOOKBACK_BARS + CONFIRMING_BARS
"""So many bars before the first that is asked for are shown; what is said of all but the last 3 is void."""

Columns = tuple[Floats, Floats, Floats, Floats]
"""Open, high, low and close."""

_SPLIT = 2.0**5 + 1
"""Veltkamp's: what is left of 53 bits are the first 48."""
_SUMMED_BARS = 11
"""An average of ten bars, and the one that is added before the oldest goes."""
_MOST_PRICES = 31.0
"""The 32 above, less what rounding may add."""


def rounded(prices: Floats) -> Floats:
    """Prices rounded to their first 48 bits, a part in 10^14."""
    with np.errstate(all="ignore"):
        spread = prices * _SPLIT
        return spread - (spread - prices)


def forgets(columns: Columns, offsets: Ints) -> Bools:
    """For each series that lies from ``offsets[i]`` to ``offsets[i + 1]``: whether no sum has an error.

    Looks at 11 bars and the 11 before together, so a series may be refused that would pass. Bars that are no
    numbers do not pass.
    """
    counts = -(np.diff(offsets) // -_SUMMED_BARS)
    series = np.repeat(np.arange(len(counts)), counts)
    first = np.cumsum(counts) - counts
    edges = offsets[series] + _SUMMED_BARS * (np.arange(len(series)) - first[series])
    widest, lowest = spans(columns, edges)
    alike = series[1:] == series[:-1]
    before = widest[:-1].copy(), lowest[:-1].copy()
    np.maximum(widest[1:], before[0], out=widest[1:], where=alike)
    np.minimum(lowest[1:], before[1], out=lowest[1:], where=alike)
    found = np.ones(len(counts), np.bool_)
    found[series[~is_narrow(widest, lowest)]] = False
    return found


def spans(columns: Columns, edges: Ints) -> tuple[Floats, Floats]:
    """The widest range of a bar, and the lowest price, of the bars from each edge to the next."""
    opened, high, low, close = columns
    if not len(edges):
        return np.empty(0), np.empty(0)
    with np.errstate(all="ignore"):
        top = np.maximum(np.maximum(opened, close), np.maximum(high, low))
        bottom = np.minimum(np.minimum(opened, close), np.minimum(high, low))
        return np.maximum.reduceat(top - bottom, edges), np.minimum.reduceat(bottom, edges)


def is_narrow(widest: Floats, lowest: Floats) -> Bools:
    """Whether the sum of eleven ranges, none of them wider than ``widest``, is exact."""
    with np.errstate(all="ignore"):
        narrow: Bools = _SUMMED_BARS * widest < _MOST_PRICES * lowest
    return narrow
