"""Textbook chart patterns, drawn: straight legs from vertex to vertex, stretched, scaled, mirrored, noisy.

All are the bullish pattern; mirrored, they are the bearish one.
"""

from dataclasses import dataclass, replace

import numpy as np

from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.panel import Floats, Series

from .bars import CALM_BARS, calm_then, drawn

Legs = tuple[tuple[int, float], ...]

AXIS = 100.0
"""The price that a mirrored drawing is mirrored at, and at which every drawing starts."""
WICK = 0.3


@dataclass(frozen=True)
class Drawing:
    """A pattern behind calm bars. A leg is (bars it takes, price where it ends).

    ``vertices`` are the numbers of the legs at whose ends the pattern's anchors lie, in their order; the last
    leg breaks out.
    """

    bullish: str
    bearish: str
    vertices: tuple[int, ...]
    legs: Legs

    def name(self, *, mirrored: bool) -> str:
        return self.bearish if mirrored else self.bullish

    def having(self, **legs: tuple[int, float]) -> "Drawing":
        """The same drawing with some legs replaced: ``leg3=(13, 83.0)``."""
        changed = dict(enumerate(self.legs)) | {
            int(key.removeprefix("leg")): leg for key, leg in legs.items()
        }
        return replace(self, legs=tuple(changed[at] for at in sorted(changed)))

    def stretched(self, factor: int) -> "Drawing":
        return replace(self, legs=tuple((factor * bars, price) for bars, price in self.legs))

    def ends(self) -> list[int]:
        """The bar on which each leg ends."""
        return (CALM_BARS - 1 + np.cumsum([bars for bars, _ in self.legs])).tolist()

    def closes(self) -> Floats:
        return calm_then(self.legs, start=AXIS)

    def bars(self, *, mirrored: bool = False, scale: float = 1.0, seed: int | None = None) -> Series:
        """The drawing as daily bars; a ``seed`` adds a little noise to the closes."""
        closes = self.closes()
        if seed is not None:
            closes = closes + np.random.default_rng(seed).normal(0, 0.03, len(closes))
        if mirrored:
            closes = 2 * AXIS - closes
        return drawn(closes * scale, wick=WICK * scale)


def anchor_bars(series: Series, found: Detection) -> list[int]:
    """The numbers of the bars on which a detection stands, the breakout included."""
    stamps = [np.datetime64(anchor.ts.replace(tzinfo=None), "us") for anchor in found.anchors]
    return np.searchsorted(series.ts, stamps).tolist()


DOUBLE = Drawing(
    "double_bottom", "double_top", (1, 2, 3), ((10, 112), (12, 88), (13, 98), (13, 88.4), (14, 102))
)
TRIPLE = Drawing(
    "triple_bottom",
    "triple_top",
    (1, 2, 3, 4, 5),
    ((10, 112), (12, 88), (12, 97), (12, 88.3), (12, 97.4), (12, 88.2), (14, 102)),
)
HEAD = Drawing(
    "inverse_head_and_shoulders",
    "head_and_shoulders",
    (0, 1, 2, 3, 4),
    ((12, 88), (7, 95), (8, 82), (8, 95.3), (7, 88.4), (9, 101)),
)
CUP = Drawing(
    "cup_and_handle",
    "inverse_cup_and_handle",
    (1, 4, 7, 8),
    (
        (8, 92), (14, 120), (6, 108), (8, 104.5), (8, 103), (8, 104.5), (8, 108), (6, 119.8),
        (6, 114), (8, 123),
    ),
)  # fmt: skip
FLAT_TOP = Drawing(
    "ascending_triangle",
    "descending_triangle",
    (0, 1, 2, 3, 4),
    ((8, 96), (9, 110), (8, 100.5), (8, 110.2), (6, 104.8), (9, 114)),
)
SYMMETRICAL = Drawing(
    "symmetrical_triangle_bullish",
    "symmetrical_triangle_bearish",
    (0, 1, 2, 3, 4),
    ((8, 92), (9, 112), (8, 96.1), (8, 108), (8, 100.2), (9, 112)),
)
WEDGE = Drawing(
    "falling_wedge",
    "rising_wedge",
    (1, 2, 3, 4, 5),
    ((6, 106), (8, 100), (9, 114), (8, 97.6), (8, 106), (8, 95), (10, 110)),
)
RECTANGLE = Drawing(
    "rectangle_bullish",
    "rectangle_bearish",
    (0, 1, 2, 3, 4),
    ((8, 96), (9, 108), (9, 96.2), (9, 108.2), (9, 96.1), (11, 113)),
)
BROADENING = Drawing(
    "broadening_bullish",
    "broadening_bearish",
    (1, 2, 3, 4, 5),
    ((6, 108), (8, 98), (6, 106), (8, 95.2), (9, 110), (10, 92), (12, 122)),
)
CHANNEL = Drawing(
    "channel_break_bullish",
    "channel_break_bearish",
    (1, 2, 3, 4, 5),
    ((6, 106), (8, 100), (9, 110), (9, 95), (9, 105), (9, 90), (14, 110)),
)
FLAG = Drawing("bull_flag", "bear_flag", (0,), ((6, 114), (6, 110.5), (4, 117)))
PENNANT = Drawing(
    "pennant_bullish", "pennant_bearish", (0,), ((6, 114), (2, 109.5), (2, 112.8), (2, 110.6), (3, 118))
)
BOWL = Drawing(
    "rounding_bottom",
    "rounding_top",
    (0,),
    (
        (10, 115), (6, 109), (8, 104), (10, 101), (12, 100), (10, 101), (8, 104), (6, 109), (6, 114.8),
        (4, 120),
    ),
)  # fmt: skip

DRAWINGS = (
    DOUBLE, TRIPLE, HEAD, CUP, FLAT_TOP, SYMMETRICAL, WEDGE, RECTANGLE, BROADENING, CHANNEL, FLAG, PENNANT,
    BOWL,
)  # fmt: skip

BROKEN = (
    (DOUBLE, "the bottoms differ by 6 %", DOUBLE.having(leg3=(13, 93))),
    (DOUBLE, "the second bottom is 6 % lower", DOUBLE.having(leg3=(13, 83), leg4=(18, 102))),
    (DOUBLE, "the peak is no swing", DOUBLE.having(leg2=(3, 89.5), leg3=(3, 88.4))),
    (DOUBLE, "no close above the peak", DOUBLE.having(leg4=(9, 97), leg5=(9, 90))),
    (DOUBLE, "the bottoms give way first", DOUBLE.having(leg4=(4, 92), leg5=(5, 83.5), leg6=(16, 102))),
    (DOUBLE, "the breakout comes too late", DOUBLE.having(leg4=(40, 94), leg5=(5, 102))),
    (DOUBLE, "there was no fall", DOUBLE.having(leg0=(10, 97), leg1=(12, 90), leg2=(13, 105), leg3=(13, 90.4),
                                               leg4=(14, 108))),
    (TRIPLE, "the third bottom is 5 % higher", TRIPLE.having(leg5=(12, 93))),
    (TRIPLE, "the second bottom is 5 % lower", TRIPLE.having(leg3=(12, 83.5))),
    (TRIPLE, "two bottoms are 8 bars apart", TRIPLE.having(leg2=(4, 97), leg3=(4, 88.3))),
    (TRIPLE, "no close above the higher high", TRIPLE.having(leg6=(9, 96.5), leg7=(9, 90))),
    (TRIPLE, "the bottoms give way first", TRIPLE.having(leg6=(4, 92), leg7=(8, 84), leg8=(18, 102))),
    (TRIPLE, "there was no fall",
     TRIPLE.having(leg0=(10, 97), leg2=(12, 105), leg4=(12, 105.4), leg6=(16, 112))),
    (TRIPLE, "the highs are no swings",
     TRIPLE.having(leg2=(12, 89.2), leg3=(12, 88.3), leg4=(12, 89.3), leg5=(12, 88.2))),
    (TRIPLE, "it takes 260 bars",
     TRIPLE.having(leg2=(65, 97), leg3=(65, 88.3), leg4=(65, 97.4), leg5=(65, 88.2))),
    (HEAD, "it takes 260 bars", HEAD.having(leg1=(65, 95), leg2=(65, 82), leg3=(65, 95.3), leg4=(65, 88.4))),
    (HEAD, "no close above the highs", HEAD.having(leg5=(6, 94), leg6=(9, 84))),
    (HEAD, "the head is not the lowest", HEAD.having(leg2=(8, 89))),
    (HEAD, "the head does not stand out", HEAD.having(leg2=(8, 87.5))),
    (HEAD, "the shoulders differ by 5 %", HEAD.having(leg0=(12, 92.5), leg1=(7, 95.5), leg4=(7, 88))),
    (HEAD, "the highs differ by 5 %", HEAD.having(leg3=(8, 99.5), leg5=(12, 106))),
    (HEAD, "the right shoulder gives way first", HEAD.having(leg5=(3, 92), leg6=(4, 85), leg7=(12, 101))),
    (CUP, "the cup is a V", replace(CUP, legs=(*CUP.legs[:2], (22, 103), (22, 119.8), *CUP.legs[8:]))),
    (CUP, "the cup takes 28 bars",
     replace(CUP, legs=(*CUP.legs[:2], (4, 108), (10, 103), (10, 108), (4, 119.8), *CUP.legs[8:]))),
    (CUP, "the lips differ by 6 %", CUP.having(leg7=(6, 112.5), leg8=(6, 108.5))),
    (CUP, "the handle falls into the lower half", CUP.having(leg8=(8, 108))),
    (CUP, "the handle is too short", CUP.having(leg8=(2, 114), leg9=(2, 124))),
    (CUP, "nothing rose before it", replace(CUP, legs=((25, 140), (10, 114), (4, 120), *CUP.legs[2:]))),
    (CUP, "no close above the right lip", CUP.having(leg9=(5, 118.5), leg10=(9, 108))),
    (FLAT_TOP, "the top falls", FLAT_TOP.having(leg3=(8, 107))),
    (FLAT_TOP, "the lows do not rise", FLAT_TOP.having(leg2=(8, 96), leg4=(8, 96.2))),
    (FLAT_TOP, "the middle low is off the line", FLAT_TOP.having(leg2=(8, 106), leg4=(6, 105))),
    (FLAT_TOP, "it breaks the other way", FLAT_TOP.having(leg5=(10, 95))),
    (SYMMETRICAL, "the highs rise", SYMMETRICAL.having(leg3=(8, 116), leg5=(12, 122))),
    (SYMMETRICAL, "the lows fall", SYMMETRICAL.having(leg2=(8, 88), leg4=(8, 84), leg5=(16, 112))),
    (SYMMETRICAL, "one leg takes most of it", SYMMETRICAL.having(leg1=(60, 112))),
    (SYMMETRICAL, "it breaks the other way", SYMMETRICAL.having(leg5=(10, 90))),
    (SYMMETRICAL, "it takes 12 bars",
     replace(SYMMETRICAL, legs=((8, 92), (3, 112), (3, 96.1), (3, 108), (3, 100.2), (4, 112)))),
    (WEDGE, "the lines are parallel", WEDGE.having(leg3=(8, 93), leg5=(8, 84), leg6=(12, 104))),
    (WEDGE, "the highs rise", WEDGE.having(leg4=(8, 117), leg6=(14, 128))),
    (WEDGE, "the lows rise", WEDGE.having(leg3=(8, 102), leg5=(8, 104))),
    (WEDGE, "it breaks the other way", WEDGE.having(leg6=(10, 82))),
    (RECTANGLE, "the top rises", RECTANGLE.having(leg3=(9, 113), leg5=(11, 119))),
    (RECTANGLE, "the last low is lower", RECTANGLE.having(leg4=(9, 91))),
    (RECTANGLE, "the middle low is off the line", RECTANGLE.having(leg2=(9, 101))),
    (RECTANGLE, "the lines converge", RECTANGLE.having(leg0=(8, 98), leg1=(9, 106), leg2=(9, 98.6),
                                                      leg3=(9, 104.7), leg4=(9, 99.2))),
    (RECTANGLE, "it breaks the other way", RECTANGLE.having(leg5=(9, 88))),
    (BROADENING, "the highs do not rise", BROADENING.having(leg4=(9, 106))),
    (BROADENING, "the lows do not fall", BROADENING.having(leg3=(8, 98), leg5=(10, 98))),
    (BROADENING, "it breaks the other way", BROADENING.having(leg6=(9, 84))),
    (CHANNEL, "the lines converge", CHANNEL.having(leg3=(9, 98), leg5=(9, 96))),
    (CHANNEL, "the lines are level", CHANNEL.having(leg3=(9, 100), leg4=(9, 110), leg5=(9, 100))),
    (CHANNEL, "it breaks the other way", CHANNEL.having(leg6=(9, 78))),
    (FLAG, "the pole takes 20 bars", FLAG.having(leg0=(20, 114))),
    (FLAG, "the flag gives back more than half", FLAG.having(leg1=(6, 105.5), leg2=(6, 117))),
    (FLAG, "the flag takes 20 bars", FLAG.having(leg1=(20, 110.5))),
    (FLAG, "no close above the flag's line", FLAG.having(leg1=(12, 109), leg2=(10, 101))),
    (FLAG, "the pole is low", FLAG.having(leg0=(6, 102.5), leg1=(6, 101.8), leg2=(4, 105))),
    (FLAG, "its lows rise", replace(FLAG, legs=PENNANT.legs)),
    (PENNANT, "its lows fall", replace(PENNANT, legs=FLAG.legs)),
    (PENNANT, "it gives back more than half", PENNANT.having(leg1=(2, 103), leg3=(2, 105))),
    (PENNANT, "the pole takes 20 bars", PENNANT.having(leg0=(20, 114))),
    (PENNANT, "it takes 20 bars", PENNANT.having(leg1=(7, 109.5), leg2=(6, 112.8), leg3=(7, 110.6))),
    (PENNANT, "no close above its line", PENNANT.having(leg4=(10, 101))),
    (PENNANT, "the pole is low", PENNANT.having(leg0=(6, 102.5), leg1=(2, 101.2), leg2=(2, 102),
                                              leg3=(2, 101.5), leg4=(4, 105))),
    (BOWL, "it is a V", replace(BOWL, legs=((10, 115), (33, 100), (33, 114.8), (4, 120)))),
    (BOWL, "it takes 30 bars", replace(BOWL, legs=((10, 115), (5, 106), (10, 100), (10, 106), (5, 116)))),
    (BOWL, "its lowest point lies at the left",
     replace(BOWL, legs=((10, 115), (5, 100), (20, 101), (20, 105), (20, 112), (8, 120)))),
    (BOWL, "its lowest point lies at the right",
     replace(BOWL, legs=((10, 115), (20, 108), (20, 103), (20, 100), (5, 114.8), (4, 120)))),
    (BOWL, "no close above the rim", BOWL.having(leg9=(4, 108))),
)  # fmt: skip
"""For each shape and each of its rules, a drawing that breaks that rule."""
