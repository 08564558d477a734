"""The world outside, in virtual time: a clock, and a chat whose messages may be lost, late, or found late."""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from crypto_signals.domain.errors import ChannelPaused, NotSent, OutcomeUnknown, Refused
from crypto_signals.domain.events import Event
from crypto_signals.domain.vocabulary import EffectKind
from crypto_signals.engine.ports import Letter, Picture, Receipt, Tenancy

SETTLE = dt.timedelta(seconds=90)
TIME_OUT = dt.timedelta(seconds=10)
LATE = dt.timedelta(seconds=40)
LAG = dt.timedelta(seconds=39)
"""Together one second less than the settle time: as bad as the world may be."""
PAUSE_S = 100.0
"""How long the other side asks to wait when it takes nothing: longer than the settle time."""


class Fault(StrEnum):
    """What happens to one call, or from it on to all calls of this run."""

    REQUEST_LOST = "request lost"
    REPLY_LOST = "reply lost"
    LATE = "late delivery"
    LAG = "search lag"
    LATE_AND_LAG = "late delivery and search lag"
    NOT_NOW = "not taken, once"
    DOWN = "takes nothing more in this run"
    REFUSED = "refused"
    PAUSED = "closed for this run"
    STOP = "stop requested"
    STALL = "taken over in a stall"
    LONG_STALL = "taken over in a long stall"


IN_DOUBT = (Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.LATE, Fault.LAG, Fault.LATE_AND_LAG)
"""What may become of a request: with the sender told that it timed out, or with the sender killed."""
OF_POST = (*IN_DOUBT, Fault.NOT_NOW, Fault.DOWN, Fault.REFUSED, Fault.PAUSED, Fault.STOP)
STALLS = (Fault.STALL, Fault.LONG_STALL)
OF_EDIT = (
    *(Fault.REQUEST_LOST, Fault.REPLY_LOST, Fault.LATE),
    *(Fault.NOT_NOW, Fault.DOWN, Fault.REFUSED, Fault.PAUSED, Fault.STOP),
)
OF_FIND = (Fault.REQUEST_LOST, Fault.NOT_NOW, Fault.PAUSED, Fault.STOP)


@dataclass(frozen=True, slots=True)
class Message:
    """What people read, ``there`` from one moment on, to be found by a search from another one on.

    ``stalled``: its sender had been taken over in the middle of sending it.
    """

    key: str
    signal_id: str
    kind: EffectKind
    events: tuple[Event, ...]
    may_repeat: bool
    there: dt.datetime
    findable: dt.datetime
    stalled: bool = False


@dataclass(slots=True)
class Clock:
    time: dt.datetime

    def now(self) -> dt.datetime:
        return self.time

    def pass_by(self, span: dt.timedelta) -> None:
        self.time += span


@dataclass(slots=True)
class Endurance:
    """A `Patience` of virtual seconds, with the heartbeat that a run has."""

    clock: Clock
    lease: Tenancy
    budget: float
    stopping: bool = False

    def wait(self, seconds: float) -> bool:
        if self.stopping or seconds > self.budget:
            return False
        self.budget -= seconds
        self.clock.pass_by(dt.timedelta(seconds=seconds))
        self.lease.renew()
        return True


@dataclass(slots=True)
class Chat:
    """A `Channel`. ``ask`` is told of each call before it happens, with the message that it would bring, and
    says what goes wrong with it.

    ``refuses`` says what is never accepted, ``stored`` what the store knows of: people who read anything else
    have read of a zombie.
    """

    can_find: bool
    can_edit: bool
    clock: Clock
    ask: Callable[[str, Message | None], Fault | None]
    refuses: Callable[[Letter], bool]
    stored: Callable[[str], bool]
    stop: Callable[[], None]
    messages: list[Message] = field(default_factory=list)
    zombies: list[Message] = field(default_factory=list)
    name: str = "chat"
    _closed: Exception | None = None

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:  # noqa: ARG002
        refused = self.refuses(letter)
        fault = self.ask("post", None if refused else self._written(letter, may_repeat=may_repeat))
        self._trouble(fault)
        if refused or fault is Fault.REFUSED:
            raise Refused("400: no")
        message = replace(self._written(letter, may_repeat=may_repeat), stalled=fault in STALLS)
        if not self.stored(letter.key):
            self.zombies.append(message)
        if fault in IN_DOUBT:
            self.messages += on_its_way([message], fault)
            self.clock.pass_by(TIME_OUT)
            raise OutcomeUnknown("timed out")
        self.messages.append(message)
        self.clock.pass_by(dt.timedelta(seconds=1))
        return receipt(message)

    def find(self, letter: Letter) -> Receipt | None:
        fault = self.ask("find", None)
        self._trouble(fault)
        if fault is Fault.REQUEST_LOST:
            raise OutcomeUnknown("timed out")
        now = self.clock.now()
        found = [m for m in self.messages if m.key == letter.key and m.findable <= now]
        return receipt(found[0]) if found and self.can_find else None

    def edit(self, letter: Letter, message_id: str) -> None:
        """An edit is kept as a message of its own: what is shown is the one that arrived last."""
        edited = self._written(letter, may_repeat=False)
        fault = self.ask("edit", edited)
        self._trouble(fault)
        if fault is Fault.REFUSED:
            raise Refused("404: no such message")
        assert any(receipt(m).message_id == message_id for m in self.messages)
        edited = replace(self._written(letter, may_repeat=False), stalled=fault in STALLS)
        if fault in IN_DOUBT:
            self.messages += on_its_way([edited], fault)
            self.clock.pass_by(TIME_OUT)
            raise OutcomeUnknown("timed out")
        self.messages.append(edited)
        self.clock.pass_by(dt.timedelta(seconds=1))

    def close(self) -> None:
        pass

    def _written(self, letter: Letter, *, may_repeat: bool) -> Message:
        signal_id, now = letter.signal.signal_id, self.clock.now()
        return Message(letter.key, signal_id, letter.kind, letter.events, may_repeat, now, now)

    def _trouble(self, fault: Fault | None) -> None:
        if fault is Fault.STOP:
            self.stop()
        if fault is Fault.PAUSED:
            self._closed = ChannelPaused("404")
        if fault is Fault.DOWN:
            self._closed = NotSent("unreachable", PAUSE_S)
        if self._closed is not None:
            raise self._closed
        if fault is Fault.NOT_NOW:
            raise NotSent("429", PAUSE_S)


def on_its_way(messages: Iterable[Message], fault: Fault) -> list[Message]:
    """What arrives of messages whose sender will not hear of it, and when."""
    if fault is Fault.REQUEST_LOST:
        return []
    late = LATE + TIME_OUT if fault in (Fault.LATE, Fault.LATE_AND_LAG) else dt.timedelta(0)
    lag = LAG if fault in (Fault.LAG, Fault.LATE_AND_LAG) else dt.timedelta(0)
    return [replace(m, there=m.there + late, findable=m.findable + late + lag) for m in messages]


def shown(messages: Iterable[Message], now: dt.datetime) -> list[Message]:
    """The messages without the edits that others have replaced by ``now``: nobody can see those."""
    arrived = [m for m in messages if m.kind is EffectKind.CARD and m.there <= now]
    latest = {m.signal_id: m for m in sorted(arrived, key=lambda m: m.there)}
    return [m for m in messages if m not in arrived or m is latest[m.signal_id]]


def receipt(message: Message) -> Receipt:
    return Receipt(f"message {message.key}", f"thread {message.signal_id[:8]}")
