"""One strategy over one history: every symbol at every bar not yet looked at, moment by moment.

A moment is a time at which bars became known. At each one, the open signals of the symbols concerned
are first followed over their new bar, then new setups are judged; both are committed together. A symbol
that fails is left where it was, reported, and looked at again by the next run; where only the scan
failed, its open signals are followed all the same.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.panel import as_datetime
from crypto_signals.analysis.panel_pool import is_built_in
from crypto_signals.domain.errors import StoreUnusable, VersionConflict
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine.book import Book, Entry, saved
from crypto_signals.engine.odds import NO_ODDS, Odds
from crypto_signals.engine.openings import Candidate, Opener
from crypto_signals.engine.ports import Calendar, Ledger, Patience, SourceError, Watcher, Watermark
from crypto_signals.engine.sight import Sight, moments, scan_together
from crypto_signals.engine.summary import Summary
from crypto_signals.engine.track import Tracker, end_gone
from crypto_signals.engine.watching import UNWATCHED, looks

PORTION = 200
"""So many symbols are scanned together before one looks whether to stop."""


class Lookout:
    """Looks at the symbols of one strategy, in one run."""

    def __init__(
        self,
        strategy: Strategy,
        book: Book,
        catalogue: Catalogue,
        calendar: Calendar,
        store: Ledger,
        summary: Summary,
        watcher: Watcher = UNWATCHED,
        odds: Odds = NO_ODDS,
    ) -> None:
        self.watcher = watcher
        self._opened = Counter[tuple[str, bool]]()
        self.strategy, self.book, self.catalogue = strategy, book, catalogue
        self.calendar, self.store, self.summary = calendar, store, summary
        self.opener = Opener(strategy, book, catalogue, calendar, odds)
        self._failed: set[str] = set()
        self._unscanned: set[str] = set()

    def look(
        self,
        sights: Sequence[Sight],
        configured: set[str],
        gone: Iterable[str],
        now: datetime,
        patience: Patience,
    ) -> None:
        """Scans the configured symbols, and follows the open signals of all of them.

        Asked to stop, it finishes the symbol in hand, and leaves the rest as it was to the next run.
        """
        for some in self._portions([sight for sight in sights if sight.symbol in configured]):
            if patience.stopping:
                return
            self._scan(some)
        self._rebase(sights)
        for bars in moments(sights):
            if patience.stopping:
                return
            self._at(bars, now)
        self._end_unfed(sights, gone, now)
        self.summary.symbols_processed += len(
            {sight.symbol for sight in sights} & configured - self._failed - self._unscanned
        )
        self.summary.open_signals += self.book.open_count()
        for look in looks(self.strategy.name, sights, configured, self._opened, self.summary.errors):
            self.watcher.looked(look)

    def _portions(self, sights: Sequence[Sight]) -> Iterator[list[Sight]]:
        """Those with one new bar many together, so that one can stop in between; any other by itself. A
        user's own detectors may take long: beside them each is by itself."""
        size = PORTION if all(map(is_built_in, self.catalogue)) else 1
        together = [sight for sight in sights if sight.new_bars == 1]
        yield from (together[at : at + size] for at in range(0, len(together), size))
        yield from ([sight] for sight in sights if sight.new_bars > 1)

    def _scan(self, sights: Sequence[Sight]) -> None:
        """Many together, or, where that fails, one by one, to find the one that fails."""
        if len(sights) > 1:
            with suppress(Exception):
                scan_together(sights, self.catalogue, self.strategy)
                return
        for sight in sights:
            with self._guarded(sight.symbol, self._unscanned):
                sight.scan(self.catalogue, self.strategy)

    def _rebase(self, sights: Iterable[Sight]) -> None:
        """Open signals of instruments that were split count in the new units before they are followed."""
        changed: list[Entry] = []
        for sight in sights:
            with self._guarded(sight.symbol, self._failed):
                ts = sight.study.series.ts
                since = as_datetime(ts[min(sight.first, len(ts) - 1)])
                tracker = Tracker(sight.study, self.calendar)
                changed += tracker.rebase(self.book.open(sight.symbol), since)
        self._commit(changed, [])

    def _at(self, bars: Iterable[tuple[Sight, int]], now: datetime) -> None:
        moved: list[Entry] = []
        candidates: list[list[Candidate]] = []
        marks: list[Watermark] = []
        for sight, index in bars:
            if sight.symbol in self._failed:
                continue
            with self._guarded(sight.symbol, self._failed):
                followed = Tracker(sight.study, self.calendar).follow(self.book.open(sight.symbol), index)
                situation = sight.situation(index)
                candidates.append(self.opener.judge(situation) if situation else [])
                moved += followed
                if sight.symbol not in self._unscanned:
                    marks.append(sight.watermark(index))
        self._commit([*moved, *self.opener.open(candidates, self.summary.run_id, now)], marks)

    def _end_unfed(self, sights: Iterable[Sight], gone: Iterable[str], now: datetime) -> None:
        moved: list[Entry] = []
        for sight in sights:
            if sight.symbol in self._failed:
                continue
            with self._guarded(sight.symbol, self._failed):
                tracker = Tracker(sight.study, self.calendar)
                moved += tracker.end_unfed(self.book.open(sight.symbol), now)
        for symbol in gone:
            with self._guarded(symbol, self._failed):
                moved += end_gone(self.book.open(symbol), self.calendar, now)
        self._commit(moved, [])

    def _commit(self, entries: Sequence[Entry], marks: Sequence[Watermark]) -> None:
        """Stores what is new. A shadow is written when it is created and when it closes."""
        changed = [entry for entry in entries if _worth_writing(entry)]
        for entry in changed:
            self._count(entry)
        saves = [saved(entry) for entry in changed]
        if saves or marks:
            self.store.commit(saves, self.strategy.name, self.strategy.timeframe, marks)

    def _count(self, entry: Entry) -> None:
        signal, is_new = entry.signal, entry.stored_revision == 0
        self.summary.signals += is_new and not signal.is_shadow
        self.summary.shadow_signals += is_new and signal.is_shadow
        self._opened[signal.symbol, signal.is_shadow] += is_new
        if signal.announced_at is not None and signal.progress.closed:
            self.summary.result_r += signal.progress.result_r or 0.0

    @contextmanager
    def _guarded(self, symbol: str, failed: set[str]) -> Iterator[None]:
        """Keeps what goes wrong with one symbol to that symbol, and notes it as ``failed``."""
        try:
            yield
        except (StoreUnusable, VersionConflict):
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, the other symbols go on
            failed.add(symbol)
            self.summary.errors.append(SourceError(symbol, "analysis", f"{type(error).__name__}: {error}"))


def _worth_writing(entry: Entry) -> bool:
    return not entry.signal.is_shadow or entry.stored_revision == 0 or entry.signal.progress.closed
