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
