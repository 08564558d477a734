"""What a detector says on a series, in columns, and the first bar and field in which two sayings differ."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.levels import levels
from crypto_signals.analysis.panel import Ints
from crypto_signals.analysis.scan import known_hits
from crypto_signals.analysis.study import Study

Column = npt.NDArray[Any]

FIELDS = (
    "strength", "entry", "stop", "targets", "structure", "neckline", "zone",
    "duration_bars", "anchors", "anchor_prices", "atr",
)  # fmt: skip
PRICES = frozenset({"entry", "stop", "targets", "structure", "neckline", "zone", "anchor_prices", "atr"})
FIRES = "detection"
"""The name of the field that differs where one fires and the other does not."""


class Said(NamedTuple):
    """The detections of one detector on one series: their bars, and a column for each of `FIELDS`."""

    bars: Ints
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        return len(self.bars)

    def column(self, field: str) -> Column:
        return self.columns[FIELDS.index(field)]


class Difference(NamedTuple):
    """Where two sayings part: ``then`` is what the first says of that field, ``now`` what the second says."""

    bar: int
    field: str
    then: str
    now: str


_NOTHING = Said(np.empty(0, np.int64), tuple(np.empty(0) for _ in FIELDS))


def say(study: Study, entry: Detector) -> Said:
    """Every detection of the detector as the scan would hand it out: warm, not suspect, with levels."""
    hits = known_hits(study, entry)
    if not len(hits):
        return _NOTHING
    with np.errstate(all="ignore"):
        found = levels(study, hits, entry.direction)
    if len(found.rows) < len(hits):
        hits = hits.take(found.rows)
    return Said(
        hits.index,
        (
            hits.strength,
            found.entry,
            found.stop,
            found.targets,
            hits.structure,
            hits.neckline,
            hits.zone,
            hits.duration_bars,
            hits.anchors,
            hits.anchor_prices,
            found.atr,
        ),
    )


def first_difference(then: Said, now: Said, before: int) -> Difference | None:
    """The first bar below ``before`` on which two sayings are not the same, bit for bit.

    ``then`` holds no bar from ``before`` on.
    """
    count = int(np.searchsorted(now.bars, before))
    if len(then) == count == 0:
        return None
    if len(then) == count and then.bars.tobytes() == now.bars[:count].tobytes():
        columns = zip(then.columns, now.columns, strict=True)
        if all(one.tobytes() == other[:count].tobytes() for one, other in columns):
            return None
    return _locate(then, Said(now.bars[:count], tuple(column[:count] for column in now.columns)))


def _locate(then: Said, now: Said) -> Difference | None:
    alone = np.setxor1d(then.bars, now.bars, assume_unique=True)
    first = int(alone[0]) if len(alone) else None
    shared, rows, others = np.intersect1d(then.bars, now.bars, assume_unique=True, return_indices=True)
    for bar, row, other in zip(shared.tolist(), rows.tolist(), others.tolist(), strict=True):
        if first is not None and bar > first:
            break
        for field, one, two in zip(FIELDS, then.columns, now.columns, strict=True):
            if not _same(one[row], two[other]):
                return Difference(bar, field, _words(one[row]), _words(two[other]))
    if first is None:
        return None
    fired = first in then.bars
    return Difference(first, FIRES, *(("fires", "does not fire") if fired else ("does not fire", "fires")))


def _same(one: Column, other: Column) -> bool:
    return bool(np.array_equal(one, other, equal_nan=True))


def _words(value: Column) -> str:
    return " ".join(f"{float(number):.17g}" for number in np.atleast_1d(value))
