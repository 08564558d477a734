"""The detections of a whole panel: columns in memory, objects only as they are read."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, TypeVar

import numpy as np

from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.levels import levels_at
from crypto_signals.analysis.panel import Bools, Ints, Panel, Times
from crypto_signals.analysis.panel_scan import Answer, Readings, Table
from crypto_signals.analysis.scan import DAY, known_price, role_of
from crypto_signals.domain.anchors import Anchor

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Block(NamedTuple):
    """Some series of the panel, and what was found on them."""

    panel: Panel
    answer: Answer


class Row(NamedTuple):
    """One detection in plain numbers. ``at`` and ``anchors`` count bars from the first of the block, ``bar``
    from the first of its series, which is number ``series`` of the block. ``structure`` and ``neckline`` are
    NaN where the pattern has none."""

    at: int
    bar: int
    series: int
    strength: float
    entry: float
    stop: float
    targets: tuple[float, float, float]
    structure: float
    neckline: float
    duration_days: float
    atr: float
    anchors: list[int]
    anchor_prices: list[float]


Render = Callable[[Panel, Detector, tuple[str, ...], Iterator[Row]], Iterable[T]]
"""Makes one object a row; it gets the panel, the detector and the names of the anchors besides."""


@dataclass(frozen=True, slots=True, eq=False)
class PanelDetections:
    """What ``detectors`` found on a panel. Iteration gives `Detection` objects by series, in the order of the
    panel, then by (ts, detector): those that `detect` gives for each series.

    ``blocks`` hold the columns: the series of the panel in their order, some of them together.
    """

    detectors: Sequence[Detector]
    blocks: Sequence[Block]

    def __len__(self) -> int:
        return sum(len(table) for block in self.blocks for table in block.answer.tables)

    def __iter__(self) -> Iterator[Detection]:
        return self.between(None, None)

    def between(self, since: np.datetime64 | None, until: np.datetime64 | None) -> Iterator[Detection]:
        """Those with ``since`` <= ts < ``until``; None: without that limit."""
        return self.rendered(_detections, since, until)

    @property
    def readings(self) -> dict[str, Readings]:
        """The confluence readings at the last bar of each series, where they were asked for."""
        return {symbol: row for block in self.blocks for symbol, row in block.answer.readings.items()}

    def rendered(
        self, render: "Render[T]", since: np.datetime64 | None = None, until: np.datetime64 | None = None
    ) -> Iterator[T]:
        """One object a detection, in order; only those with ``since`` <= ts < ``until``."""
        for block in self.blocks:
            yield from _in_order(block, self.detectors, render, _between(block.panel.ts, since, until))


def _between(ts: Times, since: np.datetime64 | None, until: np.datetime64 | None) -> Bools | None:
    if since is None and until is None:
        return None
    wanted = np.ones(len(ts), np.bool_)
    if since is not None:
        wanted &= ts >= since
    if until is not None:
        wanted &= ts < until
    return wanted


def _in_order(
    block: Block, detectors: Sequence[Detector], render: "Render[T]", wanted: Bools | None
) -> list[T]:
    ranks = np.argsort(np.argsort([entry.name for entry in detectors], kind="stable"))
    made: list[T] = []
    bars: list[Ints] = [np.empty(0, np.int64)]
    rank: list[Ints] = [np.empty(0, np.int64)]
    for table in block.answer.tables:
        entry = detectors[table.detector]
        at, rows = _rows(block.panel, entry, table, wanted)
        made += render(block.panel, entry, table.labels, rows)
        bars.append(at)
        rank.append(np.full(len(at), ranks[table.detector]))
    order = np.lexsort((np.concatenate(rank), np.concatenate(bars)))
    return [made[place] for place in order.tolist()]


def _rows(panel: Panel, entry: Detector, table: Table, wanted: Bools | None) -> tuple[Ints, Iterator[Row]]:
    """The bars of a table's detections, and its rows."""
    hits, atr = table.hits(), table.atr
    if wanted is not None:
        kept = np.flatnonzero(wanted[hits.index])
        hits, atr = hits.take(kept), atr[kept]
    at = hits.index
    series = np.searchsorted(panel.offsets, at, side="right") - 1
    with np.errstate(all="ignore"):
        found = levels_at(panel.close[at], atr, hits, entry.direction)
    columns = (
        at, at - panel.offsets[series], series, hits.strength, found.entry, found.stop, found.targets,
        hits.structure, hits.neckline, (panel.ts[at] - panel.ts[at - hits.duration_bars]) / DAY, atr,
        hits.anchors, hits.anchor_prices,
    )  # fmt: skip
    return at, map(Row, *(column.tolist() for column in columns))


def _detections(
    panel: Panel, entry: Detector, labels: tuple[str, ...], rows: Iterator[Row]
) -> Iterator[Detection]:
    ts = panel.ts.view(np.int64)
    for row in rows:
        moment = _moment(ts.item(row.at))
        first, second, third = row.targets
        yield Detection(
            panel.symbols[row.series],
            row.bar,
            moment,
            entry.name,
            entry.family,
            role_of(entry, row.duration_days),
            entry.direction,
            row.strength,
            moment,
            tuple(
                Anchor(_moment(ts.item(bar)), price, label)
                for bar, price, label in zip(row.anchors, row.anchor_prices, labels, strict=True)
            ),
            row.entry,
            row.stop,
            (first, second, third),
            known_price(row.structure),
            known_price(row.neckline),
            row.duration_days,
            row.atr,
        )


@lru_cache(1 << 16)
def _moment(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
