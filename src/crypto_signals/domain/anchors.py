"""The points of a chart that a pattern stands on."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Anchor:
    """One point of a pattern: ``ts`` is the UTC opening time of its bar, ``price`` is in quote currency."""

    ts: datetime
    price: float
    label: str
