"""Every port of the engine on one page. Adapters know these; the engine knows no adapter."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crypto_signals.analysis.panel import Panel, Series
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import AssetClass

Timestamps = NDArray[np.datetime64]
Picture = Callable[[], bytes | None]
Wait = Callable[[float], bool]
"""Waits so many seconds; or says no, at once, where the run must not wait."""
Draw = Callable[[Signal, Series, Sequence[Event]], bytes]


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...


class Patience(Protocol):
    """How long a run may go on waiting: a budget of real seconds, which a stop request ends."""

    @property
    def stopping(self) -> bool:
        """Whether someone asked the run to stop."""
        ...

    def wait(self, seconds: float) -> bool:
        """Waits; false, at once, where the budget does not allow it or a stop was requested."""
        ...


class Calendar(Protocol):
    """When bars are known, and which sessions there are."""

    def known_at(self, asset_class: AssetClass, timeframe: Timeframe, ts: Timestamps) -> Timestamps:
        """For opening times ``ts``, when each bar counts as known: its close plus the grace."""
        ...

    def close_after(self, asset_class: AssetClass, timeframe: Timeframe, ts: datetime, bars: int) -> datetime:
        """The closing time of the ``bars``-th bar after the one that opened at ``ts`` (0: that bar's own)."""
        ...

    def session_after(self, asset_class: AssetClass, ts: datetime, sessions: int) -> datetime:
        """The stamp (00:00 UTC of its date) of the ``sessions``-th session after the one of ``ts``."""
        ...

    def bars_per_session(self, asset_class: AssetClass, timeframe: Timeframe) -> int:
        """How many bars a full session has."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Bars of one instrument from ``since`` on; without it, as many as a first look needs."""

    instrument: Instrument
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class SourceError:
    symbol: str | None
    service: str
    error: str


@dataclass(frozen=True, slots=True)
class History:
    """What a source gave: completed, valid bars, and what was wrong with the others.

    ``gone`` are the symbols of which the source said that it has none, as opposed to having failed.
    """

    panel: Panel
    feeds: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[BarProblem, ...] = ()
    errors: tuple[SourceError, ...] = ()
    gone: frozenset[str] = frozenset()
    requests: int = 0
    retries: int = 0


class BarSource(Protocol):
    def instruments(self) -> Sequence[Instrument]:
        """The instruments that the user configured."""
        ...

    def history(self, wanted: Sequence[Wanted], timeframe: Timeframe, now: datetime) -> History:
        """The bars known at ``now``. One bad symbol never fails the others.

        Raises ``NoBars`` when the source as a whole cannot be reached.
        """
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Saved:
    """A signal as it now is, with what is new: its last ``len(events)`` events and their effects.

    ``expected_version`` is the version that it had in the store; 0 for a new one.
    """

    signal: Signal
    expected_version: int
    events: tuple[Event, ...] = ()
    effects: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far a strategy has looked at one symbol, and where the history of that symbol starts."""

    symbol: str
    anchor_ts: datetime
    seen_ts: datetime


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A stored signal whose row is damaged. It is kept, and what it holds stays taken."""

    signal_id: str
    symbol: str
    is_open: bool
    reason: str


class Store(Protocol):
    """Everything that must not be forgotten. Raises ``StoreUnusable`` when it cannot be trusted."""

    def commit(
        self,
        saves: Iterable[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Iterable[Watermark] = (),
    ) -> None:
        """One transaction. Raises ``VersionConflict`` where a signal is not at its expected version."""
        ...

    def book(self, strategy: str, timeframe: str, since: datetime) -> list[Signal]:
        """Signals that are open, or were created or closed at a bar not before ``since``."""
        ...

    def watermarks(self, strategy: str, timeframe: str) -> dict[str, Watermark]: ...

    def signal(self, signal_id: str) -> tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]:
        """One signal with its events and effects. Raises ``KeyError``, or ``UnreadableRow``."""
        ...

    def unreadable(self) -> list[Unreadable]:
        """The signals that could not be read so far; the others go on."""
        ...

    def signals(self) -> list[Signal]:
        """All signals, by bar, symbol, detector and direction."""
        ...

    def undelivered(self) -> list[Effect]:
        """Effects that are owed, claimed or unknown, in the order of their signals' creation and events."""
        ...

    def record_effects(self, effects: Iterable[Effect]) -> None:
        """Journals attempts and outcomes."""
        ...

    def start_run(self, now: datetime, strategy_versions: Mapping[str, str], config_hash: str) -> str:
        """Opens a run and gives its id: the time, and how many runs came before."""
        ...

    def finish_run(self, run_id: str, now: datetime, summary: Mapping[str, object]) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message went. ``thread_id`` is ``None`` where the channel has no threads."""

    message_id: str
    thread_id: str | None = None


class Channel(Protocol):
    """A way to tell people. Raises the ``DeliveryError`` that fits; returning means it was delivered.

    ``may_repeat`` marks a message that perhaps was delivered before.
    """

    name: str

    def announce(self, signal: Signal, picture: Picture, *, may_repeat: bool) -> Receipt: ...

    def follow_up(
        self, signal: Signal, events: Sequence[Event], picture: Picture, *, may_repeat: bool
    ) -> Receipt:
        """Tells ``events`` (one or more, in order) in the thread of ``signal``, as one message."""
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...
