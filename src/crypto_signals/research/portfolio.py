"""The rules between signals over past bars: which setups would have been announced, and which refused.

What `engine.openings` and `engine.book` decide moment by moment, decided from columns. A differential test
holds both equal: the live engine, replayed day by day, opens and refuses the same.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Floats, Series, Times, as_datetime
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import Family
from crypto_signals.engine.gates import evidence_gate
from crypto_signals.engine.odds import NO_ODDS, Odds
from crypto_signals.engine.openings import worth
from crypto_signals.research.outcomes import Outcomes
from crypto_signals.research.setups import Setups

NEVER = 1 << 60


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One series, its triggers, how each would have ended, and when its bars were known."""

    instrument: Instrument
    series: Series
    setups: Setups
    outcomes: Outcomes
    known_at: Times
    bars_per_session: int


@dataclass(slots=True)
class Choice:
    """A setup that would have been stored: row ``row`` of series number ``series``; a shadow has failed
    some gates."""

    series: int
    row: int
    failed_gates: list[str]
    confirmed_by: tuple[str, ...] = ()

    @property
    def is_shadow(self) -> bool:
        return bool(self.failed_gates)


@dataclass(slots=True)
class _Symbol:
    """What one symbol has open and has closed: the row and the bar whose close knew its end."""

    columns: "_Columns"
    held_until: int = -1
    announced: list[int] = field(default_factory=list)
    shadows: dict[int, int] = field(default_factory=dict)


class _Columns:
    """The columns of one series as Python's own numbers: one looks at them one at a time."""

    def __init__(self, examined: Examined, catalogue: Catalogue) -> None:
        setups, outcomes = examined.setups, examined.outcomes
        closed = outcomes["closed_bar"]
        self.bar: list[int] = setups.plans["bar"].tolist()
        self.side: list[float] = setups.plans["side"].tolist()
        self.detector: list[int] = setups.detector.tolist()
        self.failed: list[int] = setups.failed.tolist()
        self.closed: list[int] = np.where(closed < 0, NEVER, closed).tolist()
        self.exit_bar: list[int] = outcomes["exit_bar"].tolist()
        self.exit: list[float] = _last_prices(examined).tolist()
        self.close = examined.series.close
        chart = np.array([entry.family is Family.CHART for entry in catalogue], np.bool_)
        names = np.argsort(np.argsort(np.array(catalogue.names)))
        self.merit = list(
            zip(
                (~setups.high).tolist(),
                (~chart[setups.detector]).tolist(),
                (-setups.reward_to_risk).tolist(),
                names[setups.detector].tolist(),
                strict=True,
            )
        )


def _last_prices(examined: Examined) -> Floats:
    """Where each trade ended, or would have begun."""
    outcomes, rows = examined.outcomes, np.arange(len(examined.outcomes))
    last = outcomes["fill_price"][rows, np.maximum(outcomes["fills"] - 1, 0)]
    return np.where(outcomes["fills"] > 0, last, examined.setups.plans["entry"])


def choose(
    examined: Sequence[Examined], catalogue: Catalogue, strategy: Strategy, odds: Odds = NO_ODDS
) -> list[Choice]:
    """Every setup that would have been stored, in the order in which it would have been.

    At each moment at which bars became known, the best setup of each symbol that passes its gates, whose
    slot is free and which is not cooling down opens, within the budget of the strategy; what is refused
    becomes a shadow, unless one of the same detector is still open.
    """
    return list(_Chooser(examined, catalogue, strategy, odds).choices())


class _Chooser:
    def __init__(
        self, examined: Sequence[Examined], catalogue: Catalogue, strategy: Strategy, odds: Odds
    ) -> None:
        self.examined, self.strategy = examined, strategy
        self.entries = tuple(catalogue)
        self.odds = odds.under(strategy, catalogue.fingerprint)
        self.timeframe = Timeframe(strategy.timeframe)
        self.symbols = [_Symbol(_Columns(one, catalogue)) for one in examined]
        hours = strategy.cooldown_hours / 24
        self.limits = [math.ceil(hours * one.bars_per_session) for one in examined]

    def choices(self) -> Iterator[Choice]:
        for _, rows in groupby(self._in_order(), key=lambda row: row[0]):
            yield from self._moment([(series, row) for _, series, row in rows])

    def _in_order(self) -> Iterator[tuple[int, int, int]]:
        """(moment, series, row) by moment, symbol and row."""
        known = [one.known_at.view(np.int64)[one.setups.plans["bar"]] for one in self.examined]
        moment = np.concatenate([np.empty(0, np.int64), *known])
        series = np.repeat(np.arange(len(known)), [len(one) for one in known])
        row = np.concatenate([np.empty(0, np.int64), *(np.arange(len(one)) for one in known)])
        names = np.argsort(np.argsort(np.array([one.series.symbol for one in self.examined], object)))
        order = np.lexsort((row, names[series] if len(series) else series, moment))
        return zip(moment[order].tolist(), series[order].tolist(), row[order].tolist(), strict=True)

    def _moment(self, rows: list[tuple[int, int]]) -> list[Choice]:
        winners: list[Choice] = []
        refused: list[Choice] = []
        for series, group in groupby(rows, key=lambda row: row[0]):
            judged = self._judged(series, [row for _, row in group])
            passed = [choice for choice in judged if not choice.failed_gates]
            refused += [choice for choice in judged if choice.failed_gates]
            if len(passed) > 1:
                passed.sort(key=self._merit)
            if passed:
                passed[0].confirmed_by = tuple(self._entry(choice).name for choice in passed[1:])
                winners.append(passed[0])
        if len(winners) > 1:
            winners.sort(key=lambda won: (*self._merit(won), self.examined[won.series].series.symbol))
        budget = self.strategy.max_announcements
        for choice in winners[:budget]:
            symbol = self.symbols[choice.series]
            symbol.held_until = symbol.columns.closed[choice.row]
            symbol.announced.append(choice.row)
        for choice in winners[budget:]:
            choice.failed_gates.append("over_budget")
        return winners[:budget] + [choice for choice in refused + winners[budget:] if self._is_new(choice)]

    def _judged(self, series: int, rows: list[int]) -> list[Choice]:
        columns = self.symbols[series].columns
        conflict = len({columns.side[row] for row in rows}) > 1
        return [Choice(series, row, list(self._refusals(series, row, conflict=conflict))) for row in rows]

    def _refusals(self, series: int, row: int, *, conflict: bool) -> Iterator[str]:
        symbol, examined = self.symbols[series], self.examined[series]
        columns = symbol.columns
        if failed := columns.failed[row]:
            gates = self.entries[columns.detector[row]].gates
            yield from (name for bit, name in enumerate(gates) if failed >> bit & 1)
        least = self.strategy.min_mean_r_lo
        if least is not None and not evidence_gate(self._evidence(series, row), least).passed:
            yield "evidence"
        if columns.side[row] < 0 and not examined.instrument.shortable:
            yield "not_shortable"
        if conflict:
            yield "conflict"
        if columns.bar[row] < symbol.held_until:
            yield "slot"
        if self._cools_down(series, row):
            yield "cooldown"

    def _cools_down(self, series: int, row: int) -> bool:
        symbol, limit = self.symbols[series], self.limits[series]
        columns = symbol.columns
        bar = columns.bar[row]
        for past in reversed(symbol.announced):
            if columns.closed[past] > bar:
                continue
            if bar - columns.exit_bar[past] > limit:
                return False
            in_scope = (
                self.strategy.cooldown_scope == "SYMBOL" or columns.detector[past] == columns.detector[row]
            )
            if in_scope and not self._escaped(columns, past, bar):
                return True
        return False

    def _escaped(self, columns: _Columns, past: int, bar: int) -> bool:
        moved = abs(float(columns.close[bar]) - columns.exit[past]) / columns.exit[past] * 100
        return moved >= self.strategy.cooldown_escape_pct

    def _is_new(self, choice: Choice) -> bool:
        """Whether no shadow of the detector is open on the symbol; from now on this one is."""
        symbol = self.symbols[choice.series]
        columns = symbol.columns
        detector = columns.detector[choice.row]
        if columns.bar[choice.row] < symbol.shadows.get(detector, -1):
            return False
        symbol.shadows[detector] = columns.closed[choice.row]
        return True

    def _merit(self, choice: Choice) -> tuple[bool, float, bool, float, int]:
        """Ascending: the best comes first."""
        normal, not_chart, reward, name = self.symbols[choice.series].columns.merit[choice.row]
        return (normal, -worth(self._evidence(choice.series, choice.row)), not_chart, reward, name)

    def _evidence(self, series: int, row: int) -> Evidence | None:
        if self.odds is NO_ODDS:
            return None
        one, columns = self.examined[series], self.symbols[series].columns
        entry = self.entries[columns.detector[row]]
        kind, ts = one.instrument.asset_class, as_datetime(one.series.ts[columns.bar[row]])
        return self.odds.of(entry.name, entry.direction, kind, self.timeframe, ts)

    def _entry(self, choice: Choice) -> Detector:
        return self.entries[self.symbols[choice.series].columns.detector[choice.row]]
