"""One symbol as a run sees it: its bars, which of them are new, and what triggered on those."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.panel import Panel, Series, as_datetime, as_ts64
from crypto_signals.analysis.panel_pool import scan_panel
from crypto_signals.analysis.scan import detect
from crypto_signals.analysis.study import Study
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import Role
from crypto_signals.engine.openings import Situation
from crypto_signals.engine.ports import Timestamps, Watermark


class Sight:
    """``first`` is the index of the first new bar: the one after the watermark, or the newest of all
    for a symbol that was never looked at."""

    def __init__(
        self,
        instrument: Instrument,
        series: Series,
        known_at: Timestamps,
        mark: Watermark | None = None,
        feed: str | None = None,
    ) -> None:
        self.instrument, self.known_at, self.feed = instrument, known_at, feed
        self.anchor_ts = mark.anchor_ts if mark else as_datetime(series.ts[0])
        self.first = len(series) - 1
        if mark is not None:
            self.first = int(np.searchsorted(series.ts, as_ts64(mark.seen_ts), side="right"))
        self.study = Study(series, self.first)
        self._triggers: dict[int, list[Detection]] = {}

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    @property
    def new_bars(self) -> int:
        """How many bars nobody has looked at yet."""
        return len(self.study.series) - self.first

    def scan(self, catalogue: Catalogue, strategy: Strategy) -> None:
        """Finds the triggers on every new bar."""
        if self.new_bars:
            self.found(detect(self.study, catalogue, self.first), strategy)

    def found(self, detections: Iterable[Detection], strategy: Strategy) -> None:
        """Notes the triggers among detections of this symbol, in the order of their bars and names."""
        for detection in detections:
            if detection.index >= self.first and opens(strategy, detection):
                self._triggers.setdefault(detection.index, []).append(detection)

    def situation(self, index: int) -> Situation | None:
        """What there is to judge on one bar; ``None`` if nothing triggered."""
        found = self._triggers.get(index)
        if not found:
            return None
        return Situation(self.instrument, self.study, index, tuple(found), self.feed)

    def watermark(self, index: int) -> Watermark:
        return Watermark(self.symbol, self.anchor_ts, as_datetime(self.study.series.ts[index]))


def scan_together(sights: Sequence[Sight], catalogue: Catalogue, strategy: Strategy) -> None:
    """Finds the triggers on the one new bar of each of many symbols: what `Sight.scan` finds, sooner."""
    by_symbol = {sight.symbol: sight for sight in sights}
    panel = Panel.of(sight.study.series for sight in sights)
    found = list(scan_panel(panel, tuple(catalogue), last_only=True, processes=1))
    for symbol, detections in groupby(found, key=lambda detection: detection.symbol):
        by_symbol[symbol].found(detections, strategy)


def opens(strategy: Strategy, detection: Detection) -> bool:
    """Whether a detection may open a signal: by its role, or because the strategy names it."""
    if strategy.triggers is not None:
        return detection.detector in strategy.triggers
    return detection.role is Role.TRIGGER


def moments(sights: Iterable[Sight]) -> Iterator[list[tuple[Sight, int]]]:
    """The new bars of all symbols, grouped by the time at which they became known, in that order."""
    bars = [
        (sight.known_at[index], sight.symbol, sight, index)
        for sight in sights
        for index in range(sight.first, len(sight.study.series))
    ]
    bars.sort(key=lambda bar: bar[:2])
    for _, group in groupby(bars, key=lambda bar: bar[0]):
        yield [(sight, index) for _, _, sight, index in group]
