"""Divergences between price and RSI, on confirmed swings alone.

Two swings of one kind are compared: the last one confirmed by the close of bar t, and the one before it.

| kind | lows | highs |
|---|---|---|
| regular | price lower, RSI higher: bullish | price higher, RSI lower: bearish |
| hidden | price higher, RSI lower: bullish | price lower, RSI higher: bearish |

Regular: Wilder, New Concepts in Technical Trading Systems (1978). Hidden: the positive and negative reversals
of Brown, Technical Analysis for the Trading Professional (1999). Numbers of our own: swings of 1.5 ATR(14),
5 to 60 bars apart; the newer one at most 20 bars old and not passed by a close since. If both lows and highs
diverge, what the newer swing says counts.
"""

from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.pivots import Pivots
from crypto_signals.analysis.study import Study

SWING_ATRS = 1.5
MIN_APART_BARS, MAX_APART_BARS = 5, 60
MAX_AGE_BARS = 20


class Divergence(NamedTuple):
    """+1 bullish, -1 bearish, 0 none, of each kind; None before two swings of a kind are known."""

    regular: float | None
    hidden: float | None


def rsi_divergence(study: Study, t: int) -> Divergence:
    """The divergences that stand at bar ``t``."""
    pivots, rsi = study.pivots(SWING_ATRS), study.rsi()
    known = int(np.searchsorted(pivots.confirmed_at, t, side="right"))
    if known < 3 or np.isnan(rsi[pivots.index[known - 3]]):
        return Divergence(None, None)
    regular = hidden = 0.0
    for newer in (known - 1, known - 2):
        if newer < 2 or not _stands(study, pivots, newer, t):
            continue
        older = newer - 2
        kind = int(pivots.kind[newer])
        beyond = kind * (pivots.price[newer] - pivots.price[older])
        stronger = kind * (rsi[pivots.index[newer]] - rsi[pivots.index[older]])
        if not regular and beyond > 0 > stronger:
            regular = float(-kind)
        if not hidden and beyond < 0 < stronger:
            hidden = float(-kind)
    return Divergence(regular, hidden)


def _stands(study: Study, pivots: Pivots, newer: int, t: int) -> bool:
    """Whether the swing is fresh at bar ``t``, not too near to the one before, nor passed by a close."""
    at, kind = int(pivots.index[newer]), int(pivots.kind[newer])
    apart = at - int(pivots.index[newer - 2])
    if t - at > MAX_AGE_BARS or not MIN_APART_BARS <= apart <= MAX_APART_BARS:
        return False
    since = study.series.close[at + 1 : t + 1]
    return bool((kind * since <= kind * pivots.price[newer]).all())
