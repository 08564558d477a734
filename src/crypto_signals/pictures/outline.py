"""What a chartist draws besides the anchors: trend lines, necklines, and short names for candles."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Point: TypeAlias = tuple[float, float]
Line: TypeAlias = tuple[Point, Point]

_THROUGH_TWO = (
    ("touch 1", "touch 5"),
    ("touch 2", "touch 4"),
    ("pole top", "flag line"),
    ("pole bottom", "flag line"),
    ("pole top", "pennant line"),
    ("pole bottom", "pennant line"),
)
_LEVEL = ("peak", "valley", "right lip", "rim")
_VALLEYS = (("high 1", "high 2", max), ("low 1", "low 2", min))
_CANDLE = "candle "


def lines(points: Mapping[str, Point]) -> list[Line]:
    """The lines of a chart pattern up to its breakout, from its anchors by label; x counts bars.

    Through two anchors, or level through one. Patterns without a breakout have none.

    >>> lines({"peak": (3, 10.0), "breakout": (9, 11.0)})
    [((3, 10.0), (9, 10.0))]
    """
    if "breakout" not in points:
        return []
    end = points["breakout"][0]
    found = [_through(points[a], points[b], end) for a, b in _THROUGH_TWO if a in points and b in points]
    found += [_level(points[name], end) for name in _LEVEL if name in points]
    for first, second, further in _VALLEYS:
        if first in points and second in points:
            one, other = points[first], points[second]
            if "head" in points:
                found.append(_through(one, other, end))
            else:
                found.append(((one[0], further(one[1], other[1])), (end, further(one[1], other[1]))))
    return found


def _through(one: Point, other: Point, end: float) -> Line:
    slope = (other[1] - one[1]) / (other[0] - one[0]) if other[0] != one[0] else 0.0
    return one, (end, one[1] + slope * (end - one[0]))


def _level(point: Point, end: float) -> Line:
    return point, (end, point[1])


def are_candles(labels: Sequence[str]) -> bool:
    """Whether the anchors are the candles of a candlestick pattern: nothing runs from one to the next."""
    return labels[0].startswith(_CANDLE)


def short_labels(labels: Sequence[str]) -> list[str]:
    """Labels that fit beside each other: of candles the number alone, and none for a single one.

    >>> short_labels(["candle 1", "candle 2", "confirmation"]), short_labels(["candle 1"])
    (['1', '2', 'confirmation'], [''])
    """
    if len(labels) == 1 and are_candles(labels):
        return [""]
    return [label.removeprefix(_CANDLE) for label in labels]
