"""What detectors find: `Hits` in columns for one detector, `Detection` as one object for the engine."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from crypto_signals.analysis.panel import Floats, Ints
from crypto_signals.domain.anchors import Anchor
from crypto_signals.domain.vocabulary import Direction, Family, Role


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The bars of one series on which one detector fired: n rows, sparse, columnar.

    | column | shape | meaning |
    |---|---|---|
    | index | int64[n] | the bar on which it was known, strictly increasing |
    | strength | float64[n] | how clean the pattern is; each detector documents its scale, about 0 to 100 |
    | structure | float64[n] | the pattern's own price whose loss refutes it; NaN: none |
    | stop | float64[n] | the pattern's own stop; NaN: by the general rule |
    | targets | float64[n, 3] | the pattern's own targets; NaN: by the general rule |
    | neckline | float64[n] | the line that was broken, at ``index``; NaN: none |
    | zone | float64[n, 2] | low and high of the reversal zone of a harmonic pattern; NaN: none |
    | duration_bars | int64[n] | bars from the pattern's first bar to ``index`` |
    | anchors | int64[n, k] | the bars it stands on |
    | anchor_prices | float64[n, k] | and their prices |

    ``labels`` names the k anchors.
    """

    index: Ints
    strength: Floats
    structure: Floats
    stop: Floats
    targets: Floats
    neckline: Floats
    zone: Floats
    duration_bars: Ints
    anchors: Ints
    anchor_prices: Floats
    labels: tuple[str, ...]

    @classmethod
    def of(
        cls,
        index: Ints,
        *,
        strength: Floats,
        duration_bars: Ints,
        anchors: Ints,
        anchor_prices: Floats,
        labels: tuple[str, ...],
        structure: Floats | None = None,
        stop: Floats | None = None,
        targets: Floats | None = None,
        neckline: Floats | None = None,
        zone: Floats | None = None,
    ) -> "Hits":
        """Hits in which whatever a pattern does not have is NaN."""
        n = len(index)
        unknown = np.full(n, np.nan)
        return cls(
            index,
            strength,
            unknown if structure is None else structure,
            unknown if stop is None else stop,
            np.full((n, 3), np.nan) if targets is None else targets,
            unknown if neckline is None else neckline,
            np.full((n, 2), np.nan) if zone is None else zone,
            duration_bars,
            anchors,
            anchor_prices,
            labels,
        )

    @classmethod
    def none(cls) -> "Hits":
        """No hit at all.

        >>> len(Hits.none())
        0
        """
        return _NONE

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Ints) -> "Hits":
        """The hits of the given row numbers, in that order."""
        return Hits(
            self.index[rows],
            self.strength[rows],
            self.structure[rows],
            self.stop[rows],
            self.targets[rows],
            self.neckline[rows],
            self.zone[rows],
            self.duration_bars[rows],
            self.anchors[rows],
            self.anchor_prices[rows],
            self.labels,
        )


_NONE = Hits.of(
    np.empty(0, np.int64),
    strength=np.empty(0),
    duration_bars=np.empty(0, np.int64),
    anchors=np.empty((0, 0), np.int64),
    anchor_prices=np.empty((0, 0)),
    labels=(),
)


@dataclass(frozen=True, slots=True)
class Detection:
    """Detector X fired on instrument S at bar t. Prices are unrounded, in quote currency.

    ``index`` is the bar's number in the scanned series; ``ts`` and ``confirmed_at`` are the UTC opening time
    of that bar, the first on which the pattern was known. ``targets`` run away from ``entry`` in the order in
    which they are reached. ``invalidation`` is the pattern's own price, beyond which a close refutes it.
    """

    symbol: str
    index: int
    ts: datetime
    detector: str
    family: Family
    role: Role
    direction: Direction
    strength: float
    confirmed_at: datetime
    anchors: tuple[Anchor, ...]
    entry: float
    stop: float
    targets: tuple[float, float, float]
    invalidation: float | None
    neckline: float | None
    duration_days: float
    atr: float

    @property
    def reward_to_risk(self) -> float:
        """The distance to target 2 in units of R."""
        return abs(self.targets[1] - self.entry) / abs(self.entry - self.stop)
