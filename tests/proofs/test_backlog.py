"""Discord is down for a day and 2,000 events are owed; then it is back: all is told, in order, none twice."""

import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from crypto_signals.domain.bars import Bar
from crypto_signals.domain.errors import NotSent
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import apply, owed, step
from crypto_signals.domain.signals import Plan, Signal, signal_id
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, EffectStatus, Family
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
NEW_AT = 20
MOST_RUNS = 12
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
    history: Callable[[str], Sequence[Event]]
    opens_at: dt.datetime = START
    name: str = "limited"
    can_find: bool = False
    can_edit: bool = False
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
        events = self.history(letter.signal.signal_id)
        numbers = tuple(events.index(event) + 1 for event in letter.events)
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


def opened(store: SqlStore, number: int, clock: Clock) -> str:
    """A new signal, stored and owed to people; gives its id."""
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
    return signal.signal_id


def advanced(store: SqlStore, which: str, clock: Clock) -> None:
    """The next bar of one signal."""
    signal, _, _ = store.signal(which)
    seen, ohlc = signal.revision, PRICES[signal.progress.bars_seen]
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    signal, events = step(signal, Bar(hour, *ohlc, volume=1000.0), None)
    store.commit([Saved(signal, seen, events, owed(signal, events))])


def delivered(store: SqlStore, channel: Limited, clock: Clock) -> Summary:
    """One scheduled run's delivery."""
    summary = Summary()
    patience = Endurance(clock, store, BUDGET_S)
    relay = Relay(store, {AssetClass.CRYPTO: channel}, clock, patience, SETTLE)
    relay.deliver(lambda _signal, _events: lambda: None, summary)
    return summary


def until_at_rest(store: SqlStore, channel: Limited, clock: Clock) -> int:
    """Runs as a scheduler would start them, until nothing is owed; gives how many it took."""
    for run in range(1, MOST_RUNS + 1):
        if delivered(store, channel, clock).exit_code == 0:
            return run
        clock.pass_by(BETWEEN_RUNS)
    raise AssertionError(f"not at rest after {MOST_RUNS} runs")


@pytest.mark.proof
def test_a_day_of_silence_is_made_up_for() -> None:
    """2,000 events over 400 signals, of which 120 are new: all told, in the order of each thread, none twice,
    within the limits of the channel, by runs of nine minutes each."""
    clock = Clock(START + dt.timedelta(minutes=1))
    memory = Memory(clock.now)
    store = memory.open()
    store.acquire("one", 1e6)
    channel = Limited(clock, lambda which: store.signal(which)[1])
    old = [opened(store, number, clock) for number in range(ANNOUNCED)]
    until_at_rest(store, channel, clock)
    assert [numbers for _, numbers, _ in channel.told] == [(1,)] * ANNOUNCED

    day = START + 2 * HOUR
    channel.opens_at = day + 24 * HOUR
    new: list[str] = []
    for hour in range(24):
        clock.time = day + hour * HOUR + dt.timedelta(minutes=1)
        moving = [which for n, which in enumerate(old) if hour % 5 == n % 5 and hour < 5 * len(PRICES)]
        if hour == NEW_AT:
            new = [opened(store, ANNOUNCED + number, clock) for number in range(NEW)]
        elif hour in (NEW_AT + 1, NEW_AT + 2):
            moving += new
        for which in moving:
            advanced(store, which, clock)
        summary = delivered(store, channel, clock)
        assert summary.announcements + summary.follow_ups == 0
    assert summary.owed >= OWED_EVENTS
    assert len(channel.told) == ANNOUNCED

    clock.time = channel.opens_at
    runs = until_at_rest(store, channel, clock)
    took = (clock.now() - channel.opens_at).total_seconds()
    assert channel.too_early <= runs, "at most the one call with which a run finds out that it must stop"
    assert len(channel.told) >= len(old) + len(old) + 2 * len(new)
    assert took >= (len(channel.told) - len(old) - 30) / 30 * 60, "faster than the channel allows"
    for which in (*old, *new):
        signal, _, effects = store.signal(which)
        told = [number for one, numbers, _ in channel.told if one == which for number in numbers]
        assert signal.cancelled_at is None
        assert told == [effect.seq for effect in effects]
        assert {effect.status for effect in effects} == {EffectStatus.DONE}
    assert not any(may_repeat for _, _, may_repeat in channel.told)
    store.close()
