"""Entry, stop and targets of hits, by the general rule or the pattern's own."""

from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction

STRUCTURE_ATRS = 0.1
STOP_ATRS = 1.5
TARGET_ATRS = np.array([2.0, 4.0, 6.0])


class Levels(NamedTuple):
    """Prices of the hits in ``rows`` (int64[m], row numbers): float64[m], ``targets`` float64[m, 3]."""

    rows: Ints
    entry: Floats
    stop: Floats
    targets: Floats
    atr: Floats


def levels(study: Study, hits: Hits, direction: Direction) -> Levels:
    """The levels of every hit that can have them.

    Entry is the close. The stop is the pattern's own, else 0.1 ATR(14) beyond its structure, else 1.5 ATR
    from the entry. Targets are the pattern's own, else 2, 4 and 6 ATR. Nothing is clamped: whether a stop is
    too near or too far is for the gate ``bad_stop`` to say. A hit is left out when a level is not a positive
    finite price, when ATR is not above zero, when the stop lies on the wrong side of the entry, or when the
    targets do not run away from it one after the other.
    """
    return levels_at(study.series.close[hits.index], study.atr()[hits.index], hits, direction)


def levels_at(entry: Floats, atr: Floats, hits: Hits, direction: Direction) -> Levels:
    """The same, of hits whose close and ATR(14) are known (float64[n])."""
    side = direction.side
    stop = np.where(
        np.isnan(hits.structure), entry - side * STOP_ATRS * atr, hits.structure - side * STRUCTURE_ATRS * atr
    )
    stop = np.where(np.isnan(hits.stop), stop, hits.stop)
    general = entry[:, None] + side * atr[:, None] * TARGET_ATRS
    targets = np.where(np.isnan(hits.targets), general, hits.targets)
    sound = (side * (entry - stop) > 0) & (atr > 0) & _is_price(entry) & _is_price(stop)
    sound &= _is_price(targets).all(axis=1)
    nearer = entry
    for target in targets.T:
        sound &= side * (target - nearer) > 0
        nearer = target
    rows = np.flatnonzero(sound)
    return Levels(rows, entry[rows], stop[rows], targets[rows], atr[rows])


def _is_price(values: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return (values > 0) & (values < np.inf)
