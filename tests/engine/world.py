"""A small market for the tests of this room: bars on disk, detectors that fire where they are told to, a
channel that follows a script, and the main job over all of it, on a real store."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crypto_signals.analysis.catalogue import Catalogue, Detector, detector
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.panel import Series, as_ts64
from crypto_signals.analysis.study import Study
from crypto_signals.domain.events import Effect, Event
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Direction, EffectKind, Family, Role
from crypto_signals.engine.odds import NO_ODDS
from crypto_signals.engine.ports import Letter, Picture, Receipt
from crypto_signals.engine.replay import VirtualClock
from crypto_signals.engine.run import MainJob
from crypto_signals.engine.summary import Summary
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.file_source import FileBars
from crypto_signals.repository.opening import open_store

FIRST_DAY = dt.datetime(2018, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
SETTLE = dt.timedelta(seconds=90)
BTC, ETH, LTC = "BTC/USD", "ETH/USD", "LTC/USD"

Ohlcv = tuple[float, float, float, float, float]
Bars = dict[dt.datetime, Ohlcv]


def day(number: int) -> dt.datetime:
    return FIRST_DAY + number * DAY


def hour(number: int) -> dt.datetime:
    return FIRST_DAY + number * HOUR


def quiet(number: int) -> Ohlcv:
    """A calm bar near 100, unlike the one before it."""
    opened, close = 100 + 0.4 * np.sin(number), 100 + 0.4 * np.sin(number + 1)
    return opened, max(opened, close) + 0.5, min(opened, close) - 0.5, close, 1000.0 + number % 7


def flat(price: float) -> Ohlcv:
    """A bar that hardly leaves ``price``."""
    return price, price + 0.2, price - 0.2, price + 0.1, 1000.0


def bars(
    last: int,
    changed: Mapping[int, Ohlcv] | None = None,
    *,
    missing: Iterable[int] = (),
    first: int = 0,
    at: Callable[[int], dt.datetime] = day,
) -> Bars:
    """Quiet bars from number ``first`` to ``last``, but for those ``changed`` or ``missing``."""
    gone = set(missing)
    return {at(n): (changed or {}).get(n, quiet(n)) for n in range(first, last + 1) if n not in gone}


def sessions(count: int, start: str = "2018-01-02") -> list[dt.datetime]:
    """The stamps of ``count`` exchange sessions."""
    first = dt.datetime.fromisoformat(start).replace(tzinfo=dt.UTC)
    return [MarketCalendar().session_after(AssetClass.EQUITY, first, n) for n in range(count)]


def write(path: Path, market: Mapping[str, Bars]) -> Path:
    rows = [(symbol, ts, *values) for symbol, own in market.items() for ts, values in own.items()]
    symbols, stamps, *values = zip(*rows, strict=True)
    table = {"symbol": pa.array(symbols), "ts": pa.array(stamps, pa.timestamp("us", "UTC"))}
    names = ("open", "high", "low", "close", "volume")
    table |= {name: pa.array(column, pa.float64()) for name, column in zip(names, values, strict=True)}
    pq.write_table(pa.table(table), path)
    return path


Where = Mapping[str, Sequence[dt.datetime]]


def pattern(
    name: str,
    where: Where,
    *,
    direction: Direction = Direction.LONG,
    family: Family = Family.CANDLESTICK,
    role: Role = Role.TRIGGER,
    gates: tuple[str, ...] = (),
    stop: float | None = None,
    targets: tuple[float, float, float] | None = None,
    neckline: float | None = None,
    structure: float | None = None,
    duration: int = 0,
    warm_up: int = 0,
) -> Detector:
    """A detector that fires on the bars named in ``where``, with the levels given.

    By default the stop is 10 below a long (above a short), the targets 10, 20 and 30 from 100.
    """
    side = direction.side

    @detector(
        name,
        family=family,
        direction=direction,
        role=role,
        gates=gates,
        warm_up_bars=warm_up,
        definition="Fires where it is told to.",
        source="the tests",
    )
    def find(study: Study) -> Hits:
        stamps = [as_ts64(ts) for ts in where.get(study.series.symbol, ())]
        index = np.flatnonzero(np.isin(study.series.ts, np.array(stamps, "datetime64[us]")))
        n = len(index)
        own = targets or tuple(100.0 + side * distance for distance in (10, 20, 30))
        return Hits.of(
            index,
            strength=np.full(n, 100.0),
            duration_bars=np.minimum(index, duration),
            anchors=index[:, None],
            anchor_prices=study.series.close[index][:, None],
            labels=("bar",),
            stop=np.full(n, 100.0 - side * 10 if stop is None else stop),
            targets=np.tile(np.array(own), (n, 1)),
            neckline=None if neckline is None else np.full(n, neckline),
            structure=None if structure is None else np.full(n, structure),
        )

    return find


@dataclass(frozen=True)
class Call:
    """One message that the channel was asked to send; ``types`` is empty for an announcement."""

    signal_id: str
    symbol: str
    types: tuple[str, ...]
    may_repeat: bool


@dataclass(frozen=True)
class Lost:
    """The message arrives, and then this happens."""

    error: BaseException


Script = Callable[[Call], BaseException | Lost | None]


@dataclass
class Scripted:
    """A channel that keeps what it was asked (``calls``) and what people saw (``told``).

    ``script`` is a list, one entry a call (then all goes well), or a function of the call.
    """

    script: list[BaseException | Lost | None] | Script = field(default_factory=list)
    name: str = "scripted"
    can_find: bool = False
    can_edit: bool = False
    edits: list[tuple[str, str]] = field(default_factory=list)
    edit_script: list[BaseException | None] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    arrived: dict[str, Receipt] = field(default_factory=dict)
    searches: list[str] = field(default_factory=list)
    search_script: list[BaseException | None] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    told: list[Call] = field(default_factory=list)
    on_call: Callable[[], None] = lambda: None
    on_edit: Callable[[], None] = lambda: None

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:  # noqa: ARG002
        signal = letter.signal
        announces = letter.kind is EffectKind.ANNOUNCE
        types = () if announces else tuple(event.type.value for event in letter.events)
        if letter.kind is EffectKind.NOTE:
            types = ("note", *types)
        call = Call(signal.signal_id, signal.symbol, types, may_repeat)
        self.keys.append(letter.key)
        return self._call(call)

    def find(self, letter: Letter) -> Receipt | None:
        """Where the message is, for a channel that can be asked."""
        self.searches.append(letter.key)
        trouble = self.search_script.pop(0) if self.search_script else None
        if trouble is not None:
            raise trouble
        return self.arrived.get(letter.key) if self.can_find else None

    def edit(self, letter: Letter, message_id: str) -> None:
        """Keeps which message was asked to show the state after which event."""
        assert letter.kind is EffectKind.CARD
        self.edits.append((message_id, letter.events[-1].type.value))
        self.on_edit()
        trouble = self.edit_script.pop(0) if self.edit_script else None
        if trouble is not None:
            raise trouble

    def check(self) -> str:
        return "ready"

    def close(self) -> None:
        pass

    def _call(self, call: Call) -> Receipt:
        self.calls.append(call)
        self.on_call()
        trouble = self._next(call)
        if isinstance(trouble, BaseException):
            raise trouble
        self.told.append(call)
        receipt = Receipt(f"message {len(self.told)}", f"thread {call.signal_id[:4]}")
        self.arrived[self.keys[-1]] = receipt
        if isinstance(trouble, Lost):
            raise trouble.error
        return receipt

    def _next(self, call: Call) -> BaseException | Lost | None:
        if callable(self.script):
            return self.script(call)
        return self.script.pop(0) if self.script else None


@dataclass
class Waits:
    """A `Patience` that waits in virtual time: ``budget`` seconds in all."""

    budget: float = 1e9
    stopping: bool = False
    waits: list[float] = field(default_factory=list)
    clock: VirtualClock | None = None

    def wait(self, seconds: float) -> bool:
        if self.stopping or seconds > self.budget:
            return False
        self.budget -= seconds
        self.waits.append(seconds)
        if self.clock is not None:
            self.clock.set(self.clock.now() + dt.timedelta(seconds=seconds))
        return True


def no_picture(_signal: Signal, _series: Series, _events: Sequence[Event]) -> bytes:
    return b"picture"


class World:
    """The main job over ``market``; ``market`` and ``detectors`` may be changed between runs."""

    def __init__(
        self,
        folder: Path,
        market: Mapping[str, Bars],
        *detectors: Detector,
        strategy: Strategy | None = None,
        channel: Scripted | None = None,
    ) -> None:
        self.folder, self.market, self.detectors = folder, dict(market), detectors
        self.strategy = strategy or Strategy(name="test")
        self.channel = channel or Scripted()
        self.clock = VirtualClock(FIRST_DAY)
        self.patience = Waits()
        self.symbols: tuple[str, ...] | None = None
        self.calendar = MarketCalendar()
        self.store = open_store(f"sqlite:///{folder / 'sentinel.db'}")
        self.store.acquire("test", 3600)
        self.odds = NO_ODDS
        self._written: tuple[int, Path] | None = None

    def job(self) -> MainJob:
        path = write(self.folder / "bars.parquet", self.market)
        return MainJob(
            strategies=(self.strategy,),
            catalogue=Catalogue(self.detectors),
            source=FileBars([path], self.calendar, self.symbols or tuple(self.market)),
            store=self.store,
            channels=dict.fromkeys(AssetClass, self.channel),
            calendar=self.calendar,
            clock=self.clock,
            patience=self.patience,
            draw=no_picture,
            settle=SETTLE,
            config_hash="test",
            odds=self.odds,
        )

    def run(self, at: dt.datetime) -> Summary:
        self.clock.set(at)
        return self.job().run()

    def after(self, number: int) -> Summary:
        """One run when the crypto bar of that day has become known."""
        return self.run(day(number + 1) + dt.timedelta(seconds=60))

    def after_hour(self, number: int) -> Summary:
        return self.run(hour(number + 1) + dt.timedelta(seconds=60))

    def after_session(self, ts: dt.datetime) -> Summary:
        return self.run(ts + dt.timedelta(hours=23))

    def each(self, first: int, last: int) -> list[Summary]:
        return [self.after(number) for number in range(first, last + 1)]

    def signals(self) -> list[Signal]:
        return self.store.signals()

    @property
    def opened(self) -> list[Signal]:
        return [signal for signal in self.signals() if not signal.is_shadow]

    @property
    def shadows(self) -> list[Signal]:
        return [signal for signal in self.signals() if signal.is_shadow]

    def only(self) -> Signal:
        (signal,) = self.signals()
        return signal

    def effects(self, signal_id: str) -> tuple[Effect, ...]:
        return self.store.signal(signal_id)[2]

    def events(self, signal_id: str) -> tuple[Event, ...]:
        return self.store.signal(signal_id)[1]


def refusals(signal: Signal) -> list[str]:
    return [gate.gate for gate in signal.failed_gates]


def market_truth(signal: Signal) -> tuple[object, ...]:
    """What depends on bars and strategy alone."""
    return (
        signal.signal_id,
        signal.plan,
        signal.conviction,
        signal.gates,
        signal.confirmed_by,
        signal.context,
        signal.anchors,
        dict(signal.confluence),
        signal.valid_until,
        signal.progress,
    )
