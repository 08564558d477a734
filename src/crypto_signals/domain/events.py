"""Facts about a signal, in the past tense, and what each one owes to the people who follow it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from crypto_signals.domain.vocabulary import EffectKind, EffectStatus, ExitReason, Status


class EventType(StrEnum):
    CREATED = "created"
    """A setup passed its gates, or was refused, and was stored."""
    ANNOUNCED = "announced"
    """People were told of it."""
    CANCELLED = "cancelled"
    """People could not be told in time; it is followed in silence."""
    ENTERED = "entered"
    """The trade began, at `price`."""
    TARGET_1_HIT = "target_1_hit"
    """Half, or what the strategy says, was closed at target 1."""
    TARGET_2_HIT = "target_2_hit"
    """A quarter, or what the strategy says, was closed at target 2."""
    TARGET_3_HIT = "target_3_hit"
    """The rest was closed at target 3: the end."""
    STOP_MOVED = "stop_moved"
    """From the next bar on the stop stands at `stop`, for the reason `stop_kind`."""
    REBASED = "rebased"
    """A split: every price of before counts `factor` times."""
    STRUCTURE_BROKEN = "structure_broken"
    """A close refuted the pattern; what is left is closed at the next open."""
    TRAIL_HIT = "trail_hit"
    """The trailing stop closed the rest: the end."""
    STOPPED = "stopped"
    """A stop closed the rest: the end."""
    INVALIDATED = "invalidated"
    """What was left was closed because the pattern was refuted: the end."""
    EXPIRED = "expired"
    """Time, or a lack of bars or of an entry, ended it."""


class StopKind(StrEnum):
    """Why the stop stands where it stands."""

    INITIAL = "initial"
    """As announced."""
    BREAK_EVEN = "break_even"
    """At the entry, since target 1."""
    TP1_LOCK = "tp1_lock"
    """At target 1, since target 2."""
    TRAIL = "trail"
    """Behind the highest high (shorts: lowest low) since target 2, and never back."""


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
    next bar on, ``result_r`` (net of ``fees_r``) is set on the event that ends an entered trade; since
    ``rebased``, as after a split, every price of before counts ``factor`` times.
    A ``quiet`` event is stored but told to nobody.
    """

    type: EventType
    ts: datetime
    price: float | None = None
    fraction: float | None = None
    stop: float | None = None
    stop_kind: StopKind | None = None
    factor: float | None = None
    reason: ExitReason | None = None
    ambiguous: bool = False
    quiet: bool = False
    result_r: float | None = None
    fees_r: float | None = None
    thread_id: str | None = None
    detail: str | None = None


def in_last_units(events: Sequence[Event]) -> list[Event]:
    """``events`` with all prices as they count after the last of them."""
    factor, counted = 1.0, []
    for event in reversed(events):
        counted.append(event if factor == 1 else _scaled(event, factor))
        factor *= event.factor or 1.0
    return counted[::-1]


def _scaled(event: Event, factor: float) -> Event:
    price = None if event.price is None else event.price * factor
    return replace(event, price=price, stop=None if event.stop is None else event.stop * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something owed to the outside world because of event number ``seq`` of a signal.

    ``revision`` counts its writes: who writes one names the state that it saw. An attempt is journalled as
    a claim before it is made: by whom (``claimed_by``), and until when (``settles_at``) nobody else may act
    on it, since a request that is on its way by then has arrived, or never will.
    """

    key: str
    signal_id: str
    seq: int
    kind: EffectKind
    status: EffectStatus = EffectStatus.OWED
    revision: int = 1
    attempts: int = 0
    claimed_by: str | None = None
    attempted_at: datetime | None = None
    settles_at: datetime | None = None
    done_at: datetime | None = None
    message_id: str | None = None
    error: str | None = None

    @property
    def is_unsettled(self) -> bool:
        """Whether an attempt was made whose outcome nobody knows."""
        return self.status in (EffectStatus.CLAIMED, EffectStatus.UNKNOWN)

    def moved(self, status: EffectStatus, **changes: object) -> "Effect":
        """The next state of this effect."""
        return replace(self, status=status, revision=self.revision + 1, **changes)  # type: ignore[arg-type]
