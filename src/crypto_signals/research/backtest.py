"""A strategy over past bars: what it would have announced and refused, how that ended, and what it earned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.panel import Panel, Series, Times
from crypto_signals.analysis.panel_pool import is_built_in
from crypto_signals.analysis.study import Study
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass
from crypto_signals.engine.odds import NO_ODDS, Odds
from crypto_signals.engine.ports import Calendar
from crypto_signals.research.account import Account, Terms, trade
from crypto_signals.research.outcome_kernel import Fine
from crypto_signals.research.outcomes import NO_FINE, Track, finer, rules_of
from crypto_signals.research.portfolio import Choice, Examined, choose
from crypto_signals.research.setups import find_setups
from crypto_signals.research.sharing import Progress, nobody, over_series

_LONG_AGO = np.datetime64(0, "us")


@dataclass(frozen=True, slots=True)
class Test:
    """What is tested. Bars before ``since`` are history; finer bars, by symbol, tell what came first inside
    a bar in which stop and target both lie; measured ``odds`` rank setups and refuse them, as in a run."""

    __test__ = False  # not one of pytest's

    strategy: Strategy
    catalogue: Catalogue
    calendar: Calendar
    since: np.datetime64 | None = None
    terms: Terms = field(default_factory=Terms)
    fine: Mapping[str, Series] = field(default_factory=dict)
    odds: Odds = NO_ODDS

    @property
    def timeframe(self) -> Timeframe:
        return Timeframe(self.strategy.timeframe)


@dataclass(frozen=True, slots=True, eq=False)
class Backtest:
    """``choices`` are what would have been stored, announced or shadow, in their order."""

    test: Test
    examined: Sequence[Examined]
    choices: Sequence[Choice]
    account: Account

    @property
    def newest_known(self) -> np.datetime64:
        """When the newest bar of all became known."""
        return newest_known((one.series for one in self.examined), self.test)


def backtest(panel: Panel, test: Test, progress: Progress = nobody, processes: int | None = None) -> Backtest:
    """Tests a strategy on the bars of ``panel``. The result does not depend on the number of processes."""
    examined = examine(panel, test, progress, processes)
    choices = choose(examined, test.catalogue, test.strategy, test.odds)
    return Backtest(test, examined, choices, trade(examined, choices, test.terms))


def examine(
    panel: Panel, test: Test, progress: Progress = nobody, processes: int | None = None
) -> list[Examined]:
    """Every trigger of every series, and how it would have ended."""
    filled = [series for series in panel if len(series)]
    now = newest_known(filled, test)

    def one(series: Series) -> Examined:
        return _examined(series, test, now)

    return over_series(one, filled, progress, processes if may_be_copied(test.catalogue) else 1)


def may_be_copied(catalogue: Catalogue) -> bool:
    """Whether its detectors work in a copy of this process: a user's own are watched from here."""
    return all(map(is_built_in, catalogue))


def _known_at(series: Series, test: Test) -> Times:
    kind = Instrument.of(series.symbol).asset_class
    return test.calendar.known_at(kind, test.timeframe, series.ts)


def _examined(series: Series, test: Test, now: np.datetime64) -> Examined:
    instrument = Instrument.of(series.symbol)
    kind, study = instrument.asset_class, Study(series)
    setups = find_setups(study, test.catalogue, test.strategy, kind)
    if test.since is not None:
        setups = setups.take(series.ts[setups.plans["bar"]] >= test.since)
    track = track_of(study, kind, test, now)
    return Examined(
        instrument=instrument,
        series=series,
        setups=setups,
        outcomes=track.outcomes(setups.plans, rules_of(test.strategy)),
        known_at=_known_at(series, test),
        bars_per_session=test.calendar.bars_per_session(kind, test.timeframe),
    )


def track_of(study: Study, kind: AssetClass, test: Test, now: np.datetime64) -> Track:
    """The bars of one series for outcomes, as they stand ``now``."""
    return Track.of(study, kind, test.calendar, now, _fine(study.series, test))


def newest_known(rows: Iterable[Series], test: Test) -> np.datetime64:
    """When the newest bar of all series became known."""
    return max((_known_at(series[-1:], test)[0] for series in rows if len(series)), default=_LONG_AGO)


def _fine(series: Series, test: Test) -> Fine:
    inside = test.fine.get(series.symbol)
    return NO_FINE if inside is None else finer(series, inside, test.timeframe)
