"""A store with signals in it, and a relay that delivers what they owe."""

import datetime as dt
from dataclasses import dataclass, field

from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import Effect, Event, EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import apply, owed, step
from crypto_signals.domain.signals import Plan, Signal, signal_id
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, EffectStatus, Family
from crypto_signals.engine.deliver import Relay
from crypto_signals.engine.ports import Saved
from crypto_signals.engine.replay import VirtualClock
from crypto_signals.engine.summary import Summary
from crypto_signals.repository.sql import SqlStore

from .world import BTC, DAY, SETTLE, Lost, Script, Scripted, Waits, day

D = 10
KNOWN = day(D + 1) + dt.timedelta(seconds=60)
PLAN = Plan(direction=Direction.LONG, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0))
ENTRY, TP1, TP2, STOP = (
    (100.0, 101.0, 99.0, 100.5),
    (100.0, 112.0, 99.5, 111.0),
    (111.0, 122.0, 110.5, 121.0),
    (89.0, 89.5, 88.0, 88.5),
)
OWED, CLAIMED, UNKNOWN, DONE, DEAD, SUPERSEDED = (
    EffectStatus.OWED,
    EffectStatus.CLAIMED,
    EffectStatus.UNKNOWN,
    EffectStatus.DONE,
    EffectStatus.DEAD,
    EffectStatus.SUPERSEDED,
)


@dataclass
class Desk:
    """A store with signals in it, and a relay with the parts of one run."""

    store: SqlStore
    channel: Scripted = field(default_factory=Scripted)
    stocks: Scripted = field(default_factory=lambda: Scripted(name="stocks"))
    patience: Waits = field(default_factory=Waits)
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(KNOWN))

    def open(self, symbol: str = BTC, *, valid_bars: int = 5) -> str:
        kind = AssetClass.CRYPTO if "/" in symbol else AssetClass.EQUITY
        timeframe = Timeframe("1Day")
        signal = Signal(
            signal_id=signal_id("test", symbol, timeframe, day(D), "hit", Direction.LONG),
            symbol=symbol,
            asset_class=kind,
            timeframe=timeframe,
            strategy="test",
            strategy_version="v",
            run_id="run",
            detector="hit",
            family=Family.CANDLESTICK,
            conviction=Conviction.NORMAL,
            bar_ts=day(D),
            plan=PLAN,
            valid_until=day(D + 1 + valid_bars),
            created_at=self.clock.now(),
        )
        created = Event(type=EventType.CREATED, ts=self.clock.now())
        signal = apply(signal, created)
        self.store.commit([Saved(signal, 0, (created,), owed(signal, (created,)))])
        return signal.signal_id

    def advance(self, which: str, *bars_: tuple[float, float, float, float]) -> None:
        """The market goes on; each bar is its own commit, as each day's run would make it."""
        for ohlc in bars_:
            signal, _, _ = self.store.signal(which)
            seen = signal.revision
            ts = (signal.progress.last_ts or signal.bar_ts) + DAY
            signal, events = step(signal, Bar(ts, *ohlc, volume=1000.0), None)
            self.store.commit([Saved(signal, seen, events, owed(signal, events))])

    def deliver(self, script: list[BaseException | Lost | None] | Script | None = None) -> Summary:
        if script is not None:
            self.channel.script = script
        summary = Summary()
        channels = {AssetClass.CRYPTO: self.channel, AssetClass.EQUITY: self.stocks}
        relay = Relay(self.store, channels, self.clock, self.patience, SETTLE)
        relay.deliver(lambda _signal, _events: lambda: None, summary)
        return summary

    def signal(self, which: str) -> Signal:
        return self.store.signal(which)[0]

    def effects(self, which: str) -> tuple[Effect, ...]:
        return self.store.signal(which)[2]

    def statuses(self, which: str) -> list[EffectStatus]:
        return [effect.status for effect in self.effects(which)]

    def later(self, **span: float) -> None:
        self.clock.set(self.clock.now() + dt.timedelta(**span))
