"""Which structures make a trigger's conviction HIGH at a bar."""

from collections.abc import Iterable
from typing import NamedTuple

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.scan import durations_days, known_hits, role_of, runs_on
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

FRESH_BARS = 20
NECKLINE_ATRS = 1.0


class Structure(NamedTuple):
    """A harmonic or MACRO chart structure; it is fresh from bar ``known`` to bar ``fresh_until`` at most."""

    name: str
    direction: Direction
    known: int
    fresh_until: int
    neckline: float
    zone: tuple[float, float]


def structures(study: Study, detectors: Iterable[Detector]) -> list[Structure]:
    """Every structure that the chart and harmonic detectors found as context, in the detectors' order."""
    return [
        structure
        for entry in detectors
        if entry.family is not Family.CANDLESTICK and runs_on(entry, study.series)
        for structure in _structures(study, entry)
    ]


def _structures(study: Study, entry: Detector) -> list[Structure]:
    hits = known_hits(study, entry)
    days = durations_days(study, hits).tolist()
    return [
        Structure(
            entry.name,
            entry.direction,
            known,
            known + min(FRESH_BARS, duration // 2),
            neckline,
            (zone[0], zone[1]),
        )
        for known, duration, neckline, zone, calendar_days in zip(
            hits.index.tolist(),
            hits.duration_bars.tolist(),
            hits.neckline.tolist(),
            hits.zone.tolist(),
            days,
            strict=True,
        )
        if role_of(entry, calendar_days) is Role.CONTEXT
    ]


def fresh_contexts(study: Study, detectors: Iterable[Detector], t: int) -> dict[Direction, tuple[str, ...]]:
    """For each side, the names of the structures that are fresh at bar ``t``; none: conviction is NORMAL.

    A structure is fresh for min(20, half its duration) bars from the bar on which it was known, while the
    close lies in its reversal zone or within one ATR(14) of its neckline. Raises IndexError for a bar outside
    the series.
    """
    if not 0 <= t < len(study):
        raise IndexError(f"{study.series.symbol} has no bar {t}")
    rows = tuple(detectors)
    known = study.keep(("structures", tuple(row.name for row in rows)), lambda: structures(study, rows))
    close, reach = float(study.series.close[t]), NECKLINE_ATRS * float(study.atr()[t])
    near = [row for row in known if row.known <= t <= row.fresh_until and _is_near(row, close, reach)]
    return {side: tuple(sorted({row.name for row in near if row.direction is side})) for side in Direction}


def _is_near(row: Structure, close: float, reach: float) -> bool:
    return row.zone[0] <= close <= row.zone[1] or abs(close - row.neckline) <= reach
