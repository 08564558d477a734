"""How much of what is said depends on where history starts.

A detector that declares a warm-up of w bars promises that from bar w on it says what it would say with any
longer history. One that stands on pivots cannot promise that much: two histories may see different swings
until a turn is large enough to be one in both. From there on their pivots are the same for ever. Such a
detector is held to what can be promised: a pattern is the same if it begins after `SHARED_PIVOTS` pivots
that both histories have.
"""

from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeVar

import numpy as np

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Bools, Floats, Ints, Series, as_datetime
from crypto_signals.analysis.pivots import Pivots
from crypto_signals.analysis.study import Study
from crypto_signals.research.saying import FIELDS, PRICES, Said, say

T = TypeVar("T")

SHARED_PIVOTS = 4
LEVEL_TOLERANCE = 1e-6
STRENGTH_TOLERANCE = 1e-3
PER_MILLION = 1e-6


class StartTally(NamedTuple):
    """Detections of one detector compared between a history and the same history cut short.

    ``differing`` counts every one past the warm-up, ``settled`` those that begin after the pivots of both
    have met (without pivots: the same number); ``example`` describes the first settled one, else the first.
    """

    bars: int = 0
    detections: int = 0
    differing: int = 0
    settled: int = 0
    on_pivots: bool = False
    example: str = ""

    def plus(self, other: "StartTally") -> "StartTally":
        better = other.example if other.settled and not self.settled else self.example or other.example
        return StartTally(
            self.bars + other.bars,
            self.detections + other.detections,
            self.differing + other.differing,
            self.settled + other.settled,
            self.on_pivots or other.on_pivots,
            better,
        )

    @property
    def passed(self) -> bool:
        """At most one settled detection in a million bars."""
        return self.settled <= PER_MILLION * self.bars

    @property
    def detail(self) -> str:
        rate = 1e6 * self.differing / self.bars if self.bars else 0.0
        said = f"{self.differing} of {self.detections} detections differ on {self.bars} bars"
        said += f" ({rate:.3g} per million)"
        if self.on_pivots:
            said += f"; {self.settled} once both histories share {SHARED_PIVOTS} pivots"
        return f"{said}: {self.example}" if self.example else said


class ObservedStudy(Study):
    """A study that remembers which pivots were asked of it."""

    def __init__(self, series: Series) -> None:
        super().__init__(series)
        self.pivots_used: dict[Hashable, Pivots] = {}

    def keep(self, key: Hashable, compute: Callable[[], T]) -> T:
        value = super().keep(key, compute)
        if isinstance(value, Pivots):
            self.pivots_used[key] = value
        return value


class _Row(NamedTuple):
    bar: int
    begins: int
    why: str


def compare_starts(series: Series, entry: Detector, drop: int) -> StartTally:
    """What the detector says past its warm-up, with the whole history and without its first ``drop`` bars."""
    whole, part = ObservedStudy(series), ObservedStudy(series[drop:])
    said, again = say(whole, entry), say(part, entry)
    first = drop + entry.warm_up_bars
    rows = list(_differing(said, again, drop, first))
    settled_from = _settled_from(whole, part, drop)
    settled = [row for row in rows if row.begins >= settled_from]
    shown = (settled or rows)[:1]
    return StartTally(
        max(0, len(series) - first),
        int((said.bars >= first).sum()),
        len(rows),
        len(settled),
        bool(whole.pivots_used),
        "".join(_words(series, row, drop) for row in shown),
    )


def _differing(whole: Said, part: Said, drop: int, first: int) -> list[_Row]:
    late = np.flatnonzero(whole.bars >= first)
    bars, again = whole.bars[late], part.bars + drop
    begins = bars - whole.column("duration_bars")[late] if len(whole) else bars
    starts = again - part.column("duration_bars") if len(part) else again
    rows = [_Row(bar, begin, "fires only with them") for bar, begin in _only(bars, begins, again)]
    rows += [_Row(bar, begin, "fires only without them") for bar, begin in _only(again, starts, bars)]
    _, ones, others = np.intersect1d(bars, again, assume_unique=True, return_indices=True)
    moved = _first_moved(whole, late[ones], part, others, drop)
    for row in np.flatnonzero(moved < len(FIELDS)).tolist():
        one = ones[row]
        rows.append(_Row(int(bars[one]), int(begins[one]), f"{FIELDS[moved[row]]} differs"))
    return sorted(rows)


def _only(bars: Ints, begins: Ints, others: Ints) -> list[tuple[int, int]]:
    alone = ~np.isin(bars, others)
    return list(zip(bars[alone].tolist(), begins[alone].astype(np.int64).tolist(), strict=True))


def _first_moved(whole: Said, rows: Ints, part: Said, others: Ints, drop: int) -> Ints:
    """Of each pair of rows the number of the first field that differs; the number of fields if none does."""
    moved = np.full(len(rows), len(FIELDS))
    if not len(rows):
        return moved
    for number, field in reversed(list(enumerate(FIELDS))):
        one, two = whole.columns[number][rows], part.columns[number][others]
        moved[_apart(one, two + drop if field == "anchors" else two, field)] = number
    return moved


def _apart(one: Floats, two: Floats, field: str) -> Bools:
    if one.shape != two.shape:
        return np.ones(len(one), np.bool_)
    if field in PRICES:
        close = np.isclose(one, two, rtol=LEVEL_TOLERANCE, atol=0, equal_nan=True)
    elif field == "strength":
        close = np.isclose(one, two, rtol=LEVEL_TOLERANCE, atol=STRENGTH_TOLERANCE, equal_nan=True)
    else:
        close = one == two
    return np.asarray(~close.reshape(len(one), -1).all(axis=1), np.bool_)


def _settled_from(whole: ObservedStudy, part: ObservedStudy, drop: int) -> int:
    """The first bar that lies after enough common pivots of every kind that was used."""
    return max(
        (
            _met(whole.pivots_used[key], part.pivots_used[key], drop)
            for key in whole.pivots_used.keys() & part.pivots_used.keys()
        ),
        default=0,
    )


def _met(whole: Pivots, part: Pivots, drop: int) -> int:
    shared = min(len(whole), len(part))
    if not shared:
        return np.iinfo(np.int64).max
    same = (
        (whole.index[-shared:] == part.index[-shared:] + drop)
        & (whole.kind[-shared:] == part.kind[-shared:])
        & (whole.confirmed_at[-shared:] == part.confirmed_at[-shared:] + drop)
    )
    apart = np.flatnonzero(~same)
    common = whole.index[-shared:][apart[-1] + 1 if len(apart) else 0 :]
    return int(common[SHARED_PIVOTS]) if len(common) > SHARED_PIVOTS else np.iinfo(np.int64).max


def _words(series: Series, row: _Row, drop: int) -> str:
    when = as_datetime(series.ts[row.bar])
    return f"{series.symbol} bar {row.bar} ({when:%Y-%m-%d %H:%M}) {row.why}, the first {drop} bars dropped"
