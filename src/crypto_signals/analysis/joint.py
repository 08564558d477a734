"""Many series studied as one: their bars lie end to end, and each indicator is computed series by series.

What numpy does to a few hundred bars costs a call, not bars: one call for a hundred series is a hundred times
cheaper. Only detectors that say so (`Detector.joint`) are asked here.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.candle_strip import strip_of
from crypto_signals.analysis.panel import Bools, Floats, Ints, Panel, Series
from crypto_signals.analysis.pivots import Pivots, find_pivots
from crypto_signals.analysis.plain_talib import talib
from crypto_signals.analysis.study import Candles, Study


class EndToEnd(Series):
    """The bars of a panel as if they were one series: stamps fall back where the next instrument begins."""

    __slots__ = ()

    def __post_init__(self) -> None:
        """Nothing is checked here: each series was when it was made."""


class JointStudy(Study):
    """The indicators of all series of a panel, end to end; bars are counted from the first of all.

    ``parts`` are the studies of the single series. Every indicator of `Study` is theirs, laid end to end, so
    each value is the same as if its series were studied alone, bit for bit. ``asked`` (bool[n]) marks the
    bars that anyone will ask detections for: never a suspect one, nor one among the first ``warm_up`` of its
    series, nor one before ``first``; with ``last_only`` the last bar of each series alone.
    """

    def __init__(self, panel: Panel, first: int = 0, *, last_only: bool = False, warm_up: int = 0) -> None:
        columns = panel.open, panel.high, panel.low, panel.close, panel.volume, panel.suspect
        super().__init__(EndToEnd("", panel.ts, *columns))
        self.panel = panel
        self.parts = [Study(series) for series in panel]
        lengths = np.diff(panel.offsets)
        self.bar: Ints = np.arange(len(panel.ts)) - np.repeat(panel.offsets[:-1], lengths)
        """The number of each bar within its series (int64[n])."""
        self._since: Ints = np.maximum(lengths - 1 if last_only else first, warm_up)
        self._since = np.broadcast_to(self._since, lengths.shape)
        self._asked: Bools = (self.bar >= np.repeat(self._since, lengths)) & ~panel.suspect

    @property
    def asked(self) -> Bools:
        return self._asked

    @property
    def offsets(self) -> Ints:
        return self.panel.offsets

    def without_crypto(self) -> Bools:
        """``asked``, but not on bars of crypto pairs."""
        return self.keep("without crypto", self._without_crypto)

    def _without_crypto(self) -> Bools:
        stock = np.array([not part.series.is_crypto for part in self.parts], np.bool_)
        return self.asked & np.repeat(stock, np.diff(self.offsets))

    def candle(self, function: str) -> npt.NDArray[np.int32]:
        return self.keep(("candle", function), lambda: self._each_candle(function))

    def _each_candle(self, function: str) -> npt.NDArray[np.int32]:
        call = getattr(talib, function)
        bars = self.keep("candle columns by series", self._columns_by_series)
        found = [call(*columns) for columns in bars]
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _columns_by_series(self) -> list[tuple[Floats, ...]]:
        columns, edges = self._candle_columns(0), self.offsets.tolist()
        return [tuple(column[a:b] for column in columns) for a, b in pairwise(edges)]

    def candles(self, function: str) -> Candles:
        return self.keep(("candles", function), lambda: self._candles(function))

    def _candles(self, function: str) -> Candles:
        strip = self.keep("strip", lambda: strip_of(self.series.prices, self.offsets, self._since))
        values = strip.ask(getattr(talib, function))
        rows = np.flatnonzero(values)
        bars = strip.bars[rows]
        return Candles(bars, values[rows], self.asked[bars])

    def pivots(self, atr_multiple: float) -> Pivots:
        return self.keep(("pivots", atr_multiple), lambda: self._pivots(atr_multiple))

    def _pivots(self, atr_multiple: float) -> Pivots:
        bars = self.series
        return find_pivots(bars.high, bars.low, atr_multiple * self.atr(), self.offsets)


def _each(name: str) -> Callable[..., Any]:
    """The method that gives what ``name`` gives for each part, end to end."""

    def method(self: JointStudy, *arguments: Any) -> Any:
        def compute() -> Any:
            return _laid([getattr(part, name)(*arguments) for part in self.parts])

        return self.keep(("each", name, *arguments), compute)

    method.__name__ = name
    return method


def _laid(columns: list[Any]) -> Any:
    """The arrays of all parts end to end; of several arrays a part, each."""
    if not isinstance(columns[0], tuple):
        return np.concatenate(columns)
    several = cast("Any", type(columns[0]))
    return several(*(np.concatenate(rows) for rows in zip(*columns, strict=True)))


_OF_STUDY = [name for name, value in vars(Study).items() if callable(value) and not name.startswith("_")]
for _name in _OF_STUDY:
    if _name != "keep" and _name not in vars(JointStudy):
        setattr(JointStudy, _name, _each(_name))
