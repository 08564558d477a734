"""Bars of one kind, partly kept and partly fetched, as if all had been fetched.

The newest kept bars are asked for again with the new ones. Where their prices differ by then, the service has
rewritten the past, as after a split, and the symbol is fetched whole: old and new bars never mix.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache

import numpy as np

from crypto_signals.analysis.panel import as_datetime, as_ts64
from crypto_signals.domain.errors import UsageError
from crypto_signals.market.cache import Kept
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.market.fetching import BarKind, Fetched, Fetcher
from crypto_signals.market.raw import RawBars

OVERLAP_BARS = 2


class Shelf:
    """``kept`` are the bars of one kind by symbol; ``changed`` tells whether they need to be saved."""

    def __init__(
        self, kind: BarKind, kept: dict[str, Kept], fetcher: Fetcher, calendar: MarketCalendar, now: datetime
    ) -> None:
        self.kept, self.changed = kept, False
        self._kind, self._fetcher, self._calendar, self._now = kind, fetcher, calendar, now
        self._is_due = cache(self._is_next_known)

    def fill(self, starts: Mapping[str, datetime]) -> Fetched:
        """The completed bars of each symbol from its start on; asks only for what is new and due."""
        asked = {
            symbol: missing
            for symbol, start in starts.items()
            if (missing := self._missing_from(symbol, start)) is not None
        }
        fetched = self._fetched(asked)
        for symbol in starts.keys() - fetched.errors.keys() - fetched.refused.keys():
            kept = self.kept.get(symbol)
            bars = kept.bars if kept else RawBars.joined([])
            fetched.bars[symbol] = bars.since(as_ts64(starts[symbol]))
        return fetched

    def _missing_from(self, symbol: str, start: datetime) -> datetime | None:
        """From when on bars must be fetched; ``None`` where nothing is missing."""
        kept = self.kept.get(symbol)
        if kept is None or as_ts64(start) < kept.asked_from:
            return start
        if not self._is_due(as_datetime(kept.bars.ts[-1])):
            return None
        return as_datetime(np.unique(kept.bars.ts[-2 * OVERLAP_BARS :])[-OVERLAP_BARS:][0])

    def _is_next_known(self, newest: datetime) -> bool:
        """Whether the bar after ``newest`` is known by now."""
        kind = self._kind
        try:
            close = self._calendar.close_after(kind.asset_class, kind.timeframe, newest, 1)
        except UsageError:
            return True
        return close + kind.grace <= self._now

    def _fetched(self, asked: Mapping[str, datetime]) -> Fetched:
        fetched = self._fetcher.fetch(asked)
        rewritten = [symbol for symbol in fetched.bars if not self._took(symbol, asked[symbol], fetched)]
        if rewritten:
            whole = {symbol: as_datetime(self.kept[symbol].asked_from) for symbol in rewritten}
            fetched.add(again := self._fetcher.fetch(whole))
            for symbol in again.bars:
                self.kept.pop(symbol)
                self.changed = True
                self._took(symbol, whole[symbol], again)
        return fetched

    def _took(self, symbol: str, asked: datetime, fetched: Fetched) -> bool:
        """Keeps what came; not where it does not continue what is kept."""
        first, kept = as_ts64(asked), self.kept.get(symbol)
        try:
            bars = self._completed(fetched.bars[symbol].since(first))
        except UsageError as error:
            fetched.errors[symbol] = str(error)
            return True
        asked_from = first
        if kept is not None and kept.asked_from <= first:
            overlap = kept.bars.since(first)
            if not overlap.has_prices_of(bars.take(bars.ts <= kept.bars.ts[-1])):
                return False
            bars = RawBars.joined([kept.bars.take(kept.bars.ts < first), bars])
            asked_from = kept.asked_from
        if len(bars):
            self.kept[symbol] = Kept(asked_from, bars)
            self.changed = True
        return True

    def _completed(self, bars: RawBars) -> RawBars:
        """Those known by now, by stamp."""
        known = self._calendar.known_at(self._kind.asset_class, self._kind.timeframe, bars.ts)
        bars = bars.take(known <= as_ts64(self._now))
        return bars.take(np.argsort(bars.ts, kind="stable"))
