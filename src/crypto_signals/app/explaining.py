"""What a strategy makes of the newest bar of a symbol."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from crypto_signals.app.bars import THE_BEGINNING, bar_source, file_history
from crypto_signals.app.live import now
from crypto_signals.app.odds import odds
from crypto_signals.app.rules import strategies_of
from crypto_signals.app.stores import store_to_read
from crypto_signals.config import Configuration
from crypto_signals.domain.errors import UsageError
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine import why as engine_why
from crypto_signals.engine.book import Book
from crypto_signals.engine.ports import Wanted
from crypto_signals.engine.sight import Sight
from crypto_signals.engine.why import Explanation
from crypto_signals.market.calendars import MarketCalendar
from crypto_signals.plugins import Plugins
from crypto_signals.process import RunBudget


def explain(
    configuration: Configuration, known: Plugins, symbol: str, paths: Sequence[Path] | None
) -> Explanation:
    """What the first strategy makes of the newest bar of ``symbol``, and what is wrong with its bars."""
    strategy, calendar = strategies_of(configuration, known)[0], MarketCalendar()
    instrument, timeframe = Instrument.of(symbol), Timeframe(strategy.timeframe)
    if paths:
        history = file_history(paths, strategy.timeframe, [symbol])
    else:
        budget = RunBudget(configuration.settings.run_budget_seconds)
        with closing(bar_source(configuration.settings, calendar, budget)) as source:
            history = source.history([Wanted(instrument)], timeframe, now(configuration.settings))
    if symbol not in history.panel.symbols:
        reason = f": {history.errors[0].error}" if history.errors else ""
        raise UsageError(f"there are no bars of {symbol}{reason}")
    series = history.panel[symbol]
    known_at = calendar.known_at(instrument.asset_class, timeframe, series.ts)
    sight = Sight(instrument, series, known_at, feed=history.feeds.get(symbol))
    book, measured = _book_of(configuration, strategy), odds(configuration.settings)
    said = engine_why.explain(sight, strategy, known.catalogue, calendar, book, measured)
    return replace(said, problems=history.problems)


def _book_of(configuration: Configuration, strategy: Strategy) -> Book:
    store, _ = store_to_read(configuration.settings)
    with closing(store):
        return Book(strategy, store.book(strategy.name, strategy.timeframe, THE_BEGINNING))
