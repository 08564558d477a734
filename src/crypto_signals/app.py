"""Where the parts are chosen from the configuration and put together. The only such place."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path

from rich.console import Console
from sqlalchemy.engine import URL

from crypto_signals.analysis.catalogue import CATALOGUE
from crypto_signals.analysis.panel import Series
from crypto_signals.config import Configuration, Settings, split
from crypto_signals.domain.errors import NoBars, UsageError
from crypto_signals.domain.events import Event
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine import why as engine_why
from crypto_signals.engine.book import Book
from crypto_signals.engine.ports import BarSource, Channel, History, Patience, SourceError, Store, Wanted
from crypto_signals.engine.replay import VirtualClock, closes, start_at
from crypto_signals.engine.run import MainJob
from crypto_signals.engine.sight import Sight
from crypto_signals.engine.why import Explanation
from crypto_signals.home import held, identity
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.notifications.console import ConsoleChannel
from crypto_signals.plugins import Fault, Plugins, plugins
from crypto_signals.process import RunBudget, SystemClock, heartbeat
from crypto_signals.repository.opening import open_store

DEFAULT_CRYPTO = ("BTC/USD", "ETH/USD", "LTC/USD", "SOL/USD", "LINK/USD", "AVAX/USD")
SAMPLE_BARS = Path(__file__).parent / "data"
SAMPLE_FILES = ("crypto_daily.parquet", "equity_daily.parquet")
DEMO_SYMBOLS = ("BTC/USD", "ETH/USD", "LTC/USD", "SPY", "TSLA")
DEMO_LAST_DAY = date(2018, 12, 31)
DEMO_LEASE_S = 3600.0

_THE_BEGINNING = datetime(1900, 1, 1, tzinfo=UTC)
_THE_END = datetime(9999, 1, 1, tzinfo=UTC)


def default_store_url(home: Path) -> URL:
    return URL.create("sqlite", database=str((home / "sentinel.db").absolute()))


def store_url(settings: Settings, home: Path) -> str | URL:
    """The configured address; without one, that of a file in ``home``."""
    return settings.store_url.get_secret_value() if settings.store_url else default_store_url(home)


def store_to_read(settings: Settings) -> tuple[Store, str | None]:
    """The configured store; as long as it holds nothing, the demo's, with a note that says so."""
    home = settings.sentinel_home
    store = open_store(store_url(settings, home))
    demo = home / "demo"
    if settings.store_url or not (demo / "sentinel.db").exists() or store.signals():
        return store, None
    store.close()
    return open_store(default_store_url(demo)), f"no live signal yet: these are the demo's, from {demo}"


def bar_source(settings: Settings, calendar: MarketCalendar, patience: Patience) -> BarSource:
    """Bars from Alpaca, or from the files that ``BARS_URL`` names."""
    kind, _, paths = settings.bars_url.partition(":")
    if kind == "file":
        return _file_bars([Path(path) for path in split(paths)], settings, calendar)
    from crypto_signals.market.alpaca import AlpacaBars  # noqa: PLC0415 - loads the HTTP client
    from crypto_signals.market.alpaca_client import Keys  # noqa: PLC0415

    symbols = (*_chosen(settings.crypto_symbols, DEFAULT_CRYPTO), *_equities(settings, ()))
    key, secret = settings.alpaca_api_key, settings.alpaca_secret_key
    keys = Keys(key.get_secret_value(), secret.get_secret_value()) if key and secret else None
    return AlpacaBars(
        settings.alpaca_data_url,
        calendar,
        symbols,
        keys=keys,
        feed=settings.alpaca_data_feed,
        wait=patience.wait,
    )


def _file_bars(paths: list[Path], settings: Settings, calendar: MarketCalendar) -> BarSource:
    """Without any symbols set, all that the files hold; ``*`` is all of one asset class."""
    from crypto_signals.market.file_source import FileBars  # noqa: PLC0415 - loads pyarrow

    source = FileBars(paths, calendar)
    held_there = source.instruments()
    crypto = tuple(i.symbol for i in held_there if i.asset_class is AssetClass.CRYPTO)
    equity = tuple(i.symbol for i in held_there if i.asset_class is AssetClass.EQUITY)
    nothing_set = settings.crypto_symbols is None and settings.equity_symbols is None
    source.limit_to(
        (
            *_chosen(settings.crypto_symbols, crypto if nothing_set else (), everything=crypto),
            *_equities(settings, equity if nothing_set else (), everything=equity),
        )
    )
    if not source.instruments():
        raise UsageError("CRYPTO_SYMBOLS, EQUITY_SYMBOLS, ENABLE_EQUITIES leave no symbol of the bars files")
    return source


def _chosen(
    setting: str | None, default: tuple[str, ...], everything: tuple[str, ...] = ("*",)
) -> tuple[str, ...]:
    if setting is None:
        return default
    return everything if "*" in split(setting) else split(setting)


def _equities(
    settings: Settings, default: tuple[str, ...], everything: tuple[str, ...] = ("*",)
) -> tuple[str, ...]:
    return _chosen(settings.equity_symbols, default, everything) if settings.enable_equities else ()


def channels(settings: Settings, console: Console, patience: Patience) -> Mapping[AssetClass, Channel]:
    """In test mode everything goes to the test webhook; where none is configured, to the console."""
    from crypto_signals.notifications.discord import DiscordWebhook  # noqa: PLC0415 - loads the HTTP client

    if settings.test_mode:
        urls = dict.fromkeys(AssetClass, settings.test_discord_webhook)
        names = dict.fromkeys(AssetClass, "Discord test webhook")
    else:
        urls = {
            AssetClass.CRYPTO: settings.live_crypto_discord_webhook_url,
            AssetClass.EQUITY: settings.live_stock_discord_webhook_url,
        }
        names = {AssetClass.CRYPTO: "Discord crypto webhook", AssetClass.EQUITY: "Discord stock webhook"}
    made: dict[tuple[str, str], Channel] = {}
    chosen: dict[AssetClass, Channel] = {}
    for kind, url in urls.items():
        if url is None:
            chosen[kind] = made.setdefault(("", ""), ConsoleChannel(console))
        else:
            key = (names[kind], url.get_secret_value())
            chosen[kind] = made.get(key) or made.setdefault(
                key, DiscordWebhook(key[1], key[0], wait=patience.wait)
            )
    return chosen


def own_detectors(configuration: Configuration) -> AbstractContextManager[Plugins]:
    """The catalogue with the user's own detectors, while the block lasts. Raises ``UsageError``."""
    own = configuration.detectors
    return plugins(own.paths, configuration.settings.sentinel_home, own.seconds)


def strategies_of(configuration: Configuration, known: Plugins | None = None) -> tuple[Strategy, ...]:
    """The configured strategies; raises ``UsageError`` for triggers that no detector bears."""
    if known is None:
        with own_detectors(configuration) as found:
            return strategies_of(configuration, found)
    names = (*known.catalogue.names, *known.refused)
    problems = [
        f"strategies.{strategy.name}.triggers: there is no detector {name}"
        f"; the nearest known one is {get_close_matches(name, names, n=1, cutoff=0.0)[0]}"
        for strategy in configuration.strategies
        for name in strategy.triggers or ()
        if name not in names
    ]
    if problems:
        raise UsageError(problems)
    return configuration.strategies


@contextmanager
def leased(store: Store, home: Path, seconds: float) -> Iterator[None]:
    """Holds the right to write to ``store`` while the block lasts. Raises ``LeaseHeld``."""
    store.acquire(identity(home), seconds)
    try:
        yield
    finally:
        store.release()


@dataclass(frozen=True, slots=True)
class LiveJob(MainJob):
    """The main job, whose summary also names the user's own detectors that are not, or no longer, used."""

    faults: Sequence[Fault]

    def _late_errors(self) -> Sequence[SourceError]:
        return [SourceError(fault.symbol, f"detector {fault.detector}", fault.what) for fault in self.faults]


@contextmanager
def live_job(configuration: Configuration, console: Console) -> Iterator[tuple[MainJob, RunBudget]]:
    """The main job with the configured services, holding the state folder while the block lasts."""
    settings, calendar = configuration.settings, MarketCalendar()
    with ExitStack() as stack:
        known = stack.enter_context(own_detectors(configuration))
        strategies = strategies_of(configuration, known)
        home = stack.enter_context(held(settings.sentinel_home))
        budget = RunBudget(settings.run_budget_seconds)
        source = bar_source(settings, calendar, budget)
        stack.callback(source.close)
        store = open_store(store_url(settings, home))
        stack.callback(store.close)
        stack.enter_context(leased(store, home, settings.lease_seconds))
        stack.enter_context(heartbeat(store.renew, settings.lease_seconds / 4, budget))
        told = channels(settings, console, budget)
        for channel in told.values():
            stack.callback(channel.close)
        yield (
            LiveJob(
                strategies=strategies,
                catalogue=known.catalogue,
                source=source,
                store=store,
                channels=told,
                calendar=calendar,
                clock=VirtualClock(settings.sentinel_now) if settings.sentinel_now else SystemClock(),
                patience=budget,
                draw=draw,
                settle=timedelta(seconds=settings.settle_seconds),
                config_hash=configuration.hash,
                faults=known.faults,
            ),
            budget,
        )


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
        store = open_store(default_store_url(folder))
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


def draw(signal: Signal, series: Series, events: Sequence[Event]) -> bytes:
    """A signal's chart, drawn by a library that is loaded only when one is owed."""
    from crypto_signals.pictures.chart import signal_chart  # noqa: PLC0415 - loads matplotlib

    return signal_chart(signal, series, events=events)


def file_history(paths: Sequence[Path], timeframe: str, symbols: Sequence[str] | None = None) -> History:
    """Every bar of the files, all of which count as completed.

    Raises ``UsageError`` for files that cannot be used or hold no valid bar.
    """
    from crypto_signals.market.file_source import FileBars  # noqa: PLC0415 - loads pyarrow

    source = FileBars(paths, MarketCalendar(), symbols)
    wanted = [Wanted(instrument, _THE_BEGINNING) for instrument in source.instruments()]
    try:
        return source.history(wanted, _timeframe(timeframe), _THE_END)
    except NoBars as error:
        raise UsageError(str(error)) from None


def explain(configuration: Configuration, symbol: str, paths: Sequence[Path] | None) -> Explanation:
    """What the first strategy makes of the newest bar of ``symbol``."""
    with own_detectors(configuration) as known:
        return _explained(configuration, known, symbol, paths)


def _explained(
    configuration: Configuration, known: Plugins, symbol: str, paths: Sequence[Path] | None
) -> Explanation:
    strategy, calendar = strategies_of(configuration, known)[0], MarketCalendar()
    instrument, timeframe = Instrument.of(symbol), Timeframe(strategy.timeframe)
    if paths:
        history = file_history(paths, strategy.timeframe, [symbol])
    else:
        now = configuration.settings.sentinel_now or datetime.now(UTC)
        budget = RunBudget(configuration.settings.run_budget_seconds)
        with closing(bar_source(configuration.settings, calendar, budget)) as source:
            history = source.history([Wanted(instrument)], timeframe, now)
    if symbol not in history.panel.symbols:
        reason = f": {history.errors[0].error}" if history.errors else ""
        raise UsageError(f"there are no bars of {symbol}{reason}")
    series = history.panel[symbol]
    known_at = calendar.known_at(instrument.asset_class, timeframe, series.ts)
    sight = Sight(instrument, series, known_at, feed=history.feeds.get(symbol))
    return engine_why.explain(sight, strategy, known.catalogue, calendar, _book_of(configuration, strategy))


def _book_of(configuration: Configuration, strategy: Strategy) -> Book:
    store, _ = store_to_read(configuration.settings)
    with closing(store):
        return Book(strategy, store.book(strategy.name, strategy.timeframe, _THE_BEGINNING))


def _timeframe(name: str) -> Timeframe:
    try:
        return Timeframe(name)
    except ValueError as error:
        raise UsageError(str(error)) from None
