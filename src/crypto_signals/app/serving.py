"""A run at every close, until somebody says stop."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from crypto_signals.app.live import live_job
from crypto_signals.app.watching import Watch, watch
from crypto_signals.config import Configuration, Settings, split
from crypto_signals.domain.errors import LeaseHeld, SentinelError, UsageError
from crypto_signals.domain.instruments import Timeframe
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.ports import Clock, Patience
from crypto_signals.engine.schedule import next_moment
from crypto_signals.engine.summary import Summary
from crypto_signals.home import held
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.process import RunBudget, SystemClock
from crypto_signals.web.server import Page, Pages, serving

if TYPE_CHECKING:
    from crypto_signals.observability.metrics import Metrics

GLANCE_S = 1.0
"""How often the clock is looked at: a machine that slept must not sleep on."""
STUCK = timedelta(minutes=5)

Said = Callable[[str], None]
RunOnce = Callable[[], Summary | None]


@dataclass(slots=True)
class State:
    """What probes are told; written by the loop, read by the server."""

    started_at: datetime | None = None
    last: str | None = None
    is_well: bool = False
    next_at: datetime | None = None


@dataclass(slots=True)
class Loop:
    """Runs at once, to finish what an earlier life left, then at each moment that ``after`` names.

    A run that outlasts the next moments makes up for all of them by one. A run that fails ends nothing.
    """

    run_once: RunOnce
    after: Callable[[datetime], datetime | None]
    clock: Clock
    patience: Patience
    say: Said
    state: State = field(default_factory=State)

    def go_on(self) -> None:
        """Until the patience ends."""
        while not self.patience.stopping:
            began = self.clock.now()
            self._one(began)
            self.state.next_at = self.after(began)
            self._sleep(self.state.next_at)

    def _one(self, began: datetime) -> None:
        self.state.started_at = began
        try:
            summary = self.run_once()
            self.state.is_well = True
            self.state.last = f"run {summary.run_id} ended" if summary else "another instance acts"
        except SentinelError as error:
            self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - whatever it is, the next run may do better
            self._failed(f"{type(error).__name__}: {error}")
        finally:
            self.state.started_at = None

    def _failed(self, what: str) -> None:
        self.state.is_well, self.state.last = False, "the last run failed: see the log"
        self.say(what)

    def _sleep(self, until: datetime | None) -> None:
        while not self.patience.stopping:
            left = GLANCE_S if until is None else (until - self.clock.now()).total_seconds()
            if left <= 0:
                return
            self.patience.wait(min(left, GLANCE_S))


@contextmanager
def serve_job(
    configuration: Configuration, console: Console, say: Said, shown: Callable[[Summary], None]
) -> Iterator[tuple[Loop, RunBudget, str]]:
    """The loop over the main job, the state folder held for life, the pages being served."""
    settings = configuration.settings
    if settings.sentinel_now is not None:
        raise UsageError(
            "SENTINEL_NOW makes the clock stand still, so no bar would ever close: use sentinel run"
        )
    with ExitStack() as stack:
        home = stack.enter_context(held(settings.sentinel_home))
        life = RunBudget(float("inf"))
        watched = watch(configuration, say, served=True)
        run_once = _runs(configuration, console, watched, home, life, shown)
        series, calendar = _watched(configuration), MarketCalendar()
        loop = Loop(run_once, lambda ts: next_moment(calendar, series, ts), SystemClock(), life, say)
        stuck = STUCK + timedelta(seconds=settings.run_budget_seconds)
        url = stack.enter_context(serving(settings.http_bind, pages(loop.state, watched.metrics, stuck)))
        yield loop, life, url


def _runs(
    configuration: Configuration,
    console: Console,
    watched: Watch,
    home: Path,
    life: RunBudget,
    shown: Callable[[Summary], None],
) -> RunOnce:
    def run_once() -> Summary | None:
        budget, started = RunBudget(configuration.settings.run_budget_seconds, within=life), time.monotonic()
        try:
            with (
                watched.run(lambda: life.stopping) as note,
                live_job(configuration, console, watched.watcher, budget=budget, home=home) as (job, _),
            ):
                summary = job.run()
                note(summary)
        except LeaseHeld as holder:
            watched.say(str(holder))
            return None
        summary.duration_s = time.monotonic() - started
        shown(summary)
        return summary

    return run_once


def _watched(configuration: Configuration) -> Sequence[tuple[AssetClass, Timeframe]]:
    """Which kinds of bars the strategies wait for."""
    kinds = _kinds(configuration.settings)
    frames = {strategy.timeframe for strategy in configuration.strategies}
    return [(kind, Timeframe(frame)) for kind in kinds for frame in sorted(frames)]


def _kinds(settings: Settings) -> list[AssetClass]:
    """Of which asset classes anything may be looked at."""
    files = settings.bars_url != "alpaca"
    crypto = settings.crypto_symbols is None or bool(split(settings.crypto_symbols))
    stocks = files if settings.equity_symbols is None else bool(split(settings.equity_symbols))
    return [
        *([AssetClass.CRYPTO] if crypto else []),
        *([AssetClass.EQUITY] if stocks and settings.enable_equities else []),
    ]


def pages(state: State, metrics: "Metrics | None", stuck: timedelta) -> Pages:
    """``/healthz``: whether to restart it. ``/readyz``: whether it is of use."""

    def alive() -> Page:
        began = state.started_at
        if began is not None and datetime.now(UTC) - began > stuck:
            return Page.of(f"a run has lasted since {began:%Y-%m-%d %H:%M} UTC", good=False)
        return Page.of("ok")

    def ready() -> Page:
        then = f"; the next run is at {state.next_at:%Y-%m-%d %H:%M:%S} UTC" if state.next_at else ""
        return Page.of((state.last or "the first run has not ended yet") + then, good=state.is_well)

    def figures() -> Page:
        from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest  # noqa: PLC0415

        body = generate_latest(metrics.registry) if metrics else b""
        return Page(body, kind=CONTENT_TYPE_PLAIN_0_0_4)

    return {"/metrics": figures, "/healthz": alive, "/readyz": ready}
