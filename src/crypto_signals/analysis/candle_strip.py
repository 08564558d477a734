"""The bars about which candlestick functions are asked: those that matter of each series, end to end.

A call of TA-Lib costs as much as some hundred bars. So all series are asked about in one call: each shows the
bars that anyone asks for and the few before them that decide (`LEAD_BARS`), multiplied by the power of two
that brings its lowest price below 1. Sums stay exact across the seams, so they carry nothing over. Series for
which that does not hold, or that begin too late, are asked about by themselves.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.candle_sums import LEAD_BARS, Columns, forgets, is_narrow, rounded, spans
from crypto_signals.analysis.panel import Floats, Ints

Values = npt.NDArray[np.int32]
Function = Callable[[Floats, Floats, Floats, Floats], Values]


class Single(NamedTuple):
    """A series asked about by itself: the bars that it shows, and the rows of the strip that are its last."""

    shown: slice
    rows: slice


class Strip(NamedTuple):
    """``bars`` are the numbers of the bars shown, ``together`` their prices; ``prices`` those of all bars."""

    bars: Ints
    together: Columns
    singles: list[Single]
    prices: Columns

    def ask(self, function: Function) -> Values:
        """What the function says of each bar of the strip."""
        if not len(self.bars):
            return np.empty(0, np.int32)
        values = function(*self.together)
        for shown, rows in self.singles:
            opened, high, low, close = (rounded(column[shown]) for column in self.prices)
            values[rows] = function(opened, high, low, close)[rows.start - rows.stop :]
        return values


def strip_of(prices: Columns, offsets: Ints, since: Ints) -> Strip:
    """The strip of series i's bars from number ``since[i]`` on, with those before that decide."""
    begins, ends = offsets[:-1] + np.maximum(since - LEAD_BARS, 0), offsets[1:]
    counts = np.where(since < np.diff(offsets), ends - begins, 0)
    stops = np.cumsum(counts)
    bars = np.repeat(begins - (stops - counts), counts) + np.arange(counts.sum())
    opened, high, low, close = (column[bars] for column in prices)
    shown = np.flatnonzero(counts)
    widest, lowest = spans((opened, high, low, close), (stops - counts)[shown])
    from_anywhere = (forgets(prices, offsets) & (since >= LEAD_BARS))[shown]
    alone = ~(from_anywhere & is_narrow(widest, lowest))
    unit = np.ldexp(1.0, np.where(alone, 0, -np.frexp(lowest)[1]))
    unit = np.repeat(unit, counts[shown])
    blank = np.repeat(alone, counts[shown])
    together = tuple(rounded(np.where(blank, 1.0, column * unit)) for column in (opened, high, low, close))
    singles = [
        Single(
            slice(begins.item(row) if from_anywhere[place] else offsets.item(row), ends.item(row)),
            slice((stops - counts).item(row), stops.item(row)),
        )
        for place, row in enumerate(shown.tolist())
        if alone[place]
    ]
    return Strip(bars, together, singles, prices)  # type: ignore[arg-type] # four columns stay four
