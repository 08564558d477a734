"""Tweezers: two candles that stop at one price. TA-Lib does not have them.

Nison, Japanese Candlestick Charting Techniques (1991): two or more lows (highs) that match, at the end of a
fall (rise); best when a long body comes first and the other candle turns. Numbers for that, for the bottom:

* the two lows lie within 0.05 ATR(14) of each other, and one of them is the lowest of ten bars;
* the first candle is black, with a body of at least half its range and half an ATR;
* the second is white.

The top is its mirror image. Only neighbouring candles count. Structure: the lower low (higher high).
Strength: 100 for equal lows, 80 at the edge of the tolerance, and what `candle_strength` adds.
"""

import numpy as np

from crypto_signals.analysis.candle_strength import emphasis
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import CANDLESTICK_GATES, Detector, detector
from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.analysis.study import Study
from crypto_signals.analysis.ties import TIE
from crypto_signals.domain.vocabulary import Direction, Family

TOLERANCE_ATRS = 0.05
MIN_BODY_SHARE = 0.5
MIN_BODY_ATRS = 0.5
EXTREME_BARS = 10
LOST_AT_THE_EDGE = 20.0
SOURCE = "Nison, Japanese Candlestick Charting Techniques (1991); tolerances of our own"


def _tweezers(study: Study, side: int) -> Hits:
    """Tweezers at ``low`` for +1; for -1 the same on mirrored bars."""
    bars = study.series
    if len(bars) < EXTREME_BARS:
        return Hits.none()
    start = max(study.first - 1, EXTREME_BARS - 2)
    edge = bars.low if side > 0 else bars.high
    lows = side * edge[start:]
    body = side * (bars.close[start:] - bars.open[start:])
    atr = study.atr()[start:]
    apart = np.abs(np.diff(lows))
    black = -body[:-1]
    reach = bars.high[start:-1] - bars.low[start:-1]
    match = (apart <= TOLERANCE_ATRS * atr[1:]) & (body[1:] > 0)
    match &= (black >= MIN_BODY_SHARE * reach * (1 - TIE)) & (black >= MIN_BODY_ATRS * atr[1:])
    found = np.flatnonzero(match)
    found = found[_is_extreme(side * edge, found + start + 1)]
    if not len(found):
        return Hits.none()
    index = found + start + 1
    anchors = np.column_stack((index - 1, index))
    share = apart[found] / (TOLERANCE_ATRS * atr[found + 1])
    return Hits.of(
        index,
        strength=100 - LOST_AT_THE_EDGE * share + emphasis(study, index),
        structure=side * np.minimum(lows[found], lows[found + 1]),
        duration_bars=np.ones(len(index), np.int64),
        anchors=anchors,
        anchor_prices=edge[anchors],
        labels=("candle 1", "candle 2"),
    )


def _is_extreme(low: Floats, bars: Ints) -> Bools:
    """Whether one of the last two of the ten bars up to each of ``bars`` has the lowest low of them."""
    windows = low[bars[:, None] + np.arange(1 - EXTREME_BARS, 1)]
    lowest: Floats = windows[:, -2:].min(axis=1)
    is_extreme: Bools = np.all(lowest[:, None] <= windows, axis=1)
    return is_extreme


@detector(
    "tweezer_bottom",
    family=Family.CANDLESTICK,
    direction=Direction.LONG,
    gates=CANDLESTICK_GATES,
    definition="A long black candle, then a white one that stops at the same low, the lowest of ten bars.",
    source=SOURCE,
)
def tweezer_bottom(study: Study) -> Hits:
    """Two lows at one price after a fall."""
    return _tweezers(study, 1)


@detector(
    "tweezer_top",
    family=Family.CANDLESTICK,
    direction=Direction.SHORT,
    gates=CANDLESTICK_GATES,
    definition="A long white candle, then a black one that stops at the same high, the highest of ten bars.",
    source=SOURCE,
)
def tweezer_top(study: Study) -> Hits:
    """Two highs at one price after a rise."""
    return _tweezers(study, -1)


TWEEZERS: tuple[Detector, ...] = (tweezer_bottom, tweezer_top)
