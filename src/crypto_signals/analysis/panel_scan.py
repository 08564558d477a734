"""Run detectors over a panel of many series at once. What they find stays in columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.joint import JointStudy
from crypto_signals.analysis.levels import levels
from crypto_signals.analysis.panel import Floats, Panel
from crypto_signals.analysis.scan import known_hits, runs_on

Readings = dict[str, float | None]

_COLUMNS = (
    "index", "strength", "structure", "stop", "targets", "neckline", "zone", "duration_bars", "anchors",
    "anchor_prices",
)  # fmt: skip
_WIDTHS = {"targets": 3, "zone": 2}


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a panel: detections from bar ``first`` of each series on, or of its last bar alone;
    ``with_confluence`` also the readings at that last bar."""

    first: int = 0
    last_only: bool = False
    with_confluence: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The detections of detector number ``detector`` on one panel, whose bars are counted from its first.

    ``columns`` are those of `Hits`, without any that is NaN throughout, whole numbers as int32; ``atr`` is
    ATR(14) at each (float64[n]).
    """

    detector: int
    columns: dict[str, npt.NDArray[Any]]
    labels: tuple[str, ...]
    atr: Floats

    def __len__(self) -> int:
        return len(self.atr)

    def hits(self) -> Hits:
        """The columns as they were found."""
        return Hits(**{name: self._column(name) for name in _COLUMNS}, labels=self.labels)

    def _column(self, name: str) -> npt.NDArray[Any]:
        column = self.columns.get(name)
        if column is None:
            width = _WIDTHS.get(name)
            return np.full(len(self) if width is None else (len(self), width), np.nan)
        return column.astype(np.int64) if column.dtype == np.int32 else column


class Answer(NamedTuple):
    """What was found on one panel: a table a detector that found anything, and the readings of each series
    that has bars (empty if nobody asked for them)."""

    tables: list[Table]
    readings: dict[str, Readings]


def ask(panel: Panel, detectors: Sequence[Detector], question: Question) -> Answer:
    """The detections that `detect` would give for each series, and none besides.

    Detectors that can (`Detector.joint`) look at all series at once, the others at one after the other.
    """
    if not len(panel.ts):
        return Answer([], {})
    warm_up = min((entry.warm_up_bars for entry in detectors if entry.joint), default=0)
    study = JointStudy(panel, question.first, last_only=question.last_only, warm_up=warm_up)
    with np.errstate(all="ignore"):
        tables = [
            table
            for number, entry in enumerate(detectors)
            for hits in (_jointly(study, entry) if entry.joint else _one_by_one(study, entry, question))
            for table in _table(study, number, entry, hits)
        ]
        return Answer(tables, _readings(study) if question.with_confluence else {})


def _jointly(study: JointStudy, entry: Detector) -> Iterator[Hits]:
    hits = entry(study)
    if len(hits):
        asked = study.without_crypto() if entry.needs_gap else study.asked
        keep = asked[hits.index] & (study.bar[hits.index] >= entry.warm_up_bars)
        yield hits.take(np.flatnonzero(keep))


def _one_by_one(study: JointStudy, entry: Detector, question: Question) -> Iterator[Hits]:
    """The hits of each series, on bars counted from the first of all; those with the same labels together."""
    found: dict[tuple[str, ...], list[Hits]] = {}
    for part, start in zip(study.parts, study.offsets.tolist(), strict=False):
        if not runs_on(entry, part.series):
            continue
        hits = known_hits(part, entry)
        first = len(part) - 1 if question.last_only else question.first
        rows = np.flatnonzero(hits.index >= first)
        if len(rows):
            found.setdefault(hits.labels, []).append(_moved(hits.take(rows), start))
    for labels, several in found.items():
        columns = {name: np.concatenate([getattr(hits, name) for hits in several]) for name in _COLUMNS}
        yield Hits(**columns, labels=labels)


def _moved(hits: Hits, bars: int) -> Hits:
    return replace(hits, index=hits.index + bars, anchors=hits.anchors + bars)


def _table(study: JointStudy, number: int, entry: Detector, hits: Hits) -> Iterator[Table]:
    """None for hits of which nothing can be traded."""
    if not len(hits):
        return
    found = levels(study, hits, entry.direction)
    if len(found.rows) < len(hits):
        hits = hits.take(found.rows)
    if len(hits):
        columns = {name: _compact(getattr(hits, name)) for name in _COLUMNS}
        kept = {name: column for name, column in columns.items() if column is not None}
        yield Table(number, kept, hits.labels, found.atr)


def _compact(column: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Whole numbers in half the room; None for a column that is NaN throughout."""
    if column.dtype == np.int64:
        return column.astype(np.int32)
    return None if np.isnan(column).all() else np.ascontiguousarray(column)


def _readings(study: JointStudy) -> dict[str, Readings]:
    parts = (part for part in study.parts if len(part))
    return {part.series.symbol: confluence(part, len(part) - 1) for part in parts}
