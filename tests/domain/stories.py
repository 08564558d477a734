"""Small signals and bars to tell stories with, their mirror images, and a way to play them."""

import datetime as dt
from dataclasses import dataclass, field, replace

from crypto_signals.domain.bars import Bar
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.lifecycle import step
from crypto_signals.domain.signals import Plan, Signal
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, Family

SIGNAL_BAR = dt.datetime(2018, 3, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
CENTRE = 100.0

LONG = Plan(direction=Direction.LONG, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0))
Ohlc = tuple[float, float, float, float]
Trails = dict[int, float | None]


def at(index: int) -> dt.datetime:
    """The opening time of bar ``index`` after the signal bar."""
    return SIGNAL_BAR + (index + 1) * DAY


def bar(index: int, ohlc: Ohlc) -> Bar:
    return Bar(at(index), *ohlc, volume=1000.0)


def signal(plan: Plan = LONG, **changes: object) -> Signal:
    """An announced signal; ``changes`` override any of its fields."""
    told = Signal(
        signal_id="5c5d1c1e-0000-5000-8000-000000000000",
        symbol="BTC/USD",
        asset_class=AssetClass.CRYPTO,
        timeframe=Timeframe("1Day"),
        strategy="default",
        strategy_version="v",
        run_id="run",
        detector="hammer_bullish",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=SIGNAL_BAR,
        plan=plan,
        valid_until=at(plan.valid_bars),
        created_at=at(0),
        announced_at=at(0),
    )
    return replace(told, **changes)  # type: ignore[arg-type]


def mirrored(plan: Plan) -> Plan:
    """The same trade in a mirror laid through ``CENTRE``."""
    first, second, third = (flip(level) for level in plan.targets)
    return replace(
        plan,
        direction=plan.direction.opposite,
        entry=flip(plan.entry),
        stop=flip(plan.stop),
        targets=(first, second, third),
        invalidation=None if plan.invalidation is None else flip(plan.invalidation),
    )


def flip(price: float) -> float:
    return 2 * CENTRE - price


def flipped_bar(ohlc: Ohlc) -> Ohlc:
    open_, high, low, close = ohlc
    return flip(open_), flip(low), flip(high), flip(close)


def flipped_trails(trails: Trails) -> Trails:
    return {index: None if level is None else flip(level) for index, level in trails.items()}


@dataclass
class Played:
    """A signal after some bars, and the events of each bar."""

    signal: Signal
    by_bar: list[tuple[Event, ...]] = field(default_factory=list)
    stops: list[float | None] = field(default_factory=list)

    @property
    def events(self) -> list[Event]:
        return [event for events in self.by_bar for event in events]

    @property
    def lines(self) -> list[tuple[object, ...]]:
        return [line(event, index) for index, events in enumerate(self.by_bar) for event in events]


def play(start: Signal, bars: list[Ohlc], trails: Trails | None = None) -> Played:
    """Every bar in order through the lifecycle, the first one being the bar after the signal bar."""
    played = Played(start)
    for index, ohlc in enumerate(bars):
        played.signal, events = step(played.signal, bar(index, ohlc), (trails or {}).get(index))
        played.by_bar.append(events)
        played.stops.append(played.signal.progress.stop)
    return played


def line(event: Event, index: int) -> tuple[object, ...]:
    """What the rules say of an event: (what, bar, price, fraction, reason), without what they leave open."""
    assert event.ts == at(index)
    what = event.type.value
    if event.type is EventType.STOP_MOVED:
        return what, index, event.stop, None, str(event.stop_kind)
    if event.type is EventType.STRUCTURE_BROKEN or (event.reason and event.fraction is None):
        return what, index, None, None, event.reason and str(event.reason)
    return what, index, event.price, event.fraction, event.reason and str(event.reason)
