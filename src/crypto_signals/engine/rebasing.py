"""Whether an instrument's bars count in other units now than those that a signal remembers, as after a split.

The signal's own memory decides, not what a source noticed: so it holds whoever fetched the bars, and when.
"""

from datetime import datetime

import numpy as np

from crypto_signals.analysis.panel import Series, as_ts64
from crypto_signals.domain.signals import Signal

REBASED_FROM = 0.02
"""A smaller change of all prices is a correction, or another feed, and no split."""
SAME_FACTOR = 0.005
"""Adjusted prices are rounded to cents."""


def factor_since(signal: Signal, series: Series) -> float | None:
    """By what the closes that a signal remembers, of its own bar and of the last one that it saw, must be
    multiplied to be those of the same bars now; ``None`` where they are those, or do not agree."""
    progress = signal.progress
    remembered = [(signal.bar_ts, signal.plan.entry), (progress.last_ts, progress.last_close)]
    factors = [
        close / price
        for ts, price in remembered
        if ts is not None and price and (close := _close_of(series, ts)) is not None
    ]
    if not factors or abs(factors[0] - 1) < REBASED_FROM:
        return None
    agree = all(abs(factor / factors[0] - 1) < SAME_FACTOR for factor in factors)
    return factors[0] if agree else None


def _close_of(series: Series, ts: datetime) -> float | None:
    stamp = as_ts64(ts)
    index = int(np.searchsorted(series.ts, stamp))
    known = index < len(series) and series.ts[index] == stamp
    return float(series.close[index]) if known else None
