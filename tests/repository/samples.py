"""Signals, events and effects to store."""

import datetime as dt
from dataclasses import replace

from crypto_signals.domain.events import Effect, Event, EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import Plan, Progress, Signal
from crypto_signals.domain.vocabulary import (
    AssetClass,
    Conviction,
    Direction,
    EffectKind,
    EffectStatus,
    Family,
    Status,
)
from crypto_signals.engine.ports import Saved

T0 = dt.datetime(2018, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
PLAN = Plan(direction=Direction.LONG, entry=0.1 + 0.2, stop=0.1, targets=(1 / 3, 2 / 3, 1e-17 + 1))
CREATED = Event(type=EventType.CREATED, ts=T0)
STOPPED = Event(type=EventType.STOPPED, ts=T0 + DAY, price=0.1, result_r=-1.0)


def signal(name: str = "a", **changes: object) -> Signal:
    made = Signal(
        signal_id=f"id-{name}",
        symbol="BTC/USD",
        asset_class=AssetClass.CRYPTO,
        timeframe=Timeframe("1Day"),
        strategy="test",
        strategy_version="v",
        run_id="run",
        detector="hit",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=T0,
        plan=PLAN,
        valid_until=T0 + DAY,
        created_at=T0 + DAY,
        version=1,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def effect(of: Signal, seq: int = 1, **changes: object) -> Effect:
    made = Effect(key=f"{of.signal_id}/{seq}", signal_id=of.signal_id, seq=seq, kind=EffectKind.ANNOUNCE)
    return replace(made, **changes)  # type: ignore[arg-type]


def new(of: Signal) -> Saved:
    """A new signal that owes its announcement."""
    return Saved(of, 0, (CREATED,), (effect(of),))


def stopped(name: str, closed_at: dt.datetime = T0, **changes: object) -> Signal:
    """A signal that has ended."""
    return signal(name, version=2, progress=Progress(status=Status.STOPPED, closed_at=closed_at), **changes)


def settled(of: Signal, status: EffectStatus = EffectStatus.DONE) -> Saved:
    """A new signal of two events, whose announcement has come to ``status``."""
    return Saved(of, 0, (CREATED, STOPPED), (effect(of, status=status),))
