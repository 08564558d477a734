"""Stories of closed signals to keep."""

import datetime as dt
from dataclasses import replace

from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.signals import Fill, GateResult, Plan, Progress, Signal
from crypto_signals.domain.vocabulary import (
    AssetClass,
    Conviction,
    Direction,
    ExitReason,
    Family,
    Status,
)
from crypto_signals.engine.ports import Story

FIRST = dt.datetime(2018, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
PLAN = Plan(direction=Direction.LONG, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0), cost_rate=0.0025)
VOLUME = GateResult("volume", passed=False, value=1.1, limit=1.5)
SLOT = GateResult("slot", passed=False, detail="one is open")
PASSED = GateResult("rsi", passed=True, value=55.0, limit=70.0)


def story(
    number: int,
    result_r: float | None = -1.0,
    *,
    ended: int = 3,
    gates: tuple[GateResult, ...] = (PASSED,),
    evidence: Evidence | None = None,
    **changes: object,
) -> Story:
    """Signal ``number``, entered and ended ``ended`` days after the first with ``result_r``; without a result
    it was missed. It hit target 1 where the result is a gain, and was told unless one of ``gates`` failed."""
    bar_ts, end = FIRST + DAY, FIRST + ended * DAY
    told = None if any(not gate.passed for gate in gates) else end - DAY
    signal = Signal(
        signal_id=f"id-{number:03}",
        symbol="BTC/USD",
        asset_class=AssetClass.CRYPTO,
        timeframe=Timeframe("1Day"),
        strategy="test",
        strategy_version="v1",
        run_id="run",
        detector="hammer",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=bar_ts,
        plan=PLAN,
        valid_until=bar_ts + DAY,
        created_at=bar_ts + DAY,
        gates=gates,
        evidence=evidence,
        announced_at=told,
        progress=_missed(end) if result_r is None else _traded(end, result_r),
    )
    signal = replace(signal, **changes)  # type: ignore[arg-type]
    return Story(signal, _events(signal), ())


def _missed(end: dt.datetime) -> Progress:
    return Progress(status=Status.EXPIRED, bars_seen=1, closed_at=end, exit_reason=ExitReason.MISSED)


def _traded(end: dt.datetime, result_r: float) -> Progress:
    gained = result_r > 0
    return Progress(
        status=Status.TP3_HIT if gained else Status.STOPPED,
        bars_seen=2,
        entry_ts=end - DAY,
        entry_fill=100.5,
        entry_bar=1,
        targets_hit=3 if gained else 0,
        fills=(Fill(end, 110.0, 0.5), Fill(end, 130.0, 0.5)) if gained else (Fill(end, 90.0, 1.0),),
        closed_at=end,
        exit_reason=ExitReason.TARGET_3 if gained else ExitReason.STOP,
        result_r=result_r,
        fees_r=0.05,
    )


def _events(signal: Signal) -> tuple[Event, ...]:
    progress = signal.progress
    assert progress.closed_at is not None
    created = Event(type=EventType.CREATED, ts=signal.created_at)
    if progress.entry_ts is None:
        return created, Event(type=EventType.EXPIRED, ts=progress.closed_at, reason=ExitReason.MISSED)
    entered = Event(type=EventType.ENTERED, ts=progress.entry_ts, price=progress.entry_fill, fraction=1.0)
    last = EventType.TARGET_3_HIT if progress.targets_hit else EventType.STOPPED
    price = progress.fills[-1].price
    ended = Event(type=last, ts=progress.closed_at, price=price, result_r=progress.result_r, fees_r=0.05)
    return created, entered, ended
