"""Shapes between two trend lines: triangles, wedges, rectangles, broadenings and channels.

LMW is Lo, Mamaysky and Wang, Foundations of Technical Analysis (2000); B is Bulkowski, Encyclopedia of Chart
Patterns (2005). Written for the bullish side.
"""

from crypto_signals.analysis.chart_setups import (
    MAX_SPAN_BARS,
    MIN_HEIGHT_ATRS,
    Setup,
    Swings,
    closeness,
    inside,
    line_at,
    nothing,
    take_last,
)
from crypto_signals.analysis.panel import Ints
from crypto_signals.analysis.ties import at_least
from crypto_signals.compile_cache import njit

FLAT_TOP_TRIANGLE = 4
SYMMETRICAL_TRIANGLE = 5
FALLING_WEDGE = 6
RECTANGLE = 7
BROADENING = 8
FALLING_CHANNEL = 9
MIN_SPAN_BARS = 15
"""Triangles, wedges, rectangles, broadenings and channels take at least three weeks (B)."""
FLAT = 0.0075
"""The touches of a level line lie within 0.75 % of their average (LMW), or half an ATR."""
TOUCH_ATRS = 0.5
"""How far from the line through the outer two touches the middle one of three may lie."""
TOUCH_WIDTHS = 0.1
"""... or as a share of the greatest width, where that is more."""
LEAST_WIDTH = 0.2
LONGEST_LEG = 0.6
WEDGE_NARROWS = 2 / 3
PARALLEL = 0.75
"""Two lines are parallel if they are at least this much as wide apart at one end as at the other."""


@njit(cache=True, nogil=True, error_model="numpy")
def _leans(shape: int, up: float, down: float, level_top: bool, level_bottom: bool) -> bool:
    """Whether the upper and the lower line run as the shape wants."""
    if shape == FLAT_TOP_TRIANGLE:
        return bool(level_top and down > 0 and not level_bottom)
    if shape == RECTANGLE:
        return bool(level_top and level_bottom)
    if level_top or level_bottom:
        return False
    if shape == SYMMETRICAL_TRIANGLE:
        return bool(up < 0 and down > 0)
    if shape == BROADENING:
        return bool(up > 0 and down < 0)
    return bool(up < 0 and down < 0)


@njit(cache=True, nogil=True, error_model="numpy")
def between_lines(shape: int, e5: int, swings: Swings, atr: float, chosen: Ints) -> Setup:
    """Five consecutive pivots between two trend lines: triangle, wedge, rectangle, broadening, channel.

    Three touches on one line and two on the other (B); each line runs through its first and last touch. A
    line is level if those lie within 0.75 % of their average (LMW's for rectangles) or 0.5 ATR; else it rises
    or falls. Of three touches, the middle one lies within 0.5 ATR of the line, or 10 % of the greatest width
    where that is more. 15 bars (three weeks, B) to 250 from E1 to E5, of which no leg takes over 60 %; at
    least 3 ATR wide at the wider end, and at the other at least a fifth of that.

    * symmetrical triangle (LMW's triangle top and bottom): highs fall, lows rise.
    * ascending triangle (B): a level top, rising lows.
    * falling wedge (B): both lines fall and converge: at E5 at most 2/3 as wide as at E1.
    * rectangle (LMW): both level, every high above every low, and parallel like a channel: where swings are
      low, lines that are level by LMW's measure can still converge.
    * broadening (LMW's broadening top and bottom): highs rise, lows fall.
    * falling channel (B): both fall, and stay parallel: one end at least 3/4 as wide as the other.

    Structure: the last low. Height: the greatest width. It waits half as long as the pattern took, and not
    past the point where the lines meet. Strength: how near the middle touch is to its line.
    """
    index, price, kind = swings
    top, bottom = (e5, e5 - 1) if kind[e5] > 0 else (e5 - 1, e5)
    first_top = top - 4 if kind[e5] > 0 else top - 2
    first_bottom = bottom - 4 if kind[e5] < 0 else bottom - 2
    start, end = index[e5 - 4], index[e5]
    if end - start < MIN_SPAN_BARS or end - start > MAX_SPAN_BARS:
        return nothing()
    up = price[top] - price[first_top]
    down = price[bottom] - price[first_bottom]
    level_top = closeness(price[top], price[first_top], FLAT, atr) >= 0
    level_bottom = closeness(price[bottom], price[first_bottom], FLAT, atr) >= 0
    if not _leans(shape, up, down, level_top, level_bottom):
        return nothing()
    upper_start = line_at(start, index[first_top], price[first_top], index[top], price[top])
    upper_end = line_at(end, index[first_top], price[first_top], index[top], price[top])
    lower_start = line_at(start, index[first_bottom], price[first_bottom], index[bottom], price[bottom])
    lower_end = line_at(end, index[first_bottom], price[first_bottom], index[bottom], price[bottom])
    wide, narrow = upper_start - lower_start, upper_end - lower_end
    if shape == BROADENING:
        wide, narrow = narrow, wide
    middle = e5 - 2
    longest = 0
    for touch in range(e5 - 4, e5):
        longest = max(longest, index[touch + 1] - index[touch])
    line = line_at(index[middle], start, price[e5 - 4], end, price[e5])
    allowed = max(TOUCH_ATRS * atr, TOUCH_WIDTHS * max(wide, narrow))
    touches = inside(abs(price[middle] - line), allowed)
    if not (
        touches >= 0
        and longest <= LONGEST_LEG * (end - start)
        and at_least(max(wide, narrow), MIN_HEIGHT_ATRS * atr)
        and at_least(min(wide, narrow), LEAST_WIDTH * max(wide, narrow))
    ):
        return nothing()
    if shape == FALLING_WEDGE and not at_least(WEDGE_NARROWS * wide, narrow):
        return nothing()
    parallel = at_least(min(wide, narrow), PARALLEL * max(wide, narrow))
    if shape in (FALLING_CHANNEL, RECTANGLE) and not parallel:
        return nothing()
    take_last(e5, chosen)
    return Setup(
        True, index[first_top], price[first_top], index[top], price[top], price[bottom], max(wide, narrow),
        100 * touches, index[top], 0, end + (end - start) // 2, True,
    )  # fmt: skip
