"""Discord is down for a day and 2,000 events are owed; then it is back: all is told, in order, none twice."""

import datetime as dt
from collections import deque
from dataclasses import dataclass, field, replace

import pytest

from crypto_signals.domain.bars import Bar
from crypto_signals.domain.errors import NotSent
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import apply, owed, step
from crypto_signals.domain.signals import Plan, Signal, signal_id
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, EffectKind, EffectStatus, Family
from crypto_signals.engine.deliver import Relay
from crypto_signals.engine.ports import Letter, Picture, Receipt, Saved
from crypto_signals.engine.summary import Summary
from crypto_signals.repository.sql import SqlStore

from .memory import Memory
from .outside import SETTLE, Clock, Endurance

START = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
BUDGET_S = 540.0
BETWEEN_RUNS = dt.timedelta(minutes=15)
ANNOUNCED, NEW = 280, 120
OWED_EVENTS = 2_000
PLAN = Plan(direction=Direction.LONG, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0))
PRICES = (
    (100.0, 101.0, 99.0, 100.5),
    (100.5, 112.0, 100.2, 111.0),
    (111.0, 122.0, 110.5, 121.0),
    (121.0, 131.0, 120.5, 130.0),
)
"""Entered, three targets; the stop moves after the first two: six events in four bars."""
LIMITS = ((5, 2.0), (30, 60.0))
"""So many requests in so many seconds: a webhook's own limit, and the one of its channel."""


@dataclass
class Limited:
    """A channel in virtual time that is down until ``opens_at``, and then takes no more than it says it does.
    ``too_early`` are the calls that came although it had asked to wait."""

    clock: Clock
    opens_at: dt.datetime
    name: str = "limited"
    can_find: bool = False
    taken: deque[dt.datetime] = field(default_factory=deque)
    told: list[tuple[str, tuple[int, ...], bool]] = field(default_factory=list)
    refusals: int = 0
    too_early: int = 0
    _closed_until: dt.datetime = START

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:  # noqa: ARG002
        now = self.clock.now()
        if now < self.opens_at:
            raise NotSent("unreachable")
        self.too_early += now < self._closed_until
        if (free_at := self._free_at(now)) > now:
            self.refusals += 1
            self._closed_until = free_at
            raise NotSent("429", (free_at - now).total_seconds())
        self.taken.append(now)
        numbers = tuple(self._numbers(letter))
        self.told.append((letter.signal.signal_id, numbers, may_repeat))
        self.clock.pass_by(dt.timedelta(milliseconds=200))
        return Receipt(f"message {len(self.told)}", f"thread {letter.signal.signal_id}")

    def find(self, letter: Letter) -> None:
        raise AssertionError(f"nothing was in doubt, but {letter.key} was asked for")

    def close(self) -> None:
        pass

    def _free_at(self, now: dt.datetime) -> dt.datetime:
        free = [now]
        for count, seconds in LIMITS:
            if len(self.taken) >= count:
                free.append(self.taken[-count] + dt.timedelta(seconds=seconds))
        return max(free)

    def _numbers(self, letter: Letter) -> list[int]:
        """The numbers of the events told, from that of the last one: they come in a row but for quiet ones."""
        raise NotImplementedError


def opened(store: SqlStore, number: int, clock: Clock) -> Signal:
    """A new signal, stored and owed to people."""
    symbol, timeframe = f"C{number:03}/USD", Timeframe("1Hour")
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    signal = Signal(
        signal_id=signal_id("backlog", symbol, timeframe, hour, "hit", Direction.LONG),
        symbol=symbol,
        asset_class=AssetClass.CRYPTO,
        timeframe=timeframe,
        strategy="backlog",
        strategy_version="v",
        run_id="run",
        detector="hit",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=hour,
        plan=PLAN,
        valid_until=hour + 48 * HOUR,
        created_at=clock.now(),
    )
    created = Event(type=EventType.CREATED, ts=clock.now())
    signal = apply(signal, created)
    store.commit([Saved(signal, 0, (created,), owed(signal, (created,)))])
    return signal
