"""One completed interval of trading."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Bar:
    """``ts`` is the opening time in UTC; the bar is known only at its close."""

    ts: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


class BarFault(StrEnum):
    INVALID = "invalid"
    SUSPECT = "suspect"
    UNADJUSTED = "unadjusted"


@dataclass(frozen=True, slots=True)
class BarProblem:
    """What is wrong with one bar. An invalid bar was removed; a suspect one stays, but opens nothing; before
    an unadjusted one prices count in other units, as before a split."""

    symbol: str
    ts: datetime | None
    kind: BarFault
    detail: str
