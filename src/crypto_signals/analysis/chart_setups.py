"""What a shape among pivots becomes while it waits for its breakout, and the measures all shapes share.

All is written for the bullish side. Distances in ATR are ATR(14) at the bar that confirmed the last pivot.
"""

from typing import NamedTuple

from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.ties import TIE, is_above
from crypto_signals.compile_cache import njit

SAME_PRICE = 0.015
"""Two extrema are equal within 1.5 % of their average (LMW) ..."""
SAME_PRICE_ATRS = 0.5
"""... or within half an ATR, where that is more: a crypto day moves more than the stocks they studied."""
MAX_SPAN_BARS = 250
MIN_HEIGHT_ATRS = 3.0
LOWER_HALF = 0.6
"""How many of its closes a round bottom has in its lower half: a straight V has 0.5, a parabola 0.71."""


class Swings(NamedTuple):
    """The columns of the pivots that a shape is looked for in."""

    bar: Ints
    price: Floats
    kind: Ints


class Setup(NamedTuple):
    """A shape that waits for a close above its line.

    The line runs through (``start``, ``start_price``) and (``end``, ``end_price``); no bar after ``since``
    may have closed above it before the shape was known. A close above it counts from the bar ``earliest``
    to the bar ``deadline``.
    """

    found: bool
    start: int
    start_price: float
    end: int
    end_price: float
    structure: float
    height: float
    strength: float
    since: int
    earliest: int
    deadline: int
    minor_stop: bool


@njit(cache=True, nogil=True, error_model="numpy")
def nothing() -> Setup:
    """No setup."""
    return Setup(False, 0, 0.0, 1, 0.0, 0.0, 0.0, 0.0, 0, 0, 0, False)


@njit(cache=True, nogil=True, error_model="numpy")
def line_at(t: int, start: int, start_price: float, end: int, end_price: float) -> float:
    """The straight line through two points, at bar ``t``."""
    return start_price + (end_price - start_price) * (t - start) / (end - start)


@njit(cache=True, nogil=True, error_model="numpy")
def closeness(a: float, b: float, share: float, atr: float) -> float:
    """1 for two equal prices, 0 where each is as far from their average as it may be, less beyond.

    They may be a ``share`` of their average away from it, or half an ATR where that is more.
    """
    return inside(abs(a - b) / 2, max(share * abs(a + b) / 2, SAME_PRICE_ATRS * atr))


@njit(cache=True, nogil=True, error_model="numpy")
def inside(away: float, allowed: float) -> float:
    """1 for no distance, 0 where it is all that is allowed, less beyond."""
    left = 1 - away / allowed
    return 0.0 if abs(left) <= TIE else left


@njit(cache=True, nogil=True, error_model="numpy")
def take_last(e5: int, chosen: Ints) -> None:
    """The last five pivots."""
    for at in range(5):
        chosen[at] = e5 - 4 + at


@njit(cache=True, nogil=True, error_model="numpy")
def is_round(close: Floats, start: int, end: int, middle: float) -> bool:
    """Whether enough closes from ``start`` to ``end`` lie under the price ``middle``."""
    under = 0
    for t in range(start, end + 1):
        under += is_above(middle, close[t])
    return under >= LOWER_HALF * (end - start + 1)


@njit(cache=True, nogil=True, error_model="numpy")
def lowest(low: Floats, start: int, stop: int) -> int:
    """The first of the lowest lows from ``start`` to ``stop - 1``."""
    lowest = start
    for t in range(start + 1, stop):
        if low[t] < low[lowest]:
            lowest = t
    return lowest
