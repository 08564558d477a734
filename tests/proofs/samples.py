"""Signals to store, made by the rules alone: no bars, no detector, no clock."""

import datetime as dt

from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import Effect, Event, EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import apply, owed, step
from crypto_signals.domain.signals import Plan, Signal, signal_id
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, EffectStatus, Family
from crypto_signals.engine.ports import Saved

FIRST_DAY = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
STRATEGY, TIMEFRAME = "test", "1Day"
PLAN = Plan(direction=Direction.LONG, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0))
ROAD = ((100.0, 101.0, 99.0), (100.0, 112.0, 99.5), (111.0, 122.0, 110.5), (120.0, 131.0, 119.0))
"""Bars (open, high, low) that lead from the entry through every target."""


def day(number: int) -> dt.datetime:
    return FIRST_DAY + number * DAY


def new(number: int) -> Saved:
    """Signal ``number`` as it is first stored, with its announcement owed."""
    symbol, timeframe = f"S{number:04}/USD", Timeframe(TIMEFRAME)
    signal = Signal(
        signal_id=signal_id(STRATEGY, symbol, timeframe, day(number), "hit", Direction.LONG),
        symbol=symbol,
        asset_class=AssetClass.CRYPTO,
        timeframe=timeframe,
        strategy=STRATEGY,
        strategy_version="v",
        run_id="run",
        detector="hit",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=day(number),
        plan=PLAN,
        valid_until=day(number + 6),
        created_at=day(number + 1),
    )
    created = Event(type=EventType.CREATED, ts=day(number + 1))
    signal = apply(signal, created)
    return Saved(signal, 0, (created,), owed(signal, (created,)))


def followed(signal: Signal) -> Saved:
    """One bar further on its road, and what is owed for it; quiet bars, where the road ends."""
    seen = signal.progress.bars_seen
    opened, high, low = ROAD[seen] if seen < len(ROAD) else (125.0, 126.0, 124.0)
    bar = Bar((signal.progress.last_ts or signal.bar_ts) + DAY, opened, high, low, high - 0.5, 1000.0)
    moved, events = step(signal, bar, None)
    return Saved(moved, signal.revision, events, owed(moved, events))


def announced(signal: Signal, effect: Effect, at: dt.datetime) -> Saved:
    """The signal once people have been told of it."""
    event = Event(type=EventType.ANNOUNCED, ts=at, thread_id=f"thread {signal.short_id}")
    return Saved(apply(signal, event), signal.revision, (event,), (done(effect, at),))


def claimed(effect: Effect, at: dt.datetime) -> Effect:
    return effect.moved(
        EffectStatus.CLAIMED,
        claimed_by="run",
        attempts=effect.attempts + 1,
        attempted_at=at,
        settles_at=at + dt.timedelta(seconds=90),
    )


def done(effect: Effect, at: dt.datetime) -> Effect:
    return effect.moved(EffectStatus.DONE, done_at=at, message_id=f"message {effect.key}", error=None)
