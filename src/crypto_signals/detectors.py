"""What one needs to write a detector of one's own: ``from crypto_signals.detectors import …``."""

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import (
    BREAKOUT_GATES,
    CANDLESTICK_GATES,
    SETTLED_BARS,
    TREND_BREAKOUT_GATES,
    Detector,
    detector,
)
from crypto_signals.analysis.panel import Bools, Floats, Ints, Series
from crypto_signals.analysis.pivots import Pivots
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

__all__ = [
    "BREAKOUT_GATES",
    "CANDLESTICK_GATES",
    "SETTLED_BARS",
    "TREND_BREAKOUT_GATES",
    "Bools",
    "Detector",
    "Direction",
    "Family",
    "Floats",
    "Hits",
    "Ints",
    "Pivots",
    "Role",
    "Series",
    "Study",
    "detector",
]
