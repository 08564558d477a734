"""Facts about a signal, in the past tense, and what each one owes to the people who follow it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from crypto_signals.domain.vocabulary import EffectKind, EffectStatus, ExitReason, Status


class EventType(StrEnum):
    CREATED = "created"
    ANNOUNCED = "announced"
    CANCELLED = "cancelled"
    ENTERED = "entered"
    TARGET_1_HIT = "target_1_hit"
    TARGET_2_HIT = "target_2_hit"
    TARGET_3_HIT = "target_3_hit"
    STOP_MOVED = "stop_moved"
    STRUCTURE_BROKEN = "structure_broken"
    TRAIL_HIT = "trail_hit"
    STOPPED = "stopped"
    INVALIDATED = "invalidated"
    EXPIRED = "expired"


class StopKind(StrEnum):
    """Why the stop stands where it stands."""

    INITIAL = "initial"
    BREAK_EVEN = "break_even"
    TP1_LOCK = "tp1_lock"
    TRAIL = "trail"


TARGET_HITS = (EventType.TARGET_1_HIT, EventType.TARGET_2_HIT, EventType.TARGET_3_HIT)
FINAL_STATUS = {
    EventType.TARGET_3_HIT: Status.TP3_HIT,
    EventType.TRAIL_HIT: Status.TP3_HIT,
    EventType.STOPPED: Status.STOPPED,
    EventType.INVALIDATED: Status.INVALIDATED,
    EventType.EXPIRED: Status.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact. ``ts`` is the opening time of the bar in which the market made it true;
    for created, announced and cancelled it is the clock.

    ``price`` and ``fraction`` say what was filled where, ``stop`` where the stop stands from the
    next bar on, ``result_r`` (net of ``fees_r``) is set on the event that ends an entered trade.
    A ``quiet`` event is stored but told to nobody.
    """

    type: EventType
    ts: datetime
    price: float | None = None
    fraction: float | None = None
    stop: float | None = None
    stop_kind: StopKind | None = None
    reason: ExitReason | None = None
    ambiguous: bool = False
    quiet: bool = False
    result_r: float | None = None
    fees_r: float | None = None
    thread_id: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something owed to the outside world because of event number ``seq`` of a signal."""

    key: str
    signal_id: str
    seq: int
    kind: EffectKind
    status: EffectStatus = EffectStatus.OWED
    attempts: int = 0
    attempted_at: datetime | None = None
    done_at: datetime | None = None
    message_id: str | None = None
    error: str | None = None
