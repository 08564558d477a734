"""Run detectors over one series and hand out what they found as `Detection` objects."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import numpy as np

from crypto_signals.analysis.detections import Detection, Hits
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.levels import Levels, levels
from crypto_signals.analysis.panel import Floats, Ints, Series, as_datetime
from crypto_signals.analysis.study import Study
from crypto_signals.domain.anchors import Anchor
from crypto_signals.domain.vocabulary import Family, Role

MACRO_DAYS = 90
"""A chart pattern that took longer is MACRO: it gives context and opens nothing."""

DAY = np.timedelta64(1, "D")


def detect(source: Series | Study, detectors: Iterable[Detector], first: int = 0) -> list[Detection]:
    """What the detectors say on the bars from ``first`` on, sorted by (ts, detector).

    Left out: bars before a detector's warm-up, suspect bars, gap patterns on crypto, and hits whose levels
    are not prices (see `levels`). A `Study` is reused with all it has computed; its own ``first`` must not
    lie after ``first`` (ValueError).
    """
    study = source if isinstance(source, Study) else Study(source, first)
    if study.first > first:
        raise ValueError(f"the study starts at bar {study.first}, after bar {first}")
    found = [
        detection
        for entry in detectors
        if runs_on(entry, study.series)
        for detection in _materialise(study, entry, known_hits(study, entry), first)
    ]
    return sorted(found, key=lambda detection: (detection.index, detection.detector))


def runs_on(entry: Detector, series: Series) -> bool:
    """Whether the detector can occur on this instrument at all."""
    return not (entry.needs_gap and series.is_crypto)


def known_hits(study: Study, entry: Detector) -> Hits:
    """The hits of one detector past its warm-up and not on suspect bars; computed once a study."""
    return study.keep(("hits", entry.name), lambda: _known(study, entry))


def _known(study: Study, entry: Detector) -> Hits:
    with np.errstate(all="ignore"):
        hits = entry(study)
    if not len(hits):
        return hits
    keep = (hits.index >= entry.warm_up_bars) & ~study.series.suspect[hits.index]
    return hits if keep.all() else hits.take(np.flatnonzero(keep))


def role_of(entry: Detector, duration_days: float) -> Role:
    """The role of one hit: a MACRO chart pattern is context whatever its detector is."""
    if entry.family is Family.CHART and duration_days > MACRO_DAYS:
        return Role.CONTEXT
    return entry.role


def durations_days(study: Study, hits: Hits) -> Floats:
    """Calendar days from each pattern's first bar to the bar on which it was known."""
    ts = study.series.ts
    return np.asarray((ts[hits.index] - ts[hits.index - hits.duration_bars]) / DAY, np.float64)


def _materialise(study: Study, entry: Detector, hits: Hits, first: int) -> Iterator[Detection]:
    if not len(hits) or hits.index[-1] < first:
        return
    if hits.index[0] < first:
        hits = hits.take(np.flatnonzero(hits.index >= first))
    with np.errstate(all="ignore"):
        found = levels(study, hits, entry.direction)
    if len(found.rows) < len(hits):
        hits = hits.take(found.rows)
    yield from _detections(study, entry, hits, found)


def _detections(study: Study, entry: Detector, hits: Hits, found: Levels) -> Iterator[Detection]:
    symbol, labels = study.series.symbol, hits.labels
    columns = zip(
        hits.index.tolist(),
        hits.strength.tolist(),
        _anchors(study, hits.anchors, hits.anchor_prices, labels),
        found.entry.tolist(),
        found.stop.tolist(),
        found.targets.tolist(),
        hits.structure.tolist(),
        hits.neckline.tolist(),
        durations_days(study, hits).tolist(),
        found.atr.tolist(),
        strict=True,
    )
    for index, strength, anchors, price, stop, targets, structure, neckline, days, atr in columns:
        moment = _moment(study, index)
        yield Detection(
            symbol,
            index,
            moment,
            entry.name,
            entry.family,
            role_of(entry, days),
            entry.direction,
            strength,
            moment,
            anchors,
            price,
            stop,
            (targets[0], targets[1], targets[2]),
            known_price(structure),
            known_price(neckline),
            days,
            atr,
        )


def _anchors(study: Study, bars: Ints, prices: Floats, labels: tuple[str, ...]) -> list[tuple[Anchor, ...]]:
    return [
        tuple(
            Anchor(_moment(study, bar), price, label)
            for bar, price, label in zip(row_bars, row_prices, labels, strict=True)
        )
        for row_bars, row_prices in zip(bars.tolist(), prices.tolist(), strict=True)
    ]


def _moment(study: Study, index: int) -> datetime:
    return study.keep(("moment", index), lambda: as_datetime(study.series.ts[index]))


def known_price(price: float) -> float | None:
    """None for NaN."""
    return None if price != price else price  # noqa: PLR0124 - NaN is the only value unlike itself
