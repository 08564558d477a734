"""How long a detector takes, beside a candlestick of TA-Lib on the same arrays, and how that grows."""

import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.plain_talib import talib
from crypto_signals.analysis.study import Study
from crypto_signals.research.synthetic import walk

STEPS = (200, 2_000, 20_000, 200_000)
"""Bars; each step is short enough to find out a quadratic detector before the next would take hours."""
MOST_GROWTH = 30.0
"""From step to step. A linear detector takes ten times as long, up to twenty beside other programs that take
its caches; a quadratic one a hundred times."""
MOST_NS_PER_BAR = 10_000.0
ROUNDS = 3
TRIES = 3
LINEAR_NS_PER_BAR = 100.0
"""Whoever takes less on the longest series is linear: such short times grow with the caches."""
MOST_SECONDS = 3.0
"""A step that would take longer, were the detector quadratic, is left out: the one before can tell."""


class Speed(NamedTuple):
    passed: bool
    detail: str


def speed_of(entry: Detector) -> Speed:
    """Times the detector, indicators included, on drawn bars: CPU time of this process, best of some rounds.

    The longer series are left out for one that is already slow on a shorter one.
    """
    try:
        return _measured(entry)
    except Exception as error:  # noqa: BLE001 - whatever a detector raises is a finding
        return Speed(False, f"raised {type(error).__name__}: {' '.join(str(error).split())}")


def _measured(entry: Detector) -> Speed:
    _timed(entry, STEPS[0])
    before, took = STEPS[0], _timed(entry, STEPS[0])
    for bars in STEPS[1:]:
        if took * (bars / before) ** 2 > MOST_SECONDS:
            break
        last, took = took, _timed(entry, bars)
        growth, tries = took / max(last, 1e-9), 1
        slow = 1e9 * took > LINEAR_NS_PER_BAR * bars
        while growth > MOST_GROWTH and slow and tries < TRIES:
            again = _timed(entry, before)
            took = _timed(entry, bars)
            growth, tries = min(growth, took / max(again, 1e-9)), tries + 1
        if growth > MOST_GROWTH and slow:
            return Speed(False, f"{bars} bars take {growth:.1f} times as long as {before}: not linear")
        before = bars
    per_bar = 1e9 * took / before
    candle = 1e9 * _best(_candle(_drawn(before))) / before
    detail = f"{per_bar:.0f} ns a bar, {per_bar / candle:.1f} times a candlestick of TA-Lib"
    return Speed(per_bar <= MOST_NS_PER_BAR, detail)


@cache
def _drawn(bars: int) -> Series:
    return walk(1, bars)


def _timed(entry: Detector, bars: int) -> float:
    series = _drawn(bars)

    def work() -> None:
        with np.errstate(all="ignore"):
            entry(Study(series))

    return _best(work)


def _candle(series: Series) -> Callable[[], object]:
    return lambda: talib.CDLENGULFING(series.open, series.high, series.low, series.close)


def _best(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
        if best * ROUNDS > MOST_SECONDS:
            break
    return best
