"""What people must know of each chart pattern: one `Entry` a shape, its two directions side by side."""

from typing import NamedTuple

from crypto_signals.analysis import chart_flags, chart_lines, chart_shapes
from crypto_signals.analysis.detector import BREAKOUT_GATES, TREND_BREAKOUT_GATES

LMW = "Lo, Mamaysky and Wang, Foundations of Technical Analysis (2000)"
BULKOWSKI = "Bulkowski, Encyclopedia of Chart Patterns (2005)"

TOUCHES = ("touch 1", "touch 2", "touch 3", "touch 4", "touch 5", "breakout")


class Entry(NamedTuple):
    """One shape. Names, definitions and labels are those of the bullish pattern, then of the bearish one.

    ``swing`` is the reversal, in ATR, of the pivots it stands on.
    """

    shape: int
    names: tuple[str, str]
    definitions: tuple[str, str]
    labels: tuple[tuple[str, ...], tuple[str, ...]]
    source: str
    swing: float
    gates: tuple[str, ...] = BREAKOUT_GATES


SWING_ATRS = 2.0
"""The reversal that makes a swing of a bottom, a head and shoulders, a cup or a bowl."""
LINE_SWING_ATRS = 1.5
"""The reversal that makes a touch of a trend line: swings shrink where lines converge."""
MINOR_SWING_ATRS = 1.0
"""The reversal that ends a flag's pole (a rest is shallow), or makes a low that a stop can hide behind."""

SWING_ENTRIES = (
    Entry(
        chart_shapes.DOUBLE,
        ("double_bottom", "double_top"),
        (
            (
                "After a fall, two lows at the same price (within 1.5 % of their average, or "
                "half an ATR) with a swing of at least 2 ATR between them; then a close above "
                "the high between them."
            ),
            (
                "After a rise, two highs at the same price (within 1.5 % of their average, or "
                "half an ATR) with a swing of at least 2 ATR between them; then a close below "
                "the low between them."
            ),
        ),
        (("bottom 1", "peak", "bottom 2", "breakout"), ("top 1", "valley", "top 2", "breakout")),
        f"{LMW}, with a swing instead of 22 days between them",
        SWING_ATRS,
    ),
    Entry(
        chart_shapes.TRIPLE,
        ("triple_bottom", "triple_top"),
        (
            (
                "After a fall, three lows in a row at the same price (within 1.5 % of their "
                "average, or half an ATR), 10 bars or more apart; then a close above the higher"
                " high between them."
            ),
            (
                "After a rise, three highs in a row at the same price (within 1.5 % of their "
                "average, or half an ATR), 10 bars or more apart; then a close below the lower "
                "low between them."
            ),
        ),
        (
            ("bottom 1", "high 1", "bottom 2", "high 2", "bottom 3", "breakout"),
            ("top 1", "low 1", "top 2", "low 2", "top 3", "breakout"),
        ),
        f"{BULKOWSKI}; equal prices after {LMW}",
        SWING_ATRS,
    ),
    Entry(
        chart_shapes.HEAD_AND_SHOULDERS,
        ("inverse_head_and_shoulders", "head_and_shoulders"),
        (
            (
                "Three lows in a row of which the middle one is lowest (by an ATR) and the "
                "outer two equal, with two equal highs between them; then a close above the "
                "line through those highs."
            ),
            (
                "Three highs in a row of which the middle one is highest (by an ATR) and the "
                "outer two equal, with two equal lows between them; then a close below the line"
                " through those lows."
            ),
        ),
        (
            ("left shoulder", "high 1", "head", "high 2", "right shoulder", "breakout"),
            ("left shoulder", "low 1", "head", "low 2", "right shoulder", "breakout"),
        ),
        f"{LMW}; stop after {BULKOWSKI}",
        SWING_ATRS,
    ),
    Entry(
        chart_shapes.CUP_AND_HANDLE,
        ("cup_and_handle", "inverse_cup_and_handle"),
        (
            (
                "After a rise, a U-shaped cup of at least 35 bars with lips at one price, and a"
                " handle of at least 5 bars in its upper half; then a close above the right "
                "lip."
            ),
            (
                "After a fall, an upside-down cup of at least 35 bars with lips at one price, "
                "and a handle of at least 5 bars in its lower half; then a close below the "
                "right lip."
            ),
        ),
        (
            ("left lip", "cup low", "right lip", "handle", "breakout"),
            ("left lip", "cup high", "right lip", "handle", "breakout"),
        ),
        BULKOWSKI,
        SWING_ATRS,
    ),
)
"""The shapes that stand on wide swings, in the order of their numbers."""

LINE_ENTRIES = (
    Entry(
        chart_lines.FLAT_TOP_TRIANGLE,
        ("ascending_triangle", "descending_triangle"),
        (
            "Five swings between a level top and rising lows; then a close above the top.",
            "Five swings between a level bottom and falling highs; then a close below the bottom.",
        ),
        (TOUCHES, TOUCHES),
        BULKOWSKI,
        LINE_SWING_ATRS,
    ),
    Entry(
        chart_lines.SYMMETRICAL_TRIANGLE,
        ("symmetrical_triangle_bullish", "symmetrical_triangle_bearish"),
        (
            "Five swings with falling highs and rising lows; then a close above the line along the highs.",
            "Five swings with falling highs and rising lows; then a close below the line along the lows.",
        ),
        (TOUCHES, TOUCHES),
        f"{LMW}: triangle tops and bottoms; breakout after {BULKOWSKI}",
        LINE_SWING_ATRS,
    ),
    Entry(
        chart_lines.FALLING_WEDGE,
        ("falling_wedge", "rising_wedge"),
        (
            (
                "Five swings between two falling lines that converge by at least a third; then "
                "a close above the upper line."
            ),
            (
                "Five swings between two rising lines that converge by at least a third; then a"
                " close below the lower line."
            ),
        ),
        (TOUCHES, TOUCHES),
        BULKOWSKI,
        LINE_SWING_ATRS,
    ),
    Entry(
        chart_lines.RECTANGLE,
        ("rectangle_bullish", "rectangle_bearish"),
        (
            (
                "Five swings between two level, parallel lines (touches within 0.75 % of their "
                "average, or half an ATR); then a close above the upper one."
            ),
            (
                "Five swings between two level, parallel lines (touches within 0.75 % of their "
                "average, or half an ATR); then a close below the lower one."
            ),
        ),
        (TOUCHES, TOUCHES),
        f"{LMW}: rectangle tops and bottoms; breakout after {BULKOWSKI}",
        LINE_SWING_ATRS,
    ),
    Entry(
        chart_lines.BROADENING,
        ("broadening_bullish", "broadening_bearish"),
        (
            "Five swings with rising highs and falling lows; then a close above the line along the highs.",
            "Five swings with rising highs and falling lows; then a close below the line along the lows.",
        ),
        (TOUCHES, TOUCHES),
        f"{LMW}: broadening tops and bottoms; breakout after {BULKOWSKI}",
        LINE_SWING_ATRS,
    ),
    Entry(
        chart_lines.FALLING_CHANNEL,
        ("channel_break_bullish", "channel_break_bearish"),
        (
            "Five swings between two falling parallel lines; then a close above the upper one.",
            "Five swings between two rising parallel lines; then a close below the lower one.",
        ),
        (TOUCHES, TOUCHES),
        BULKOWSKI,
        LINE_SWING_ATRS,
        TREND_BREAKOUT_GATES,
    ),
)
"""The shapes between two trend lines, in the order of their numbers."""

POLE_ENTRIES = (
    Entry(
        chart_flags.FLAG,
        ("bull_flag", "bear_flag"),
        (
            (
                "After a rise of at least 4 ATR within 15 bars, 3 to 15 bars drift back over at"
                " most half of it; then a close above the line along their highs."
            ),
            (
                "After a fall of at least 4 ATR within 15 bars, 3 to 15 bars drift back over at"
                " most half of it; then a close below the line along their lows."
            ),
        ),
        (
            ("pole foot", "pole top", "flag line", "flag low", "breakout"),
            ("pole head", "pole bottom", "flag line", "flag high", "breakout"),
        ),
        BULKOWSKI,
        MINOR_SWING_ATRS,
        TREND_BREAKOUT_GATES,
    ),
    Entry(
        chart_flags.PENNANT,
        ("pennant_bullish", "pennant_bearish"),
        (
            (
                "After a rise of at least 4 ATR within 15 bars, 3 to 15 bars without a new high "
                "whose lows rise, over at most half of it; then a close above the line along their "
                "highs."
            ),
            (
                "After a fall of at least 4 ATR within 15 bars, 3 to 15 bars without a new low "
                "whose highs fall, over at most half of it; then a close below the line along their "
                "lows."
            ),
        ),
        (
            ("pole foot", "pole top", "pennant line", "pennant low", "breakout"),
            ("pole head", "pole bottom", "pennant line", "pennant high", "breakout"),
        ),
        BULKOWSKI,
        MINOR_SWING_ATRS,
        TREND_BREAKOUT_GATES,
    ),
)
"""The short rests behind a pole."""

BOWL_ENTRIES = (
    Entry(
        0,
        ("rounding_bottom", "rounding_top"),
        (
            (
                "A bowl of at least 40 bars that a parabola fits (R² 0.75), its lowest point "
                "near the middle; then the first close above the high where it began."
            ),
            (
                "A dome of at least 40 bars that a parabola fits (R² 0.75), its highest point "
                "near the middle; then the first close below the low where it began."
            ),
        ),
        (
            ("rim", "left wall", "bottom", "right wall", "breakout"),
            ("rim", "left wall", "top", "right wall", "breakout"),
        ),
        BULKOWSKI,
        SWING_ATRS,
    ),
)
"""The slow turn."""
