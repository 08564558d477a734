"""Chart patterns on confirmed pivots: each fires once, on the bar whose close breaks out.

Strength is 100 for a perfect shape and falls to 0 at the edge of what the definition allows.
"""

import numpy as np

from crypto_signals.analysis.chart_kernels import (
    MAX_RETRACEMENT,
    SAME_PRICE,
    SAME_PRICE_ATRS,
    bull_flags,
    double_bottoms,
    inverse_heads_and_shoulders,
)
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import BREAKOUT_GATES, TREND_BREAKOUT_GATES, detector
from crypto_signals.analysis.levels import STRUCTURE_ATRS
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family

SWING_ATRS = 2.0
"""The reversal that makes a swing of a double bottom or a head and shoulders."""
MINOR_SWING_ATRS = 1.0
"""The reversal that ends a flag's pole (a flag is shallow), or makes a low that a stop can hide behind."""
MEASURED_MOVES = np.array([0.5, 1.0, 1.5])

LO = "Lo, Mamaysky and Wang, Foundations of Technical Analysis (2000)"
BULKOWSKI = "Bulkowski, Encyclopedia of Chart Patterns (2005)"


def _targets(study: Study, bars: Ints, height: Floats) -> Floats:
    """50, 100 and 150 % of the pattern's height above the close of the breakout bar."""
    entry = study.series.close[bars]
    return np.asarray(entry[:, None] + height[:, None] * MEASURED_MOVES, np.float64)


def _last_minor_low(study: Study, bars: Ints, since: Ints) -> Floats:
    """The latest minor swing low known at each bar, NaN if it was made before ``since``."""
    minor = study.pivots(MINOR_SWING_ATRS)
    last = np.searchsorted(minor.confirmed_at, bars, side="right") - 1
    last -= minor.kind[last] > 0
    return np.where((last >= 0) & (minor.index[last] >= since), minor.price[last], np.nan)


def _closeness(a: Floats, b: Floats, atr: Floats) -> Floats:
    """1 where two prices are equal, 0 where they are as far apart as they may be."""
    allowed = np.maximum(SAME_PRICE * np.abs(a + b) / 2, SAME_PRICE_ATRS * atr)
    return np.asarray(1 - np.abs(a - b) / 2 / allowed, np.float64)


@detector(
    "bull_flag",
    family=Family.CHART,
    direction=Direction.LONG,
    gates=TREND_BREAKOUT_GATES,
    definition=(
        "After a rise of at least 4 ATR within 15 bars, 3 to 15 bars drift back over at most half of it; "
        "then a close above the line along their highs."
    ),
    source=BULKOWSKI,
)
def bull_flag(study: Study) -> Hits:
    """Bulkowski's flag: a steep pole, a short and shallow flag against it, a close out of it.

    The pole runs from a pivot low to a pivot high (reversal 1 ATR): at most 15 bars, at least 4 times the ATR
    of its first bar. The flag is the 3 to 15 bars between the top and the breakout, retraces at most half of
    the pole and makes no new high. Its line is the tangent from the top over the highs of the flag. Stop: 1 %
    under the flag's low; invalidation: that low; targets: 50, 100 and 150 % of the pole from the entry.
    Strength: 100 for a flag that gives nothing back, 0 for one that gives back half.
    """
    bars, pivots = study.series, study.pivots(MINOR_SWING_ATRS)
    at, tops, flags, lines = bull_flags(bars.high, bars.low, bars.close, study.atr(), *pivots.columns)
    if not len(at):
        return Hits.none()
    top, pole = pivots.price[tops], pivots.price[tops] - pivots.price[tops - 1]
    touch, lowest = flags[:, 0], flags[:, 1]
    flag_low = bars.low[lowest]
    anchors = np.column_stack((pivots.index[tops - 1], pivots.index[tops], touch, lowest, at))
    prices = np.column_stack((pivots.price[tops - 1], top, bars.high[touch], flag_low, bars.close[at]))
    return Hits.of(
        at,
        strength=100 * (1 - (top - flag_low) / (MAX_RETRACEMENT * pole)),
        structure=flag_low,
        stop=flag_low - 0.01 * np.abs(flag_low),
        targets=_targets(study, at, pole),
        neckline=lines,
        duration_bars=at - anchors[:, 0],
        anchors=anchors,
        anchor_prices=prices,
        labels=("pole foot", "pole top", "flag line", "flag low", "breakout"),
    )


@detector(
    "double_bottom",
    family=Family.CHART,
    direction=Direction.LONG,
    gates=BREAKOUT_GATES,
    definition=(
        "After a fall, two lows at the same price (within 1.5 % of their average, or half an ATR) more than "
        "22 bars apart; then a close above the high between them."
    ),
    source=LO,
)
def double_bottom(study: Study) -> Hits:
    """Two pivot lows (reversal 2 ATR) of one price, after Lo, Mamaysky and Wang: more than 22 bars apart.

    Each lies within 1.5 % of their average, or within 0.5 ATR where that is more. Added to their definition:
    at most 250 bars apart, no lower low between them, at least 3 ATR from the lower one to the peak, and a
    higher pivot high than that peak just before (there must be a fall to reverse). The neckline is the
    highest pivot high between them. The breakout is the first close above it once the second low is
    confirmed, unless one came before that; it must come before a close below the lower bottom, and within
    as many bars after the second bottom as lie between the two. Structure: the lower bottom. Targets: 50,
    100 and 150 % of the height from the entry. A stop under the bottoms would always be further away than
    target 2, so the stop lies 0.1 ATR under the last minor swing low (reversal 1 ATR) since the second
    bottom, if there is one. Strength: how equal the bottoms are.
    """
    bars, pivots, atr = study.series, study.pivots(SWING_ATRS), study.atr()
    at, chosen = double_bottoms(bars.close, atr, *pivots.columns)
    if not len(at):
        return Hits.none()
    index, price = pivots.index[chosen], pivots.price[chosen]
    floor = np.minimum(price[:, 0], price[:, 2])
    return Hits.of(
        at,
        strength=100 * np.clip(_closeness(price[:, 0], price[:, 2], atr[at]), 0, 1),
        structure=floor,
        stop=_last_minor_low(study, at, index[:, 2] + 1) - STRUCTURE_ATRS * atr[at],
        targets=_targets(study, at, price[:, 1] - floor),
        neckline=price[:, 1],
        duration_bars=at - index[:, 0],
        anchors=np.column_stack((index, at)),
        anchor_prices=np.column_stack((price, bars.close[at])),
        labels=("bottom 1", "peak", "bottom 2", "breakout"),
    )


@detector(
    "inverse_head_and_shoulders",
    family=Family.CHART,
    direction=Direction.LONG,
    gates=BREAKOUT_GATES,
    definition=(
        "Three lows in a row of which the middle one is lowest and the outer two equal, with two equal highs "
        "between them; then a close above the line through those highs."
    ),
    source=f"{LO}; stop after {BULKOWSKI}",
)
def inverse_head_and_shoulders(study: Study) -> Hits:
    """Five consecutive pivots E1 to E5 (reversal 2 ATR) after Lo, Mamaysky and Wang.

    E1 is a low; E3 is lower than E1 and than E5. E1 and E5 each lie within 1.5 % of their average, and so do
    E2 and E4; or within 0.5 ATR where that is more. Added to their definition: at most 250 bars from E1 to
    E5. The neckline is the line through E2 and E4. The breakout is the first close above it once E5 is
    confirmed, unless one came before that; it must come before a close below E5, and within as many bars
    after E5 as the pattern took. Structure: the right shoulder E5, under which Bulkowski puts the stop.
    Targets: 50, 100 and 150 % of the height (from the head to the neckline above it) from the entry.
    Strength: how equal shoulders and highs are.
    """
    bars, pivots, atr = study.series, study.pivots(SWING_ATRS), study.atr()
    at, chosen = inverse_heads_and_shoulders(bars.close, atr, *pivots.columns)
    if not len(at):
        return Hits.none()
    index, price = pivots.index[chosen], pivots.price[chosen]
    slope = (price[:, 3] - price[:, 1]) / (index[:, 3] - index[:, 1])
    height = price[:, 1] + slope * (index[:, 2] - index[:, 1]) - price[:, 2]
    shoulders = _closeness(price[:, 0], price[:, 4], atr[at])
    highs = _closeness(price[:, 1], price[:, 3], atr[at])
    return Hits.of(
        at,
        strength=50 * (np.clip(shoulders, 0, 1) + np.clip(highs, 0, 1)),
        structure=price[:, 4],
        targets=_targets(study, at, height),
        neckline=price[:, 1] + slope * (at - index[:, 1]),
        duration_bars=at - index[:, 0],
        anchors=np.column_stack((index, at)),
        anchor_prices=np.column_stack((price, bars.close[at])),
        labels=("left shoulder", "high 1", "head", "high 2", "right shoulder", "breakout"),
    )


CHART_PATTERNS = (bull_flag, double_bottom, inverse_head_and_shoulders)
"""Every chart detector."""
