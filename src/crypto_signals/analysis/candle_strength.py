"""What volume and gaps add to the strength of a candlestick pattern.

Strength starts from how clean the shape is: 100, or less where it is not (each detector says how). Then:

| added | for |
|---|---|
| 20 for each average volume above one, at most 40 | the last candle's volume over the average of 20 bars |
| 10 | escalation: the last three volumes rise from bar to bar |
| 10 each, at most 20 | a true gap into the last candle, and into the one before: no price in common |

So the scale runs from 0 to 170. More volume or another gap never makes a pattern weaker. Bars without volume
add nothing for it. The table is our own; that volume should grow with a reversal, and that gaps stress it, is
Nison, Japanese Candlestick Charting Techniques (1991).
"""

import numpy as np

from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.study import Study

PER_AVERAGE, MOST_FOR_VOLUME = 20.0, 40.0
ESCALATION = 10.0
GAP = 10.0
_REACH = 2


def emphasis(study: Study, bars: Ints) -> Floats:
    """What is added to the strength of patterns whose last candles are ``bars``, none before ``first``."""
    start = max(study.first - _REACH, 0)
    return study.keep("emphasis", lambda: _emphasis(study, start))[bars - start]


def _emphasis(study: Study, start: int) -> Floats:
    """One value a bar from ``start`` on; only those from ``first`` on are right."""
    bars = study.series
    volume, high, low = bars.volume[start:], bars.high[start:], bars.low[start:]
    if not len(volume):
        return np.empty(0)
    with np.errstate(all="ignore"):
        excess = PER_AVERAGE * (volume / study.volume_average()[start:] - 1)
    out = np.fmin(np.fmax(excess, 0.0), MOST_FOR_VOLUME)
    rises = volume[1:] > volume[:-1]
    out[2:] += ESCALATION * (rises[1:] & rises[:-1])
    gaps = GAP * ((low[1:] > high[:-1]) | (high[1:] < low[:-1]))
    out[1:] += gaps
    out[2:] += gaps[:-1]
    return out
