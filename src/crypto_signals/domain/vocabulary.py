"""The fixed words of the system: what people read and scripts match on."""

from enum import StrEnum


class AssetClass(StrEnum):
    CRYPTO = "crypto"
    EQUITY = "equity"


class Direction(StrEnum):
    LONG = "long"
    SHORT = "short"

    @property
    def side(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self is Direction.LONG else -1

    @property
    def opposite(self) -> "Direction":
        return Direction.SHORT if self is Direction.LONG else Direction.LONG


class Conviction(StrEnum):
    HIGH = "HIGH"
    NORMAL = "NORMAL"


class Family(StrEnum):
    CANDLESTICK = "candlestick"
    CHART = "chart"
    HARMONIC = "harmonic"


class Role(StrEnum):
    """What a detection may do: open a signal, or only raise the conviction of one."""

    TRIGGER = "trigger"
    CONTEXT = "context"


class EntryType(StrEnum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class Status(StrEnum):
    CREATED = "CREATED"
    WAITING = "WAITING"
    ACTIVE = "ACTIVE"
    TP1_HIT = "TP1_HIT"
    TP2_HIT = "TP2_HIT"
    TP3_HIT = "TP3_HIT"
    STOPPED = "STOPPED"
    INVALIDATED = "INVALIDATED"
    EXPIRED = "EXPIRED"
    CANCELLED = "CANCELLED"
    REJECTED_BY_FILTER = "REJECTED_BY_FILTER"


class ExitReason(StrEnum):
    TARGET_3 = "target_3"
    TRAIL = "trail"
    STOP = "stop"
    BREAK_EVEN = "break_even"
    TP1_LOCK = "tp1_lock"
    STRUCTURE = "structure"
    TIME = "time"
    NO_DATA = "no_data"
    MISSED = "missed"
    NO_ENTRY = "no_entry"
    UNDELIVERABLE = "undeliverable"


class EffectKind(StrEnum):
    """``NOTE`` says in the thread, in few words, what could not be shown there; ``CARD`` edits the
    announcement so that it shows how the signal went."""

    ANNOUNCE = "announce"
    FOLLOW_UP = "follow_up"
    NOTE = "note"
    CARD = "card"


class EffectStatus(StrEnum):
    OWED = "owed"
    CLAIMED = "claimed"
    UNKNOWN = "unknown"
    DONE = "done"
    DEAD = "dead"
    SUPERSEDED = "superseded"


class Health(StrEnum):
    """``OFF``: not configured, and so not missed."""

    OK = "ok"
    WARN = "warn"
    DOWN = "down"
    OFF = "off"
