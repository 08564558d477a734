"""Files with detectors, as a user would write them."""

from pathlib import Path

HEAD = """
import time
import numpy as np
from crypto_signals.detectors import Direction, Family, Hits, Study, detector

def named(name):
    return detector(
        name, family=Family.CANDLESTICK, direction=Direction.LONG, definition="For tests.", source="-",
        warm_up_bars=300,
    )

def at(study, index):
    low = study.series.low[index]
    return Hits.of(
        index, strength=np.full(len(index), 50.0), duration_bars=np.zeros(len(index), np.int64),
        anchors=index[:, None], anchor_prices=low[:, None], labels=("low",), structure=low,
    )

def lower_lows(study):
    low = study.series.low
    return at(study, np.flatnonzero((low[2:] < low[1:-1]) & (low[1:-1] < low[:-2])) + 2)
"""

HONEST = """
@named("honest_dip")
def honest_dip(study: Study) -> Hits:
    return lower_lows(study)
"""

PEEKING = """
@named("peeking_dip")
def peeking_dip(study: Study) -> Hits:
    low = study.series.low
    return at(study, np.flatnonzero((low[1:-1] < low[:-2]) & (low[1:-1] < low[2:])) + 1)
"""

CENTRED = """
@named("centred_dip")
def centred_dip(study: Study) -> Hits:
    close = study.series.close
    if len(close) < 5:
        return Hits.none()
    smooth = np.convolve(close, np.ones(5) / 5, mode="same")
    return at(study, np.flatnonzero(close < 0.98 * smooth))
"""

MEASURED_BY_THE_WHOLE = """
@named("cheap_of_all")
def cheap_of_all(study: Study) -> Hits:
    close = study.series.close
    if not len(close):
        return Hits.none()
    return at(study, np.flatnonzero(close < np.nanmean(close) - 0.2 * np.nanstd(close)))
"""

REPAINTING = """
from crypto_signals.analysis.pivots import provisional_extreme

@named("repainted_low")
def repainted_low(study: Study) -> Hits:
    series = study.series
    extreme = provisional_extreme(series.high, series.low, 2 * study.atr())
    confirmed = study.pivots(2.0)
    bars = confirmed.index[confirmed.kind < 0]
    if extreme is not None and extreme.kind < 0:
        bars = np.append(bars, extreme.bar)
    return at(study, bars.astype(np.int64))
"""

FICKLE = """
_calls = []

@named("fickle_dip")
def fickle_dip(study: Study) -> Hits:
    _calls.append(1)
    hits = lower_lows(study)
    return hits.take(np.arange(len(_calls) % 2, len(hits), 2))
"""


def written(folder: Path, *parts: str, name: str = "my_patterns.py") -> Path:
    """A file with the given detectors."""
    path = folder / name
    path.write_text(HEAD + "".join(parts), encoding="utf-8")
    return path


def failing_later(body: str) -> str:
    """A detector that is honest until the file ``switch`` lies beside it; then it does ``body``."""
    return f"""
import pathlib
_SWITCH = pathlib.Path(__file__).with_name("switch")

@named("turncoat")
def turncoat(study: Study) -> Hits:
    if _SWITCH.exists():
        {body}
    return lower_lows(study)
"""
