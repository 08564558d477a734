"""Signals and events to talk about."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from crypto_signals.domain.anchors import Anchor
from crypto_signals.domain.events import Event, EventType, StopKind
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import GateResult, Plan, Progress, Signal
from crypto_signals.domain.vocabulary import (
    AssetClass,
    Conviction,
    Direction,
    EffectKind,
    ExitReason,
    Family,
    Status,
)
from crypto_signals.engine.ports import Letter
from crypto_signals.notifications.messages import Message, plain

DAY = dt.timedelta(days=1)
BAR = dt.datetime(2018, 7, 17, tzinfo=dt.UTC)
ID = "1a2b3c4d-0000-5000-8000-000000000000"

LONG = Plan(
    direction=Direction.LONG,
    entry=6640.0,
    stop=6240.0,
    targets=(7120.0, 7600.0, 8560.0),
    invalidation=6420.0,
    cost_rate=0.0025,
)
SHORT = Plan(
    direction=Direction.SHORT,
    entry=6640.0,
    stop=7040.0,
    targets=(6160.0, 5680.0, 4720.0),
    invalidation=6860.0,
    cost_rate=0.0025,
)
PLANS = {Direction.LONG: LONG, Direction.SHORT: SHORT}


def signal(plan: Plan = LONG, **changes: Any) -> Signal:
    """An announced bull flag; ``changes`` override any of its fields."""
    sample = Signal(
        signal_id=ID,
        symbol="BTC/USD",
        asset_class=AssetClass.CRYPTO,
        timeframe=Timeframe("1Day"),
        strategy="default",
        strategy_version="3f9a1c0de812",
        run_id="20180718T000100-0",
        detector="bull_flag",
        family=Family.CHART,
        conviction=Conviction.NORMAL,
        bar_ts=BAR,
        plan=plan,
        valid_until=BAR + 2 * DAY,
        created_at=BAR + DAY + dt.timedelta(minutes=1),
        anchors=(Anchor(BAR - 9 * DAY, 6200.0, "pole"), Anchor(BAR - 4 * DAY, 6700.0, "flag")),
        gates=(GateResult("volume", passed=True, value=2.13, limit=1.5),),
        confluence={"atr": 266.0, "rsi": 61.2, "adx": 28.4, "volume_ratio": 2.13, "macd": None},
        feed="kraken",
    )
    return replace(sample, **changes)


def running(plan: Plan = LONG, targets_hit: int = 1, **changes: Any) -> Signal:
    """The same signal in the trade, with ``targets_hit`` targets behind it."""
    status = (Status.ACTIVE, Status.TP1_HIT, Status.TP2_HIT)[targets_hit]
    progress = Progress(
        status=status, entry_ts=BAR + DAY, entry_fill=plan.entry, stop=plan.entry, targets_hit=targets_hit
    )
    return signal(plan, progress=progress, **changes)


def event(kind: EventType, day: int = 3, **changes: Any) -> Event:
    return Event(**{"type": kind, "ts": BAR + day * DAY} | changes)


def every_event(plan: Plan) -> dict[str, Event]:
    """One event of each kind and reason, as the lifecycle makes them."""
    closed = {"fraction": 0.5, "result_r": 1.84, "fees_r": 0.06}
    lost = {"fraction": 1.0, "result_r": -1.08, "fees_r": 0.08}
    first, second, third = plan.targets
    return {
        "created": event(EventType.CREATED),
        "announced": event(EventType.ANNOUNCED),
        "cancelled": event(EventType.CANCELLED, detail="not announced in time"),
        "entered": event(EventType.ENTERED, price=plan.entry, stop=plan.stop),
        "target_1": event(EventType.TARGET_1_HIT, price=first, fraction=0.5),
        "target_2": event(EventType.TARGET_2_HIT, price=second, fraction=0.25),
        "target_3": event(EventType.TARGET_3_HIT, price=third, reason=ExitReason.TARGET_3, **closed),
        "break_even": event(EventType.STOP_MOVED, stop=plan.entry, stop_kind=StopKind.BREAK_EVEN),
        "lock": event(EventType.STOP_MOVED, stop=first, stop_kind=StopKind.TP1_LOCK),
        "trail": event(EventType.STOP_MOVED, stop=second, stop_kind=StopKind.TRAIL),
        "rebased": event(EventType.REBASED, factor=0.25),
        "structure_broken": event(EventType.STRUCTURE_BROKEN, price=plan.invalidation),
        "trail_hit": event(EventType.TRAIL_HIT, price=second, reason=ExitReason.TRAIL, **closed),
        "stopped": event(EventType.STOPPED, price=plan.stop, reason=ExitReason.STOP, **lost),
        "stopped_even": event(EventType.STOPPED, price=plan.entry, reason=ExitReason.BREAK_EVEN, **closed),
        "stopped_lock": event(EventType.STOPPED, price=first, reason=ExitReason.TP1_LOCK, **closed),
        "invalidated": event(
            EventType.INVALIDATED, price=plan.invalidation, reason=ExitReason.STRUCTURE, **lost
        ),
        "time": event(EventType.EXPIRED, price=plan.entry, reason=ExitReason.TIME, **closed),
        "no_data": event(EventType.EXPIRED, price=plan.entry, reason=ExitReason.NO_DATA, **closed),
        "no_data_unfilled": event(EventType.EXPIRED, reason=ExitReason.NO_DATA),
        "missed": event(EventType.EXPIRED, price=first, reason=ExitReason.MISSED),
        "no_entry": event(EventType.EXPIRED, reason=ExitReason.NO_ENTRY),
    }


def announced(told: Signal) -> Letter:
    """The letter that announces a signal."""
    return Letter(f"{told.signal_id}/1", EffectKind.ANNOUNCE, told, (event(EventType.CREATED),))


def followed(told: Signal, events: Sequence[Event], seq: int = 3) -> Letter:
    """The letter that tells of what happened to a signal since."""
    return Letter(f"{told.signal_id}/{seq}", EffectKind.FOLLOW_UP, told, tuple(events))


def text(message: Message) -> str:
    """Everything that a message says, a line each."""
    fields = [f"{field.name}: {plain(line)}" for field in message.fields for line in field.lines]
    return "\n".join([message.title, *(plain(line) for line in message.lines), *fields, message.footer])
