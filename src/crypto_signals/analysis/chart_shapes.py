"""The shapes that chart detectors look for among the last confirmed pivots, and reversals among them.

LMW is Lo, Mamaysky and Wang, Foundations of Technical Analysis (2000), whose extrema E1 to E5 are five
consecutive pivots here; B is Bulkowski, Encyclopedia of Chart Patterns (2005). Written for the bullish side.
Each docstring gives the source's rules first and what was added after them.
"""

from crypto_signals.analysis.chart_lines import FLAT_TOP_TRIANGLE, between_lines
from crypto_signals.analysis.chart_setups import (
    MAX_SPAN_BARS,
    MIN_HEIGHT_ATRS,
    SAME_PRICE,
    Setup,
    Swings,
    closeness,
    is_round,
    line_at,
    nothing,
    take_last,
)
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.ties import at_least
from crypto_signals.compile_cache import njit

DOUBLE = 0
TRIPLE = 1
HEAD_AND_SHOULDERS = 2
CUP_AND_HANDLE = 3
MIN_DOUBLE_ATRS = 2.0
MIN_DOUBLE_APART_BARS = 0
"""What parts two bottoms; chosen by tools/tune_double_bottom.py."""
MIN_PATIENCE_BARS = 10
MIN_VALLEYS_APART_BARS = 10
HEAD_ATRS = 1.0
"""How far a head stands out from the nearer shoulder."""
MIN_CUP_BARS = 35
"""A cup takes at least seven weeks (B)."""
MIN_CUP_ATRS = 4.0
MIN_HANDLE_BARS = 5


@njit(cache=True, nogil=True, error_model="numpy")
def double(second: int, swings: Swings, atr: float, chosen: Ints) -> Setup:
    """LMW's double bottom: two lows, each within 1.5 % of their average.

    LMW want them more than 22 days apart, lest two extrema of one bottom pass for two; B wants a few weeks
    and a rise of about 10 % between them. Here the swing between them sees to that: they are pivots, at least
    2 ATR from the lower one to the highest high between them, which is the neckline, and may be any number of
    bars apart. Both numbers are those of the greatest t of the 20-bar move after the breakout, in excess of
    all bars', on equities before 2015 and crypto before 2021 (`tools/tune_double_bottom.py`: heights of 2 to
    5 ATR, 0, 10 or 22 bars apart). It is 1.05: the data hardly tell them apart, and by themselves show no
    edge. On the labelled windows of the IBEX 35, which had no part in that choice, precision is 0.72 and
    recall 0.57 for the two bottoms, 0.85 and 0.33 with the breakout inside. The first is the nearest earlier
    low that fits. Added: each within 0.5 ATR of the
    average where that is more; at most 250 bars apart; no lower low between them; and a higher pivot high
    than the neckline just before (there must be a fall to reverse). Structure: the lower bottom. It waits as
    long as the bottoms are apart, and at least 10 bars.
    """
    index, price, _ = swings
    peak = second - 1
    between = price[second]
    for first in range(second - 2, 0, -2):
        apart = index[second] - index[first]
        if apart > MAX_SPAN_BARS:
            break
        if price[first + 1] > price[peak]:
            peak = first + 1
        floor = min(price[first], price[second])
        same = closeness(price[first], price[second], SAME_PRICE, atr)
        fell = price[first - 1] > price[peak]
        tall = at_least(price[peak] - floor, MIN_DOUBLE_ATRS * atr)
        parted = apart >= MIN_DOUBLE_APART_BARS
        if parted and same >= 0 and fell and tall and between >= floor:
            chosen[0], chosen[1], chosen[2] = first, peak, second
            return Setup(
                True,
                index[first],
                price[peak],
                index[second],
                price[peak],
                floor,
                price[peak] - floor,
                100 * same,
                index[second],
                0,
                index[second] + max(apart, MIN_PATIENCE_BARS),
                True,
            )
        between = min(between, price[first])
    return nothing()


@njit(cache=True, nogil=True, error_model="numpy")
def triple(e5: int, swings: Swings, atr: float, chosen: Ints) -> Setup:
    """B's triple bottom: three distinct lows near one price; it is confirmed above the highest high.

    Numbers for that: each two of the lows within 1.5 % of their average (LMW's for equal extrema) or 0.5
    ATR, neighbours at least 10 bars apart, the whole at most 250; at least 3 ATR from the lowest low to the
    higher of the two highs, which is the neckline; a higher pivot high than that just before. Structure: the
    lowest low. It waits as long as the pattern took.
    """
    index, price, _ = swings
    a, b, c = price[e5 - 4], price[e5 - 2], price[e5]
    low, high = min(a, b, c), max(a, b, c)
    neck = max(price[e5 - 1], price[e5 - 3])
    near = min(index[e5] - index[e5 - 2], index[e5 - 2] - index[e5 - 4])
    span = index[e5] - index[e5 - 4]
    same = closeness(low, high, SAME_PRICE, atr)
    fell = e5 >= 5 and price[e5 - 5] > neck
    if not (same >= 0 and near >= MIN_VALLEYS_APART_BARS and span <= MAX_SPAN_BARS and fell):
        return nothing()
    if not at_least(neck - low, MIN_HEIGHT_ATRS * atr):
        return nothing()
    take_last(e5, chosen)
    return Setup(
        True, index[e5 - 4], neck, index[e5], neck, low, neck - low, 100 * same, index[e5], 0,
        index[e5] + span, True,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def head_and_shoulders(e5: int, swings: Swings, atr: float, chosen: Ints) -> Setup:
    """LMW's inverse head and shoulders: E1 a low, E3 lower than E1 and E5; E1 and E5 each within 1.5 % of
    their average, and so E2 and E4.

    Added: within 0.5 ATR of the average where that is more; at most 250 bars from E1 to E5; the head at least
    1 ATR under the lower shoulder, or it does not stand out. The neckline runs through E2 and E4. Structure:
    the right shoulder E5, under which B puts the stop. Height: from the head to the neckline above it. It
    waits as long as the pattern took. Strength: how equal shoulders and highs are.
    """
    index, price, _ = swings
    left, right = closeness(price[e5 - 4], price[e5], SAME_PRICE, atr), price[e5 - 2] + HEAD_ATRS * atr
    highs = closeness(price[e5 - 3], price[e5 - 1], SAME_PRICE, atr)
    span = index[e5] - index[e5 - 4]
    stands_out = at_least(min(price[e5 - 4], price[e5]), right)
    if not (left >= 0 and highs >= 0 and stands_out and span <= MAX_SPAN_BARS):
        return nothing()
    take_last(e5, chosen)
    neck = line_at(index[e5 - 2], index[e5 - 3], price[e5 - 3], index[e5 - 1], price[e5 - 1])
    return Setup(
        True, index[e5 - 3], price[e5 - 3], index[e5 - 1], price[e5 - 1], price[e5], neck - price[e5 - 2],
        50 * (left + highs), index[e5] - 1, 0, index[e5] + span, False,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def cup_and_handle(handle: int, swings: Swings, close: Floats, atr: float, chosen: Ints) -> Setup:
    """B's cup with handle: a rise, a U-shaped cup of at least 7 weeks with lips near one price, then a handle
    of at least a week in the cup's upper half; it is confirmed above the right lip.

    Numbers for that: the cup takes 35 bars or more (B ends at 65 weeks, here the whole ends at 250 bars) and
    is at least 4 ATR deep; the lips lie within 1.5 % of their average or 0.5 ATR, with no such high between
    them; its lowest low lies in the middle half of it; 60 % of the closes lie in its lower half (a straight
    V has 50 %, a parabola 71 %); the pivot low before the left lip lies under the middle of the cup, for
    there must be a rise. The handle is the pivot low after the right lip, and 5 bars or more from that lip to
    the breakout. Structure: the handle's low. Height: from the cup's low to the right lip. It waits as long
    as half the cup took. Strength: how equal the lips are.
    """
    index, price, _ = swings
    right = handle - 1
    bottom = right - 1
    left = right - 2
    while left >= 1:
        if price[left + 1] < price[bottom]:
            bottom = left + 1
        if price[left] > price[right] or closeness(price[left], price[right], SAME_PRICE, atr) >= 0:
            break
        left -= 2
    if left < 1:
        return nothing()
    lips = closeness(price[left], price[right], SAME_PRICE, atr)
    span = index[right] - index[left]
    depth = min(price[left], price[right]) - price[bottom]
    middle = price[bottom] + depth / 2
    before = index[bottom] - index[left]
    fits = lips >= 0 and span >= MIN_CUP_BARS and index[handle] - index[left] <= MAX_SPAN_BARS
    fits = fits and at_least(depth, MIN_CUP_ATRS * atr) and 4 * before >= span and 4 * before <= 3 * span
    if not (fits and at_least(price[handle], middle) and at_least(middle, price[left - 1])):
        return nothing()
    if not is_round(close, index[left], index[right], middle):
        return nothing()
    chosen[0], chosen[1], chosen[2], chosen[3] = left, bottom, right, handle
    return Setup(
        True, index[left], price[right], index[right], price[right], price[handle],
        price[right] - price[bottom], 100 * lips, index[right], index[right] + MIN_HANDLE_BARS,
        index[handle] + span // 2, False,
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def pivots_of(shape: int) -> int:
    """How many pivots a shape stands on."""
    if shape == DOUBLE:
        return 3
    return 4 if shape == CUP_AND_HANDLE else 5


@njit(cache=True, nogil=True, error_model="numpy")
def look(shape: int, last: int, swings: Swings, close: Floats, atr: float, chosen: Ints) -> Setup:
    """The setup that the pivots up to ``last`` make; ``last`` is 4 or more, ``chosen`` gets its pivots."""
    if shape >= FLAT_TOP_TRIANGLE:
        return between_lines(shape, last, swings, atr, chosen)
    if swings.kind[last] > 0:
        return nothing()
    if shape == DOUBLE:
        return double(last, swings, atr, chosen)
    if shape == TRIPLE:
        return triple(last, swings, atr, chosen)
    if shape == HEAD_AND_SHOULDERS:
        return head_and_shoulders(last, swings, atr, chosen)
    return cup_and_handle(last, swings, close, atr, chosen)
