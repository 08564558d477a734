"""What it costs to remember: a run over many open signals, and events beside the disk's own limit."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.timing import Bar
from crypto_signals.analysis.catalogue import CATALOGUE, Catalogue
from crypto_signals.analysis.panel import Panel, Series
from crypto_signals.domain.bars import Bar as MarketBar
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.lifecycle import apply, owed, step
from crypto_signals.domain.signals import Plan, Signal, signal_id
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Direction, Family
from crypto_signals.engine.ports import History, Letter, Picture, Receipt, Saved, Wanted, Watermark
from crypto_signals.engine.replay import VirtualClock
from crypto_signals.engine.run import MainJob
from crypto_signals.engine.summary import Summary
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.process import RunBudget
from crypto_signals.repository.opening import open_store

OPEN, MOVING, HISTORY = 1000, 50, 520
DAY = timedelta(days=1)
FIRST = datetime(2024, 1, 1, tzinfo=UTC)
LAST = FIRST + (HISTORY - 1) * DAY
PLAN = Plan(direction=Direction.LONG, entry=100.0, stop=90.0, targets=(110.0, 120.0, 130.0))
COMMITS = 200


class Market:
    """Quiet bars; the last one of the first ``MOVING`` symbols reaches target 1."""

    def __init__(self) -> None:
        stamps = np.datetime64(FIRST.replace(tzinfo=None), "us") + np.arange(HISTORY) * np.timedelta64(1, "D")
        rng = np.random.default_rng(1)
        self._panel = Panel.of(self._series(number, stamps, rng) for number in range(OPEN))

    @staticmethod
    def _series(number: int, stamps: np.ndarray, rng: np.random.Generator) -> Series:
        close = 100 + np.cumsum(rng.normal(0, 0.02, HISTORY))
        opened = close + rng.normal(0, 0.02, HISTORY)
        high, low = np.maximum(opened, close) + 0.05, np.minimum(opened, close) - 0.05
        if number < MOVING:
            high[-1] = 111.0
        return Series.of(symbol(number), stamps, (opened, high, low, close), rng.lognormal(10, 1, HISTORY))

    def instruments(self) -> list[Instrument]:
        return [Instrument.of(name) for name in self._panel.symbols]

    def history(self, wanted: list[Wanted], timeframe: Timeframe, now: datetime) -> History:  # noqa: ARG002
        return History(self._panel)

    def close(self) -> None:
        """Nothing is held open."""


class Quick:
    """A channel that takes everything at once."""

    name, can_find, can_edit = "quick", False, True

    def post(self, letter: Letter, picture: Picture, *, may_repeat: bool) -> Receipt:  # noqa: ARG002
        return Receipt(letter.key, "1")

    def edit(self, letter: Letter, message_id: str) -> None:
        """Shown at once."""

    def find(self, letter: Letter) -> Receipt | None:  # noqa: ARG002
        return None

    def check(self) -> str:
        return "ready"

    def close(self) -> None:
        """Nothing is held open."""


def symbol(number: int) -> str:
    return f"S{number:04}/USD"


def opened(number: int) -> tuple[Signal, tuple[Event, ...]]:
    """An announced signal that was entered on the bar before the last."""
    timeframe, name = Timeframe("1Day"), symbol(number)
    bar_ts = LAST - 2 * DAY
    signal = Signal(
        signal_id=signal_id("bench", name, timeframe, bar_ts, "hit", Direction.LONG),
        symbol=name,
        asset_class=AssetClass.CRYPTO,
        timeframe=timeframe,
        strategy="bench",
        strategy_version="1",
        run_id="before",
        detector="hit",
        family=Family.CANDLESTICK,
        conviction=Conviction.NORMAL,
        bar_ts=bar_ts,
        plan=PLAN,
        valid_until=LAST,
        created_at=LAST,
    )
    told = (
        Event(type=EventType.CREATED, ts=LAST),
        Event(type=EventType.ANNOUNCED, ts=LAST, thread_id="1"),
    )
    for event in told:
        signal = apply(signal, event)
    signal, entered = step(signal, MarketBar(LAST - DAY, 100.0, 101.0, 99.0, 100.0, 1000.0), None)
    return signal, (*told, *entered)


def run_of_open_signals(folder: Path) -> Iterator[Bar]:
    """One run of the main job, without and with the search for new setups."""
    for catalogue, words, promised in (
        (Catalogue(()), f"a run with {OPEN} open signals and {MOVING} that move, SQLite", 2.0),
        (CATALOGUE, "    the same, with the search for new setups on all of them", None),
    ):
        spent, summary = min((_run(folder, catalogue, n) for n in range(2)), key=lambda tried: tried[0])
        said = f"< {promised:.0f} s" if promised else "-"
        yield Bar(
            f"{words} ({summary.follow_ups} told)", f"{spent:.2f} s", said, not promised or spent < promised
        )


def _run(folder: Path, catalogue: Catalogue, number: int) -> tuple[float, Summary]:
    strategy, clock = Strategy(name="bench"), VirtualClock(LAST + DAY + timedelta(minutes=1))
    store = open_store(f"sqlite:///{folder / f'open-{len(catalogue)}-{number}.db'}")
    store.acquire("bench", 3600)
    saves = [
        Saved(signal, 0, events, owed(signal, events)[:0]) for signal, events in map(opened, range(OPEN))
    ]
    marks = [Watermark(symbol(n), FIRST, LAST - DAY) for n in range(OPEN)]
    store.commit(saves, strategy.name, strategy.timeframe, marks)
    job = MainJob(
        strategies=(strategy,),
        catalogue=catalogue,
        source=Market(),
        store=store,
        channels=dict.fromkeys(AssetClass, Quick()),
        calendar=MarketCalendar(),
        clock=clock,
        patience=RunBudget(60),
        draw=lambda *_: b"",
        settle=timedelta(0),
        config_hash="bench",
    )
    start = time.perf_counter()
    summary = job.run()
    spent = time.perf_counter() - start
    store.close()
    return spent, summary


def appended_events(folder: Path) -> Iterator[Bar]:
    """Events stored one commit each, and many in one, beside what the disk can sync in the same seconds."""
    synced = _syncs(folder / "raw", COMMITS)
    store = open_store(f"sqlite:///{folder / 'events.db'}")
    store.acquire("bench", 3600)
    signals = [opened(number) for number in range(COMMITS)]
    start = time.perf_counter()
    for signal, events in signals:
        store.commit([Saved(signal, 0, events)])
    each = time.perf_counter() - start
    many = [Saved(signal, 0, events) for signal, events in map(opened, range(COMMITS, 5 * COMMITS))]
    start = time.perf_counter()
    store.commit(many)
    once = time.perf_counter() - start
    store.close()
    per_signal = len(signals[0][1])
    yield Bar(
        f"events appended a second, a commit for each {per_signal}",
        f"{COMMITS * per_signal / each:,.0f}",
        "-",
        True,
        f"the disk alone: {synced:,.0f} synced writes a second, {COMMITS / each:,.0f} commits here",
    )
    yield Bar("    the disk's own limit: synced writes a second", f"{synced:,.0f}", "-", True)
    yield Bar("    and all in one commit", f"{len(many) * per_signal / once:,.0f}", "-", True)


def _syncs(path: Path, count: int) -> float:
    with path.open("wb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(count):
            file.write(b"x" * 4096)
            os.fsync(file.fileno())
        return count / (time.perf_counter() - start)
