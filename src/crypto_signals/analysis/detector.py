"""The shape of a detector: a plain function from a `Study` to `Hits`, with what people must know of it."""

import re
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
MOST_WARM_UP_BARS = 20_000
MOST_LETTERS = 64
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{MOST_LETTERS - 1}}}")


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

    Raises ValueError for what is not in its range: a name that is not snake_case, a gate that there is not.

    >>> @detector("never", family=Family.CHART, direction=Direction.LONG, definition="Never.", source="none")
    ... def never(study: Study) -> Hits:
    ...     return Hits.none()
    >>> never.name, never.warm_up_bars
    ('never', 250)
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:80]!r} is not snake_case of at most {MOST_LETTERS} letters")
    if not (isinstance(warm_up_bars, int) and 0 <= warm_up_bars <= MOST_WARM_UP_BARS):
        raise ValueError(f"{warm_up_bars=} is not a whole number from 0 to {MOST_WARM_UP_BARS}")
    for label, text in (("definition", definition), ("source", source)):
        if not (isinstance(text, str) and text and text.isprintable()):
            raise ValueError(f"{label}={text!r} is not a line of text")
    for gate in gates:
        if gate not in TREND_BREAKOUT_GATES:
            raise ValueError(f"there is no gate {gate!r}; there are {', '.join(TREND_BREAKOUT_GATES)}")
    kind, side, part = Family(family), Direction(direction), Role(role)

    def enter(find: Find) -> Detector:
        return Detector(
            name, kind, part, side, warm_up_bars, tuple(gates), needs_gap, definition, source, find
        )

    return enter
