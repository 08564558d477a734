"""The main job over the bundled bars, in virtual time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Series
from crypto_signals.app.live import draw
from crypto_signals.app.stores import leased, opened
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import Channel, Store, Wanted
from crypto_signals.engine.replay import VirtualClock, closes, start_at
from crypto_signals.engine.run import MainJob
from crypto_signals.home import held
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.process import RunBudget

SAMPLE_BARS = Path(__file__).parents[1] / "data"
SAMPLE_FILES = ("crypto_daily.parquet", "equity_daily.parquet")
DEMO_SYMBOLS = ("BTC/USD", "ETH/USD", "LTC/USD", "SPY", "TSLA")
DEMO_LAST_DAY = date(2018, 12, 31)
DEMO_LEASE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Demo:
    """The main job over the bundled bars in virtual time, with its own store."""

    job: MainJob
    clock: VirtualClock
    moments: Sequence[datetime]
    store: Store
    folder: Path
    budget: RunBudget

    def bars(self) -> Mapping[str, Series]:
        """What is known of each symbol at the clock's time, from the anchors of the replay on."""
        strategy = self.job.strategies[0]
        marks = self.store.watermarks(strategy.name, strategy.timeframe)
        wanted = [
            Wanted(i, marks[i.symbol].anchor_ts) for i in self.job.source.instruments() if i.symbol in marks
        ]
        history = self.job.source.history(wanted, Timeframe(strategy.timeframe), self.clock.now())
        return {series.symbol: series for series in history.panel}


@contextmanager
def demo_job(home: Path, days: int, channel: Channel) -> Iterator[Demo]:
    """Starts from an empty store: the demo tells the same story every time."""
    from crypto_signals.market.file_source import FileBars  # noqa: PLC0415 - loads pyarrow

    calendar, strategy = MarketCalendar(), Strategy(name="demo")
    with ExitStack() as stack:
        folder = stack.enter_context(held(home / "demo"))
        for old in folder.glob("sentinel.db*"):
            old.unlink()
        store = opened(None, folder)
        stack.callback(store.close)
        stack.enter_context(leased(store, folder, DEMO_LEASE_S))
        source = FileBars([SAMPLE_BARS / name for name in SAMPLE_FILES], calendar, DEMO_SYMBOLS)
        first = DEMO_LAST_DAY - timedelta(days=days - 1)
        moments = closes(calendar, source.instruments(), first, DEMO_LAST_DAY)
        start_at(store, source, strategy, moments[0])
        clock, budget = VirtualClock(moments[0]), RunBudget(float("inf"))
        job = MainJob(
            strategies=(strategy,),
            catalogue=CATALOGUE,
            source=source,
            store=store,
            channels=dict.fromkeys(AssetClass, channel),
            calendar=calendar,
            clock=clock,
            patience=budget,
            draw=draw,
            settle=timedelta(0),
            config_hash="demo",
        )
        yield Demo(job, clock, moments, store, folder, budget)
