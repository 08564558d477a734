"""One run of the main job: look at every bar completed since the last one, then tell what is owed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.panel import Series
from crypto_signals.domain.bars import BarFault
from crypto_signals.domain.errors import NoBars, StoreUnusable, VersionConflict
from crypto_signals.domain.events import Event
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.signals import Signal
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.book import Book
from crypto_signals.engine.deliver import Relay
from crypto_signals.engine.drift import drifted
from crypto_signals.engine.keeping import Keeper
from crypto_signals.engine.looking import Lookout
from crypto_signals.engine.notices import Notices
from crypto_signals.engine.odds import NO_ODDS, Odds, disagreement
from crypto_signals.engine.ports import (
    BarSource,
    Calendar,
    Channel,
    Clock,
    Draw,
    History,
    Patience,
    Picture,
    SourceError,
    Store,
    Wanted,
    Watcher,
    Watermark,
)
from crypto_signals.engine.sight import Sight
from crypto_signals.engine.summary import Summary
from crypto_signals.engine.watching import UNWATCHED

LOOKS = 3
BOOK_SESSIONS = 30
"""How far the book reaches back beyond the oldest bar to look at; more than any cool-down lasts."""


@dataclass(frozen=True, slots=True)
class MainJob:
    """The parts of a run, chosen elsewhere; the same for a live run, a rehearsal and the demo."""

    strategies: Sequence[Strategy]
    catalogue: Catalogue
    source: BarSource
    store: Store
    channels: Mapping[AssetClass, Channel]
    calendar: Calendar
    clock: Clock
    patience: Patience
    draw: Draw
    settle: timedelta
    config_hash: str
    keeper: Keeper | None = None
    """Brings what is over to the warehouse, and deletes it in its time; a rehearsal keeps everything."""
    watcher: Watcher = UNWATCHED
    notices: Notices | None = None
    odds: Odds = NO_ODDS

    def run(self) -> Summary:
        """Raises ``NoBars`` when nothing could be looked at; what is owed is delivered even then."""
        now = self.clock.now()
        detection = self.catalogue.fingerprint
        versions = {strategy.name: strategy.version(detection) for strategy in self.strategies}
        summary = Summary(run_id=self.store.start_run(now, versions, self.config_hash))
        self.watcher.started(summary.run_id)
        summary.warnings += disagreement(self.odds, self.strategies, detection)
        bars: dict[tuple[str, str], Series] = {}
        unreachable: NoBars | None = None
        for strategy in self.strategies:
            try:
                self._look(strategy, now, bars, summary)
            except NoBars as error:
                unreachable = error
                summary.errors.append(SourceError(None, "market", f"strategy {strategy.name}: {error}"))
            except VersionConflict as error:
                summary.errors.append(SourceError(None, "store", f"strategy {strategy.name}: {error}"))
        relay = Relay(
            self.store, self.channels, self.clock, self.patience, self.settle, summary.run_id, self.watcher
        )
        with self.watcher.step("deliver"):
            relay.deliver(lambda signal, events: self._picture(signal, events, bars), summary)
        with self.watcher.step("keep"):
            self._keep(now, summary)
        said = {error.error for error in summary.errors}
        unread = [row.reason for row in self.store.unreadable() if row.reason not in said]
        summary.errors += [SourceError(None, "store", reason) for reason in unread]
        summary.errors += self._late_errors()
        if self.notices is not None and not self.patience.stopping:
            self.notices.tell(self.store, now, summary)
        self.store.finish_run(summary.run_id, self.clock.now(), summary.as_dict())
        if unreachable is not None and not bars:
            raise unreachable
        return summary

    def _keep(self, now: datetime, summary: Summary) -> None:
        """One batch of each a run is enough, and never keeps one waiting. What was told stays told where it
        fails; if it was the store that failed, the run's own record does too."""
        if self.keeper is None or self.patience.stopping:
            return
        try:
            summary.archived += next(self.keeper.archived(), 0)
            summary.deleted += next(self.keeper.cleaned(now), 0)
        except StoreUnusable as error:
            summary.errors.append(SourceError(None, "warehouse", str(error)))

    def _late_errors(self) -> Sequence[SourceError]:
        """What else went wrong in this run; asked once, before its summary is stored."""
        return ()

    def _look(
        self, strategy: Strategy, now: datetime, bars: dict[tuple[str, str], Series], summary: Summary
    ) -> None:
        """Looks, and where someone else wrote in between, looks again at what is stored now."""
        for look in range(1, LOOKS + 1):
            seen = Summary(run_id=summary.run_id)
            try:
                self._look_once(strategy, now, bars, seen)
            except VersionConflict:
                if look == LOOKS:
                    raise
                continue
            except NoBars:
                summary.add(seen)
                raise
            summary.add(seen)
            return

    def _look_once(
        self, strategy: Strategy, now: datetime, bars: dict[tuple[str, str], Series], summary: Summary
    ) -> None:
        timeframe = Timeframe(strategy.timeframe)
        marks = self.store.watermarks(strategy.name, strategy.timeframe)
        configured = {i.symbol: i for i in self.source.instruments() if _covers(strategy, i)}
        summary.symbols_total += len(configured)
        odds = self.odds.under(strategy, self.catalogue.fingerprint)
        since = self._since(strategy, marks, now)
        known = self.store.book(strategy.name, strategy.timeframe, min(since, odds.until or since))
        summary.drift += drifted(known, odds)
        book = Book(strategy, known, self.store.unreadable())
        instruments = {
            symbol: Instrument.of(symbol) for symbol in sorted(book.symbols_in_trade())
        } | configured
        wanted = [Wanted(i, marks[s].anchor_ts if s in marks else None) for s, i in instruments.items()]
        with self.watcher.step("fetch"):
            history = self.source.history(wanted, timeframe, now)
        _report(history, summary)
        sights = self._sights(history, instruments, marks, timeframe)
        bars.update({(sight.symbol, timeframe.name): sight.study.series for sight in sights})
        lookout = Lookout(
            strategy, book, self.catalogue, self.calendar, self.store, summary, self.watcher, self.odds
        )
        with self.watcher.step("look"):
            lookout.look(sights, set(configured), history.gone, now, self.patience)

    def _since(self, strategy: Strategy, marks: Mapping[str, Watermark], now: datetime) -> datetime:
        oldest = min((mark.seen_ts for mark in marks.values()), default=now)
        return oldest - timedelta(days=BOOK_SESSIONS, hours=2 * strategy.cooldown_hours)

    def _sights(
        self,
        history: History,
        instruments: Mapping[str, Instrument],
        marks: Mapping[str, Watermark],
        timeframe: Timeframe,
    ) -> list[Sight]:
        return [
            Sight(
                instrument := instruments[series.symbol],
                series,
                self.calendar.known_at(instrument.asset_class, timeframe, series.ts),
                marks.get(series.symbol),
                history.feeds.get(series.symbol),
            )
            for series in history.panel
            if len(series)
        ]

    def _picture(
        self, signal: Signal, events: Sequence[Event], bars: Mapping[tuple[str, str], Series]
    ) -> Picture:
        series = bars.get((signal.symbol, signal.timeframe.name))
        return lambda: None if series is None else self.draw(signal, series, events)


def _covers(strategy: Strategy, instrument: Instrument) -> bool:
    return strategy.symbols is None or instrument.symbol in strategy.symbols


def _report(history: History, summary: Summary) -> None:
    summary.problems += history.problems
    summary.quarantined += sum(problem.kind is BarFault.INVALID for problem in history.problems)
    summary.errors += history.errors
    summary.requests += history.requests
    summary.retries += history.retries
    summary.warnings += [said for said in history.warnings if said not in summary.warnings]
    summary.breakers |= history.breakers
