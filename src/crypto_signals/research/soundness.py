"""Whether what a detector returned has the shape that `Hits` promises."""

import numpy as np

from crypto_signals.analysis.detections import Hits

_ROWS: tuple[tuple[str, type[np.generic], tuple[int, ...]], ...] = (
    ("strength", np.float64, ()),
    ("structure", np.float64, ()),
    ("stop", np.float64, ()),
    ("targets", np.float64, (3,)),
    ("neckline", np.float64, ()),
    ("zone", np.float64, (2,)),
    ("duration_bars", np.int64, ()),
)
_FILLED = ("strength", "anchor_prices")
_OPTIONAL = ("structure", "stop", "targets", "neckline", "zone")
"""Columns of numbers in which NaN is no answer, and those in which it says that there is none."""


def fault_of(hits: object, bars: int, warm_up_bars: int = 0) -> str | None:
    """What is wrong with the hits of a series of ``bars`` bars, in a few words; None: nothing.

    Of hits before the warm-up, which nobody is told, anchors and durations are not looked at.
    """
    if not isinstance(hits, Hits):
        return f"returned {type(hits).__name__}, not Hits"
    if hits is Hits.none():
        return None
    if fault := _column("index", hits.index, np.int64, np.shape(hits.index)[:1]):
        return fault
    rows = len(hits.index)
    anchors = (rows, len(hits.labels))
    shapes = [(name, dtype, (rows, *width)) for name, dtype, width in _ROWS]
    shapes += [("anchors", np.int64, anchors), ("anchor_prices", np.float64, anchors)]
    for name, dtype, shape in shapes:
        if fault := _column(name, getattr(hits, name), dtype, shape):
            return fault
    return _order(hits, bars) or _reach(hits, warm_up_bars) if rows else None


def numbers_fault_of(hits: Hits, warm_up_bars: int = 0) -> str | None:
    """The first number past the warm-up that nobody could be told; the hits are of the right shape."""
    hits = hits.take(np.flatnonzero(hits.index >= warm_up_bars))
    for name in _FILLED + _OPTIONAL:
        column = getattr(hits, name)
        sound = np.isfinite(column) if name in _FILLED else ~np.isinf(column)
        if not sound.all():
            place = tuple(np.argwhere(~sound)[0])
            wanted = "not a number" if name in _FILLED else "neither a number nor NaN"
            return f"{name} at bar {hits.index[place[0]]} is {column[place]:g}, {wanted}"
    return None


def _column(name: str, column: object, dtype: type[np.generic], shape: tuple[int, ...]) -> str | None:
    if not isinstance(column, np.ndarray):
        return f"{name} is {type(column).__name__}, not an array"
    if column.dtype != dtype:
        return f"{name} is {column.dtype}, not {np.dtype(dtype)}"
    if column.shape != shape:
        return f"{name} has shape {column.shape}, not {shape}"
    return None


def _order(hits: Hits, bars: int) -> str | None:
    index = hits.index
    if index[0] < 0 or index[-1] >= bars:
        return f"index reaches from {index[0]} to {index[-1]} on a series of {bars} bars"
    if not (index[1:] > index[:-1]).all():
        row = int(np.argmin(index[1:] > index[:-1])) + 1
        return f"index is not strictly increasing at row {row} ({index[row - 1]}, {index[row]})"
    return None


def _reach(hits: Hits, warm_up_bars: int) -> str | None:
    index = hits.index
    warm = index >= warm_up_bars
    ahead = ((hits.anchors < 0) | (hits.anchors > index[:, None])) & warm[:, None]
    if ahead.any():
        row, column = np.argwhere(ahead)[0]
        return f"anchor {hits.labels[column]!r} of bar {index[row]} lies on bar {hits.anchors[row, column]}"
    outside = ((hits.duration_bars < 0) | (hits.duration_bars > index)) & warm
    if outside.any():
        row = int(np.argmax(outside))
        return f"duration_bars at bar {index[row]} is {hits.duration_bars[row]}"
    return None
