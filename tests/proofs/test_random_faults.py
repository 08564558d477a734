"""Eight days of real bars under random faults of both services, from a seed, through the real clients.

The main job runs in process, with the clients, the store and the relay that a user has, over the stand-ins;
only waiting takes no time. However the days went, once the world has healed and the program is at rest, the
market's side is that of days without a fault, and people know all that they could be told in time.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from rich.console import Console

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.app.bars import bar_source
from crypto_signals.app.channels import channels
from crypto_signals.config import Settings
from crypto_signals.domain.errors import NoBars
from crypto_signals.domain.events import EventType
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine import run
from crypto_signals.engine.ports import Story
from crypto_signals.engine.run import MainJob
from crypto_signals.market.calendars import MarketCalendar
from e2e.rehearsing import Script, real_bars, stamp
from engine.world import market_truth, no_picture
from simulator.simulator_fixtures import DiscordSimulator, running_simulator

from .canaries import CANARIES
from .lives import KINDS, Kind
from .memory import Memory
from .outside import SETTLE, Clock, Endurance
from .process_runs import LEASE_S, NEXT_RUN
from .told import Verdict, judge

Record = Callable[[str, object], None]

COINS = ("ADA/USD", "BCH/USD", "ETH/USD", "LTC/USD")
STOCKS = ("AGQ", "CLX", "DELL", "GLD", "NEM", "SNPS")
WEEK = Script(dt.date(2018, 12, 19), 8)
MONTH = Script(dt.date(2018, 12, 5), 30)
RUNS_TO_REST = 8
BUDGET_S = 540.0
RATES = {"alpaca": 0.6, "discord": 0.35}
FAULTS = ("429", "500", "502", "503", "reset_before", "reset_after", "half_body", "not_json", "slow")
"""What takes long or comes late is told of in virtual time, where the crashes are."""


@dataclass(frozen=True)
class Days:
    """What some days left: the stories, what people read, what struck, and how many runs had no bars."""

    stories: Sequence[Story]
    threads: Sequence[dict[str, Any]]
    struck: Counter[str]
    without_bars: int


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiscordSimulator]:
    with running_simulator(bars=real_bars(tmp_path_factory.mktemp("bars"))) as simulator:
        yield simulator


def settings(simulator: DiscordSimulator, kind: Kind, home: Path) -> Settings:
    given = {
        "SENTINEL_HOME": str(home),
        "ALPACA_DATA_URL": simulator.alpaca_data_url,
        "ALPACA_API_KEY": "key",
        "ALPACA_SECRET_KEY": "secret",
        "CRYPTO_SYMBOLS": ",".join(COINS),
        "EQUITY_SYMBOLS": ",".join(STOCKS),
        **kind.settings(simulator),
    }
    return Settings(_env_file=None, **{name.lower(): value for name, value in given.items()})


class Program:
    """The program, started again and again on one store."""

    def __init__(self, simulator: DiscordSimulator, kind: Kind, home: Path) -> None:
        self.simulator, self.settings = simulator, settings(simulator, kind, home)
        self.clock = Clock(dt.datetime(2018, 1, 1, tzinfo=dt.UTC))
        self.memory = Memory(self.clock.now)
        self.without_bars = 0

    def run(self, now: dt.datetime) -> None:
        self.clock.time = max(self.clock.time, now)
        self.simulator.clock(stamp(self.clock.time))
        with ExitStack() as stack:
            store = self.memory.open()
            stack.callback(store.close)
            store.acquire("one", LEASE_S)
            stack.callback(store.release)
            patience = Endurance(self.clock, store, BUDGET_S)
            source = bar_source(self.settings, MarketCalendar(), patience, cached=True)
            stack.callback(source.close)
            told = channels(self.settings, Console(quiet=True), patience)
            for channel in told.values():
                stack.callback(channel.close)
            job = MainJob(
                strategies=(Strategy(name="default"),),
                catalogue=CATALOGUE,
                source=source,
                store=store,
                channels=told,
                calendar=MarketCalendar(),
                clock=self.clock,
                patience=patience,
                draw=no_picture,
                settle=SETTLE,
                config_hash="proof",
            )
            try:
                job.run()
            except NoBars:
                self.without_bars += 1

    def stories(self) -> list[Story]:
        """All that is stored."""
        store = self.memory.open()
        try:
            return [Story(*store.signal(signal.signal_id)) for signal in store.signals()]
        finally:
            store.close()

    def rest(self) -> None:
        """The world has healed: a few more runs."""
        self.simulator.clear_faults()
        for _ in range(RUNS_TO_REST):
            self.run(self.clock.time + NEXT_RUN)
            if self.memory.at_rest():
                return


def lived(simulator: DiscordSimulator, script: Script, kind: Kind, home: Path, seed: int | None) -> Days:
    """The days of a script; without a seed nothing fails."""
    simulator.reset()
    simulator.limits(webhook=None, channel=None, bot=None, bot_total=None, alpaca=None)
    program = Program(simulator, kind, home)
    program.run(dt.datetime.combine(script.eve, dt.time(0, 5), dt.UTC))
    if seed is not None:
        even = {service: dict.fromkeys(FAULTS, rate / len(FAULTS)) for service, rate in RATES.items()}
        simulator.random_faults(
            [
                {"seed": seed, "service": service, "rates": rates, "seconds": 0.02}
                for service, rates in even.items()
            ]
        )
    for moment in script.moments():
        program.run(moment)
    struck = Counter(
        {
            f"{service} {name}": times
            for service, of in simulator.struck().items()
            for name, times in of.items()
        }
    )
    program.rest()
    return Days(program.stories(), simulator.threads(), struck, program.without_bars)


def truth(days: Days) -> dict[str, tuple[object, ...]]:
    return {story.signal.signal_id: market_truth(story.signal) for story in days.stories}


def told(story: Story) -> list[tuple[object, ...]]:
    """What happened to a signal, without when it was told."""
    return [
        (event.type, event.ts, event.price, event.stop, event.reason, event.result_r)
        for event in story.events
        if event.type not in {EventType.CREATED, EventType.ANNOUNCED, EventType.CANCELLED}
    ]


def assert_as_without_faults(days: Days, fine: Days, kind: Kind) -> Verdict:
    verdict = judge(days.stories, days.threads, can_find=kind.can_find)
    assert verdict.faults == []
    assert truth(days) == truth(fine)
    expected = {story.signal.signal_id: story for story in fine.stories}
    for story in days.stories:
        undisturbed = expected[story.signal.signal_id]
        assert told(story) == told(undisturbed)
        assert story.signal.status == undisturbed.signal.status or story.signal.cancelled_at is not None
    return verdict


def holds(
    services: DiscordSimulator, script: Script, seeds: Sequence[int], folder: Path, record: Record
) -> Counter[str]:
    """All seeds, on each kind of channel in turn; gives what was met."""
    fine = lived(services, script, KINDS[0], folder / "fine", None)
    assert judge(fine.stories, fine.threads, can_find=False).faults == []
    met = Counter[str]()
    for seed in seeds:
        kind = KINDS[seed % len(KINDS)]
        days = lived(services, script, kind, folder / str(seed), seed)
        verdict = assert_as_without_faults(days, fine, kind)
        met += days.struck
        met["runs without bars"] += days.without_bars
        met["cancelled"] += verdict.cancelled
        met["repeats"] += verdict.repeats
    record("sheet", dict(met))
    print(dict(met))
    return met


class Half:
    """Ten of the seeds: as classes of their own, so that two processes can share them."""

    seeds: ClassVar[range]

    @pytest.mark.proof
    @pytest.mark.timeout(900)
    def test_a_bad_week_ends_as_a_fine_one(
        self, services: DiscordSimulator, tmp_path: Path, record_property: Record
    ) -> None:
        """Ten bad weeks; every kind of fault was met on both services."""
        met = holds(services, WEEK, self.seeds, tmp_path, record_property)
        assert {f"{service} {name}" for name in FAULTS for service in RATES} <= met.keys()


class TestFirstTen(Half):
    seeds = range(10)


class TestSecondTen(Half):
    seeds = range(10, 20)


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_a_bad_month_ends_as_a_fine_one(
    services: DiscordSimulator, tmp_path: Path, record_property: Record
) -> None:
    """20 seeds of thirty days."""
    met = holds(services, MONTH, range(100, 120), tmp_path, record_property)
    assert {f"{service} {name}" for name in FAULTS for service in RATES} <= met.keys()


@pytest.mark.proof
@pytest.mark.parametrize("name", ["what is in doubt is let go"])
def test_a_broken_relay_is_caught(
    name: str, services: DiscordSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relay that gives up on what is in doubt does not get through a bad week."""
    monkeypatch.setattr(run, "Relay", CANARIES[name])
    days = lived(services, WEEK, KINDS[0], tmp_path, 0)
    assert judge(days.stories, days.threads, can_find=False).faults != []
