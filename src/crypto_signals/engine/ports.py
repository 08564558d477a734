"""Every port of the engine on one page. Adapters know these; the engine knows no adapter."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from crypto_signals.analysis.panel import Panel, Series
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.notices import Notice
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.vocabulary import AssetClass, EffectKind, EffectStatus

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

    ``gone`` are the symbols of which the source said that it has none, as opposed to having failed;
    ``breakers`` says of each service whether it is asked: ``closed`` (yes), ``open`` (no), ``half-open``.
    """

    panel: Panel
    feeds: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[BarProblem, ...] = ()
    errors: tuple[SourceError, ...] = ()
    gone: frozenset[str] = frozenset()
    requests: int = 0
    retries: int = 0
    warnings: tuple[str, ...] = ()
    breakers: Mapping[str, str] = field(default_factory=dict)


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

    ``expected`` is the revision that it had in the store; 0 for a new one.
    """

    signal: Signal
    expected: int
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


class Ledger(Protocol):
    """Signals and their events, each changed only from the state that its writer saw."""

    def commit(
        self,
        saves: Sequence[Saved],
        strategy: str = "",
        timeframe: str = "",
        watermarks: Sequence[Watermark] = (),
    ) -> None:
        """Each signal with its events and effects at once, the watermarks with the last of them.

        A store whose transactions are limited in size may keep a part of ``saves`` without the rest, but
        never the watermarks without all of them. Raises ``VersionConflict``: reload and decide again.
        """
        ...

    def book(self, strategy: str, timeframe: str, since: datetime) -> list[Signal]:
        """Signals that are open, or were created or closed at a bar not before ``since``."""
        ...

    def watermarks(self, strategy: str, timeframe: str) -> dict[str, Watermark]: ...

    def signal(self, signal_id: str) -> tuple[Signal, tuple[Event, ...], tuple[Effect, ...]]:
        """One signal with its events and effects. Raises ``KeyError``, or ``UnreadableRow``."""
        ...

    def signals(self) -> list[Signal]:
        """All signals, by bar, symbol, detector and direction."""
        ...


class Outbox(Protocol):
    """What is owed to the outside world."""

    def undelivered(self) -> list[Effect]:
        """Effects that are owed, claimed or unknown, in the order of their signals' creation and events."""
        ...

    def tally(self) -> dict[EffectStatus, int]:
        """How many effects there are of each status that occurs."""
        ...

    def record_effects(self, effects: Sequence[Effect]) -> None:
        """Journals attempts and outcomes, all or none. Each effect must stand one revision before the one
        given (one of revision 1 must be new), or ``VersionConflict`` is raised."""
        ...


class Tenancy(Protocol):
    """The right to write, which one instance has at a time; time is that of the store's server.

    Every write checks it: one who lost it, perhaps unnoticed, gets ``LeaseLost`` and has changed nothing.
    """

    def acquire(self, owner: str, seconds: float) -> None:
        """Takes the lease, or takes it over from an owner of the same name. Raises ``LeaseHeld``."""
        ...

    def renew(self) -> None:
        """Makes it last the full time again. Raises ``LeaseLost``."""
        ...

    def left_s(self) -> float:
        """For how many seconds nobody else can have it."""
        ...

    def release(self) -> None:
        """Gives it back, if it is still held."""
        ...


class Runs(Protocol):
    """What each run was, and what it did."""

    def start_run(self, now: datetime, strategy_versions: Mapping[str, str], config_hash: str) -> str:
        """Opens a run and gives its id: the time, and how many runs came before."""
        ...

    def finish_run(self, run_id: str, now: datetime, summary: Mapping[str, object]) -> None: ...


@dataclass(frozen=True, slots=True)
class Story:
    """A signal with all that happened to it and all that it owed."""

    signal: Signal
    events: tuple[Event, ...]
    effects: tuple[Effect, ...]


class Retention(Protocol):
    """How long things are kept. What is open, owes something or cannot be read is kept for ever."""

    def at_rest(self, limit: int) -> list[Story]:
        """Closed signals that owe nothing any more and have no time to live yet, the oldest first."""
        ...

    def expire(self, expiries: Mapping[str, datetime]) -> None:
        """Gives archived signals their time to live: them, their events and effects, in one write each."""
        ...

    def expired(self, now: datetime) -> list[str]:
        """The ids of those whose time to live has passed, the oldest first."""
        ...

    def delete(self, signal_ids: Sequence[str]) -> None:
        """Removes expired signals with their events and effects; each whole, or not at all."""
        ...


@dataclass(frozen=True, slots=True)
class Holding:
    """How much of one kind a warehouse has, and of which days."""

    name: str
    what: str
    rows: int
    first: date | None
    last: date | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a warehouse says to a query: each row by the names of its columns."""

    columns: tuple[str, ...]
    rows: Sequence[Mapping[str, object]]


class Warehouse(Protocol):
    """Where closed signals are kept for good, and can be counted with. ``place`` says where, for people.

    Raises ``StoreUnusable`` when it cannot be used, and opens nothing before it is asked.
    """

    place: str

    def keep(self, stories: Sequence[Story]) -> None:
        """Writes them for good: when this returns they are safe. To keep one again does no harm."""
        ...

    def holdings(self) -> list[Holding]:
        """A line for each table; none where there is no warehouse yet."""
        ...

    def ask(self, sql: str) -> Answer:
        """The answer to one query, which can change nothing. Raises ``UsageError`` for what is none."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """Something stored, as any store can hold it: ``fields`` have JSON's types, times as text in UTC."""

    table: str
    key: str
    fields: Mapping[str, object]


class Transfer(Protocol):
    """Everything that a store holds, also what it cannot make sense of."""

    def rows(self) -> Iterator[Row]:
        """All rows but the lease, by table and key."""
        ...

    def load(self, rows: Iterable[Row]) -> None:
        """Puts rows as they are; one that is there already is replaced."""
        ...


class Store(Ledger, Outbox, Tenancy, Runs, Retention, Transfer, Protocol):
    """Everything that must not be forgotten. Raises ``StoreUnusable`` when it cannot be trusted."""

    def unreadable(self) -> list[Unreadable]:
        """The signals that could not be read so far; the others go on."""
        ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Letter:
    """What one thread is told next, as one message: of ``events``, one or more, in order.

    ``key`` names the message for ever, so that it can be looked for. ``first_message`` is the id of the
    signal's announcement, where it is known.
    """

    key: str
    kind: EffectKind
    signal: Signal
    events: tuple[Event, ...]
    first_message: str | None = None

    def without_thread(self) -> "Letter":
        """The same, for a signal whose thread is gone."""
        return replace(self, signal=replace(self.signal, thread_id=None))


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where a message went. ``thread_id`` is ``None`` where the channel has no threads."""

    message_id: str
    thread_id: str | None = None


class Channel(Protocol):
    """A way to tell people. Raises the ``DeliveryError`` that fits; returning means it was delivered.

    ``can_find``: whether ``find`` is to be believed, so that nothing need ever be said twice. Where it is
    not, a message whose fate is unknown is repeated, marked by ``may_repeat``. ``can_edit``: whether what was
    posted can be changed, so that the announcement can be the signal's status card.
    """

    name: str
    can_find: bool
    can_edit: bool

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt: ...

    def find(self, letter: Letter) -> Receipt | None:
        """Where the message is, if it arrived; ``None`` where it did not, or nobody can tell. Raises
        ``Refused`` where it never will."""
        ...

    def edit(self, letter: Letter, message_id: str) -> None:
        """Makes the announcement ``message_id`` show what the card ``letter`` says; again does no harm."""
        ...

    def check(self) -> str:
        """What is known of the other side, asked without posting. Raises the ``DeliveryError`` that fits."""
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...


@dataclass(frozen=True, slots=True)
class Looked:
    """What came of one symbol in one run; ``newest`` is the opening time of its newest bar."""

    strategy: str
    symbol: str
    asset_class: AssetClass
    new_bars: int = 0
    newest: datetime | None = None
    feed: str | None = None
    signals: int = 0
    shadow_signals: int = 0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to tell people; ``outcome`` is the status in which it left what was owed."""

    channel: str
    kind: EffectKind
    outcome: str
    symbol: str
    signal_id: str
    attempts: int


class Watcher(Protocol):
    """Is told what a run does while it does it, and can change nothing. Raises nothing."""

    def started(self, run_id: str) -> None: ...

    def step(self, name: str) -> AbstractContextManager[None]:
        """Lasts as long as that part of the run does."""
        ...

    def looked(self, look: Looked) -> None: ...

    def delivered(self, delivery: Delivery) -> None: ...


@runtime_checkable
class Noticeboard(Protocol):
    """Where people are told what belongs to no signal's thread. ``name`` is how errors call it."""

    name: str

    def tell(self, notice: Notice) -> None:
        """Raises the ``DeliveryError`` that fits; returning means it was delivered."""
        ...

    def check(self) -> str:
        """What is known of the other side, asked without posting. Raises the ``DeliveryError`` that fits."""
        ...

    def close(self) -> None:
        """Gives back what it holds."""
        ...
