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
    """Stored, and not announced yet."""
    WAITING = "WAITING"
    """Announced, and not entered yet."""
    ACTIVE = "ACTIVE"
    """In the trade."""
    TP1_HIT = "TP1_HIT"
    """Target 1 was hit."""
    TP2_HIT = "TP2_HIT"
    """Target 2 was hit."""
    TP3_HIT = "TP3_HIT"
    """Ended by target 3 or by the trailing stop."""
    STOPPED = "STOPPED"
    """Ended by a stop."""
    INVALIDATED = "INVALIDATED"
    """Ended because the pattern was refuted."""
    EXPIRED = "EXPIRED"
    """Ended by time, for want of bars, or never entered."""
    CANCELLED = "CANCELLED"
    """Could not be announced; followed in silence."""
    REJECTED_BY_FILTER = "REJECTED_BY_FILTER"
    """A shadow signal: a gate refused it; followed in silence."""


class ExitReason(StrEnum):
    TARGET_3 = "target_3"
    """Target 3."""
    TRAIL = "trail"
    """The trailing stop."""
    STOP = "stop"
    """The stop as announced."""
    BREAK_EVEN = "break_even"
    """The stop at the entry, after target 1."""
    TP1_LOCK = "tp1_lock"
    """The stop at target 1, after target 2."""
    STRUCTURE = "structure"
    """A close beyond the pattern's invalidation."""
    TIME = "time"
    """`max_bars` in the trade."""
    NO_DATA = "no_data"
    """No bar for ten sessions."""
    MISSED = "missed"
    """The open lay beyond the stop or target 1 already."""
    NO_ENTRY = "no_entry"
    """The entry was not filled in time."""
    UNDELIVERABLE = "undeliverable"
    """People could not be told of it."""


class EffectKind(StrEnum):
    """What is owed to people."""

    ANNOUNCE = "announce"
    """The message that opens a thread."""
    FOLLOW_UP = "follow_up"
    """What became of the signal."""
    NOTE = "note"
    """In few words, what could not be shown."""
    CARD = "card"
    """The edit of the announcement that shows how the signal went."""


class EffectStatus(StrEnum):
    OWED = "owed"
    """To be done."""
    CLAIMED = "claimed"
    """An attempt is being made."""
    UNKNOWN = "unknown"
    """An attempt was made, and nobody knows what came of it."""
    DONE = "done"
    """Done."""
    DEAD = "dead"
    """It will never be accepted; `error` says why."""
    SUPERSEDED = "superseded"
    """A later one says it too."""


class Health(StrEnum):
    """How a part is that a run depends on."""

    OK = "ok"
    """As it should be."""
    WARN = "warn"
    """A run works; somebody should look."""
    DOWN = "down"
    """A run fails, or tells nobody."""
    OFF = "off"
    """Not configured, and so not missed."""
