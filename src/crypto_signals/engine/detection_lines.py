"""The detections of a panel as JSON lines, from its columns: the bytes that `detection_view` gives."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import lru_cache
from math import isfinite

import numpy as np

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Panel
from crypto_signals.analysis.panel_detections import EPOCH, PanelDetections, Row
from crypto_signals.analysis.scan import role_of
from crypto_signals.engine.views import iso


def detection_lines(
    found: PanelDetections, since: np.datetime64 | None = None, until: np.datetime64 | None = None
) -> Iterator[str]:
    """A line a detection with ``since`` <= ts < ``until``, in order, without its line break.

    Raises ValueError for a number that JSON does not have.
    """
    return found.rendered(_Writer().lines, since, until)


class _Writer:
    """Remembers the stamps that it has written: a panel has few, and each many times."""

    def __init__(self) -> None:
        self._stamps: dict[int, str] = {}

    def lines(
        self, panel: Panel, entry: Detector, labels: tuple[str, ...], rows: Iterator[Row]
    ) -> Iterator[str]:
        ts = panel.ts.view(np.int64)
        named = [f', "label": {_text(label)}}}' for label in labels]
        about = f'"detector": {_text(entry.name)}, "family": {_text(entry.family)}, "role": '
        for row in rows:
            stamp = self._stamp(ts.item(row.at))
            anchors = ", ".join(
                f'{{"ts": {self._stamp(ts.item(bar))}, "price": {price!r}{label}'
                for bar, price, label in zip(row.anchors, row.anchor_prices, named, strict=True)
            )
            first, second, third = row.targets
            if not (isfinite(row.strength) and all(map(isfinite, row.anchor_prices))):
                raise ValueError(f"{entry.name} on {panel.symbols[row.series]}: a number that is none")
            yield (
                f'{{"symbol": {_text(panel.symbols[row.series])}, "ts": {stamp}, {about}'
                f'"{role_of(entry, row.duration_days)}", "direction": "{entry.direction}", '
                f'"strength": {row.strength!r}, "confirmed_at": {stamp}, "anchors": [{anchors}], '
                f'"levels": {{"entry": {row.entry!r}, "stop": {row.stop!r}, '
                f'"targets": [{first!r}, {second!r}, {third!r}]}}}}'
            )

    def _stamp(self, us: int) -> str:
        known = self._stamps.get(us)
        if known is None:
            known = self._stamps[us] = f'"{iso(EPOCH + timedelta(microseconds=us))}"'
        return known


@lru_cache(1 << 14)
def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
