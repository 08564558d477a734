"""A signal: its terms, which never change, and how far the market and the people have come with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid5

from crypto_signals.domain.anchors import Anchor
from crypto_signals.domain.events import StopKind
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import (
    AssetClass,
    Conviction,
    Direction,
    EntryType,
    ExitReason,
    Family,
    Status,
)

_NAMESPACE = UUID("6f1b2f6e-8f6a-5d0e-9c3a-2f1f6f0a7c11")
CLOSED = frozenset({Status.TP3_HIT, Status.STOPPED, Status.INVALIDATED, Status.EXPIRED})


def signal_id(
    strategy: str, symbol: str, timeframe: Timeframe, bar_ts: datetime, detector: str, direction: Direction
) -> str:
    """The same setup has the same id, whoever looks at it and however often."""
    parts = (strategy, symbol, timeframe.name, bar_ts.isoformat(), detector, direction.value)
    return str(uuid5(_NAMESPACE, "\n".join(parts)))


@dataclass(frozen=True, slots=True)
class GateResult:
    """What a gate measured (``value``), against what it asks for (``limit``)."""

    gate: str
    passed: bool
    value: float | None = None
    limit: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The levels as announced. ``risk`` (one R) is |entry - stop| and never changes, but for its units.

    ``cost_rate`` is the cost of one side of the trade as a share of its notional: fee and slippage.
    ``risk_usd`` is what the trade may lose down to its stop, where that was said.
    """

    direction: Direction
    entry: float
    stop: float
    targets: tuple[float, float, float]
    invalidation: float | None = None
    entry_type: EntryType = EntryType.MARKET
    valid_bars: int = 1
    max_bars: int = 60
    fractions: tuple[float, float, float] = (0.5, 0.25, 0.25)
    cost_rate: float = 0.0
    risk_usd: float | None = None

    def rebased(self, factor: float) -> "Plan":
        """The same plan where a price of 1 is now one of ``factor``; what it pays in R stays."""
        first, second, third = (target * factor for target in self.targets)
        return replace(
            self,
            entry=self.entry * factor,
            stop=self.stop * factor,
            targets=(first, second, third),
            invalidation=_times(self.invalidation, factor),
        )

    @property
    def risk(self) -> float:
        return abs(self.entry - self.stop)

    @property
    def reward_to_risk(self) -> float:
        return abs(self.targets[1] - self.entry) / self.risk


@dataclass(frozen=True, slots=True)
class Fill:
    """A part of the position that was closed."""

    ts: datetime
    price: float
    fraction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the market has done with a plan, up to and including the bar ``last_ts``."""

    status: Status = Status.WAITING
    bars_seen: int = 0
    last_ts: datetime | None = None
    last_close: float | None = None
    entry_ts: datetime | None = None
    entry_fill: float | None = None
    entry_bar: int | None = None
    stop: float | None = None
    stop_kind: StopKind = StopKind.INITIAL
    told_stop: float | None = None
    targets_hit: int = 0
    structure_broken: bool = False
    fills: tuple[Fill, ...] = ()
    closed_at: datetime | None = None
    exit_reason: ExitReason | None = None
    result_r: float | None = None
    fees_r: float | None = None
    ambiguous: bool = False

    @property
    def closed(self) -> bool:
        return self.status in CLOSED

    def rebased(self, factor: float) -> "Progress":
        """The same progress where a price of 1 is now one of ``factor``."""
        return replace(
            self,
            last_close=_times(self.last_close, factor),
            entry_fill=_times(self.entry_fill, factor),
            stop=_times(self.stop, factor),
            told_stop=_times(self.told_stop, factor),
            fills=tuple(replace(fill, price=fill.price * factor) for fill in self.fills),
        )


def _times(price: float | None, factor: float) -> float | None:
    return None if price is None else price * factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """``progress`` is the market's truth. What people know of it is a second, separate thing:
    they were told (``announced_at``), could not be told (``cancelled_at``), or never will be,
    because a gate refused the signal (``failed_gates``: a shadow signal). ``evidence`` is what was
    measured of such setups on bars before this one.
    """

    signal_id: str
    symbol: str
    asset_class: AssetClass
    timeframe: Timeframe
    strategy: str
    strategy_version: str
    run_id: str
    detector: str
    family: Family
    conviction: Conviction
    bar_ts: datetime
    plan: Plan
    valid_until: datetime
    created_at: datetime
    late_bars: int = 0
    confirmed_by: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    anchors: tuple[Anchor, ...] = ()
    gates: tuple[GateResult, ...] = ()
    confluence: Mapping[str, float | None] = field(default_factory=dict)
    feed: str | None = None
    evidence: Evidence | None = None
    version: int = 0
    progress: Progress = Progress()
    announced_at: datetime | None = None
    thread_id: str | None = None
    cancelled_at: datetime | None = None

    @property
    def revision(self) -> int:
        """Grows with every change: with each event, and with each bar that was followed."""
        return self.version + self.progress.bars_seen

    def rebased(self, factor: float) -> "Signal":
        """The same signal where a price of 1 is now one of ``factor``."""
        return replace(
            self,
            plan=self.plan.rebased(factor),
            progress=self.progress.rebased(factor),
            anchors=tuple(replace(anchor, price=anchor.price * factor) for anchor in self.anchors),
        )

    @property
    def direction(self) -> Direction:
        return self.plan.direction

    @property
    def failed_gates(self) -> tuple[GateResult, ...]:
        return tuple(gate for gate in self.gates if not gate.passed)

    @property
    def is_shadow(self) -> bool:
        return any(not gate.passed for gate in self.gates)

    @property
    def is_told(self) -> bool:
        """Whether what happens to it is told to people."""
        return not self.is_shadow and self.cancelled_at is None

    @property
    def status(self) -> Status:
        """What people see: the market's status, unless they were not, or could not be, told."""
        if self.is_shadow:
            return Status.REJECTED_BY_FILTER
        if self.cancelled_at is not None:
            return Status.CANCELLED
        if self.progress.status is Status.WAITING and self.announced_at is None:
            return Status.CREATED
        return self.progress.status

    @property
    def exit_reason(self) -> str | None:
        """Why it ended for people: a gate's name for a shadow, ``undeliverable`` for a cancelled one."""
        if self.is_shadow:
            return self.failed_gates[0].gate
        if self.cancelled_at is not None:
            return ExitReason.UNDELIVERABLE.value
        return self.progress.exit_reason.value if self.progress.exit_reason else None

    @property
    def short_id(self) -> str:
        return self.signal_id[:8]
