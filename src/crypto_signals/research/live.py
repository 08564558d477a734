"""The live engine over past bars: at each moment it knows what was known then, and what it had stored.

Nothing is handed on from one moment to the next but what a store would have kept, so each one is a run of its
own, as a scheduler would have started it at every close.
"""

from collections.abc import Iterator

import numpy as np

from crypto_signals.analysis.panel import Panel, Series, Times, as_datetime
from crypto_signals.domain.errors import SentinelError
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.signals import Signal
from crypto_signals.engine.book import Book
from crypto_signals.engine.looking import Lookout
from crypto_signals.engine.ports import Watermark
from crypto_signals.engine.sight import Sight
from crypto_signals.engine.summary import Summary
from crypto_signals.research.backtest import Test
from crypto_signals.research.ledger import MemoryLedger


class Unhurried:
    """A `Patience` that nobody ends."""

    stopping = False

    def wait(self, seconds: float) -> bool:  # noqa: ARG002
        return True


def live(panel: Panel, test: Test) -> list[Signal]:
    """Every signal that runs at each close from ``test.since`` on would have stored, as it stood after the
    last of them; what was known before had been looked at. Raises ``SentinelError`` where a symbol failed."""
    return _Replay(panel, test).signals()


class _Replay:
    def __init__(self, panel: Panel, test: Test) -> None:
        self.test, self.ledger = test, MemoryLedger()
        self.bars = {series.symbol: series for series in panel if len(series)}
        self.instruments = {symbol: Instrument.of(symbol) for symbol in self.bars}
        self.known = {symbol: self._known(series) for symbol, series in self.bars.items()}

    def _known(self, series: Series) -> Times:
        kind = self.instruments[series.symbol].asset_class
        return self.test.calendar.known_at(kind, self.test.timeframe, series.ts)

    def signals(self) -> list[Signal]:
        self.ledger.commit((), watermarks=list(self._first_marks()))
        for moment in self._moments():
            self._run(moment)
        return self.ledger.signals()

    def _first_marks(self) -> Iterator[Watermark]:
        for symbol, series in self.bars.items():
            before = series.ts[series.ts < self.test.since] if self.test.since is not None else series.ts[:0]
            if len(before):
                yield Watermark(symbol, as_datetime(series.ts[0]), as_datetime(before[-1]))

    def _moments(self) -> list[np.datetime64]:
        """When a bar of the time that is tested became known, each time once."""
        times = np.concatenate(
            [
                self.known[symbol]
                if self.test.since is None
                else self.known[symbol][row.ts >= self.test.since]
                for symbol, row in self.bars.items()
            ]
        )
        return list(np.unique(times))

    def _run(self, moment: np.datetime64) -> None:
        test, now = self.test, as_datetime(moment)
        strategy, summary = test.strategy, Summary(run_id="replay")
        book = Book(strategy, self.ledger.book(strategy.name, strategy.timeframe, now))
        sights = list(self._sights(moment))
        lookout = Lookout(strategy, book, test.catalogue, test.calendar, self.ledger, summary)
        lookout.look(sights, set(self.bars), (), now, Unhurried())
        for error in summary.errors:
            raise SentinelError(f"{error.symbol} on {now:%Y-%m-%d %H:%M}: {error.error}")

    def _sights(self, moment: np.datetime64) -> Iterator[Sight]:
        marks = self.ledger.watermarks(self.test.strategy.name, self.test.strategy.timeframe)
        for symbol, series in self.bars.items():
            known = self.known[symbol]
            count = int(np.searchsorted(known, moment, side="right"))
            if count:
                yield Sight(self.instruments[symbol], series[:count], known[:count], marks.get(symbol))
