"""Which structures make a trigger's conviction HIGH at a bar."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Bools, Ints
from crypto_signals.analysis.scan import durations_days, known_hits, role_of, runs_on
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

FRESH_BARS = 20
NECKLINE_ATRS = 1.0


class Fresh(NamedTuple):
    """Where structures of one side are fresh: int64[n], by bar and then by name, each pair once.

    ``structure`` counts in ``names``, which are in alphabetical order.
    """

    names: tuple[str, ...]
    bar: Ints
    structure: Ints

    def at(self, t: int) -> tuple[str, ...]:
        """The names at bar ``t``."""
        first, end = np.searchsorted(self.bar, (t, t + 1))
        return tuple(self.names[row] for row in self.structure[first:end].tolist())

    def beside(self, name: str, bars: Ints) -> Bools:
        """At which of ``bars`` (int64[m]) a structure of another name than ``name`` is fresh (bool[m])."""
        others = self.bar
        if name in self.names:
            others = others[self.structure != self.names.index(name)]
        at = np.searchsorted(others, bars)
        found: Bools = np.append(others, -1)[at] == bars
        return found


def fresh_structures(study: Study, detectors: Iterable[Detector], direction: Direction) -> Fresh:
    """Where the harmonic and MACRO chart structures of one side are fresh; computed once a study.

    A structure is fresh for min(20, half its duration) bars from the bar on which it was known, while the
    close lies in its reversal zone or within one ATR(14) of its neckline.
    """
    asked = tuple(entry for entry in detectors if _may_support(entry, study, direction))
    key = ("fresh", direction, tuple(entry.name for entry in asked))
    return study.keep(key, lambda: _fresh(study, asked))


def fresh_contexts(study: Study, detectors: Iterable[Detector], t: int) -> dict[Direction, tuple[str, ...]]:
    """For each side, the names of the structures that are fresh at bar ``t``; none: conviction is NORMAL.

    Raises IndexError for a bar outside the series.
    """
    if not 0 <= t < len(study):
        raise IndexError(f"{study.series.symbol} has no bar {t}")
    rows = tuple(detectors)
    return {side: fresh_structures(study, rows, side).at(t) for side in Direction}


def _may_support(entry: Detector, study: Study, direction: Direction) -> bool:
    return (
        entry.family is not Family.CANDLESTICK
        and entry.direction is direction
        and runs_on(entry, study.series)
    )


def _fresh(study: Study, detectors: tuple[Detector, ...]) -> Fresh:
    names = tuple(sorted(entry.name for entry in detectors))
    pairs = [np.empty(0, np.int64)]
    for entry in detectors:
        bars = _near(study, _as_context(study, entry))
        pairs.append(bars * len(names) + names.index(entry.name))
    bar, structure = np.divmod(np.unique(np.concatenate(pairs)), max(1, len(names)))
    return Fresh(names, bar, structure)


def _as_context(study: Study, entry: Detector) -> Hits:
    """The hits that give context: those of a chart pattern only where it took long."""
    hits = known_hits(study, entry)
    days = durations_days(study, hits).tolist()
    roles = [role_of(entry, calendar_days) is Role.CONTEXT for calendar_days in days]
    return hits.take(np.flatnonzero(np.array(roles, np.bool_)))


def _near(study: Study, hits: Hits) -> Ints:
    """The bars on which one of the hits is young enough, and the close where it belongs (with repeats)."""
    lasts = np.minimum(FRESH_BARS, hits.duration_bars // 2) + 1
    row = np.repeat(np.arange(len(hits)), lasts)
    bar = hits.index[row] + np.arange(len(row)) - np.repeat(np.cumsum(lasts) - lasts, lasts)
    inside = bar < len(study)
    row, bar = row[inside], bar[inside]
    close, reach = study.series.close[bar], NECKLINE_ATRS * study.atr()[bar]
    zone, neckline = hits.zone[row], hits.neckline[row]
    near = (zone[:, 0] <= close) & (close <= zone[:, 1]) | (np.abs(close - neckline) <= reach)
    return np.asarray(bar[near], np.int64)
