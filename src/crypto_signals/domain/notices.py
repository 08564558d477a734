"""What people are told besides the story of each signal: facts about a run, a day, a week."""

from dataclasses import dataclass
from datetime import datetime

from crypto_signals.domain.signals import Signal


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The first run of a day, so that silence has a reason."""

    ts: datetime
    symbols_total: int
    symbols_processed: int
    signals: int
    shadow_signals: int
    open_signals: int


@dataclass(frozen=True, slots=True)
class Week:
    """The signals that people were told of and that closed in the seven days before ``ts``."""

    ts: datetime
    closed: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class RefusedSetups:
    """New shadow signals: what the gates said no to."""

    ts: datetime
    signals: tuple[Signal, ...]


@dataclass(frozen=True, slots=True)
class NeedsAPerson:
    """What does not mend itself: of messages that will never be delivered how many, which channels take
    nothing, what could not be read."""

    ts: datetime
    dead: int = 0
    paused: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


Notice = Heartbeat | Week | RefusedSetups | NeedsAPerson
