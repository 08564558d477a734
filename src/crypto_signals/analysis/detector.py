"""The shape of a detector: a plain function from a `Study` to `Hits`, with what people must know of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.study import Study
from crypto_signals.domain.vocabulary import Direction, Family, Role

Find: TypeAlias = Callable[[Study], Hits]

SETTLED_BARS = 250
"""Bars after which a 14-bar Wilder average no longer remembers where history starts (to 1e-6)."""

CANDLESTICK_GATES = ("volume", "rsi", "reward_to_risk", "bad_stop")
BREAKOUT_GATES = (*CANDLESTICK_GATES, "neckline")
TREND_BREAKOUT_GATES = (*BREAKOUT_GATES, "adx")


@dataclass(frozen=True, slots=True)
class Detector:
    """A function that finds one pattern in one direction, and its entry in the catalogue.

    ``warm_up_bars`` bars must lie before the first bar on which it may fire. ``gates`` are the names of the
    rules that a detection must pass to open a signal (for context: when a strategy makes it a trigger).
    ``needs_gap`` ones cannot occur where trading never stops and are not run for crypto. ``definition`` is
    one sentence for people; ``source`` the book, paper or code it follows. A ``joint`` one may be asked about
    many series that lie end to end (`JointStudy`): it looks at no bar further back than its warm-up, or asks
    kernels that know where each series begins. ``tolerance`` is how far its ratios may miss, where it has
    any; ``code`` tells one text of a detector of one's own from another.
    """

    name: str
    family: Family
    role: Role
    direction: Direction
    warm_up_bars: int
    gates: tuple[str, ...]
    needs_gap: bool
    definition: str
    source: str
    find: Find
    joint: bool = False
    tolerance: float | None = None
    code: str = ""

    def __call__(self, study: Study) -> Hits:
        return self.find(study)


def detector(
    name: str,
    *,
    family: Family,
    direction: Direction,
    definition: str,
    source: str,
    role: Role = Role.TRIGGER,
    gates: tuple[str, ...] = (),
    warm_up_bars: int = SETTLED_BARS,
    needs_gap: bool = False,
) -> Callable[[Find], Detector]:
    """Turn a function ``Study -> Hits`` into a `Detector`.

    Raises ValueError for a name that is not snake_case.

    >>> @detector("never", family=Family.CHART, direction=Direction.LONG, definition="Never.", source="none")
    ... def never(study: Study) -> Hits:
    ...     return Hits.none()
    >>> never.name, never.warm_up_bars
    ('never', 250)
    """
    if not (name.isidentifier() and name == name.lower()):
        raise ValueError(f"{name!r} is not snake_case")

    def enter(find: Find) -> Detector:
        return Detector(
            name, family, role, direction, warm_up_bars, gates, needs_gap, definition, source, find
        )

    return enter
