"""The main job with the configured services."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console

from crypto_signals.analysis.panel import Series
from crypto_signals.app.bars import bar_source
from crypto_signals.app.channels import channels, notices
from crypto_signals.app.odds import odds
from crypto_signals.app.rules import own_detectors, strategies_of
from crypto_signals.app.stores import configured, keeper, leased
from crypto_signals.config import Configuration, Settings
from crypto_signals.domain.events import Event
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.ports import SourceError, Watcher
from crypto_signals.engine.replay import VirtualClock
from crypto_signals.engine.run import MainJob
from crypto_signals.engine.watching import UNWATCHED
from crypto_signals.home import held
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.plugins import Fault
from crypto_signals.process import RunBudget, SystemClock, heartbeat


def now(settings: Settings) -> datetime:
    """The program's time: the clock's, or the one that SENTINEL_NOW stands at."""
    return settings.sentinel_now or datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class LiveJob(MainJob):
    """The main job, whose summary also names the user's own detectors that are not, or no longer, used."""

    faults: Sequence[Fault] = ()

    def _late_errors(self) -> Sequence[SourceError]:
        return [SourceError(fault.symbol, f"detector {fault.detector}", fault.what) for fault in self.faults]


@contextmanager
def live_job(
    configuration: Configuration,
    console: Console,
    watcher: Watcher = UNWATCHED,
    *,
    budget: RunBudget | None = None,
    home: Path | None = None,
) -> Iterator[tuple[MainJob, RunBudget]]:
    """The main job with the configured services, holding the state folder while the block lasts, unless the
    caller holds it and names it as ``home``."""
    settings, calendar = configuration.settings, MarketCalendar()
    with ExitStack() as stack:
        known = stack.enter_context(own_detectors(configuration))
        strategies = strategies_of(configuration, known)
        home = home or stack.enter_context(held(settings.sentinel_home))
        budget = budget or RunBudget(settings.run_budget_seconds)
        source = bar_source(settings, calendar, budget, cached=True)
        stack.callback(source.close)
        store = configured(settings)
        stack.callback(store.close)
        stack.enter_context(leased(store, home, settings.lease_seconds))
        stack.enter_context(heartbeat(store.renew, settings.lease_seconds / 4, budget))
        told = channels(settings, console, budget)
        for channel in told.values():
            stack.callback(channel.close)
        boards = notices(settings, configuration.messages, told, budget)
        for board in (boards.system, boards.shadows):
            if board is not None:
                stack.callback(board.close)
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
                keeper=keeper(settings, store, budget),
                watcher=watcher,
                notices=boards,
                odds=odds(settings),
                faults=known.faults,
            ),
            budget,
        )


def draw(signal: Signal, series: Series, events: Sequence[Event], *, dark: bool = True) -> bytes:
    """A signal's chart, on Discord's dark ground or a light one, drawn by a library that is loaded only when
    one is owed."""
    from crypto_signals.pictures.chart import signal_chart  # noqa: PLC0415 - loads matplotlib

    return signal_chart(signal, series, events=events, dark=dark)
