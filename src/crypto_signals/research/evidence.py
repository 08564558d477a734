"""From trades to odds: a row for each detector, asset class and conviction, with its verdict.

The method is that of the project's rules: net results against random entries, dates resampled together, all
rows of any conviction tested together, nothing called an edge on fewer than 30 trades on 30 dates.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Bools, Floats, Ints, Panel, as_datetime
from crypto_signals.domain.evidence import Evidence, Verdict
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.vocabulary import AssetClass, Conviction, Role
from crypto_signals.research.backtest import Test
from crypto_signals.research.population import SeriesTrades, measure
from crypto_signals.research.resampling import REPETITIONS, Resampling, dates_of, distinct_dates, interval
from crypto_signals.research.sharing import Progress, nobody
from crypto_signals.research.shrinkage import shrunk_lower_end
from crypto_signals.research.stepdown import step_down

LEAST_TRADES = 30
LEAST_DATES = 30
SIGNIFICANT = 0.05
CONVICTIONS = (None, Conviction.HIGH, Conviction.NORMAL)
_R, _HIT, _BASE = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Findings:
    """``rows`` by asset class, detector and conviction; how dates were resampled; how many were tested."""

    rows: tuple[Evidence, ...]
    resampling: Resampling
    tested: int


@dataclass(frozen=True, slots=True)
class _Span:
    """What was measured of one asset class."""

    kind: AssetClass
    symbols: int
    since: datetime
    until: datetime


def gather(
    panel: Panel,
    test: Test,
    progress: Progress = nobody,
    *,
    repetitions: int = REPETITIONS,
    processes: int | None = None,
) -> Findings:
    """Measures every trigger of the strategy on the bars of the panel; there must be at least one."""
    measured = measure(panel, test, progress, processes)
    return judge(measured, panel, test, repetitions=repetitions)


def judge(
    measured: Sequence[SeriesTrades], panel: Panel, test: Test, *, repetitions: int = REPETITIONS
) -> Findings:
    """The verdicts on trades that were measured on ``panel``."""
    return _Judge(measured, panel, test, repetitions).findings()


class _Judge:
    def __init__(self, measured: Sequence[SeriesTrades], panel: Panel, test: Test, repetitions: int) -> None:
        self.test, self.entries = test, tuple(test.catalogue)
        self.spans = list(_spans(panel, test))
        self.groups = [
            (span, number)
            for span in self.spans
            for number, entry in enumerate(self.entries)
            if _is_tried(entry, test) and not (entry.needs_gap and span.kind is AssetClass.CRYPTO)
        ]
        self.trades = _Trades(measured, {(s.kind, n): g for g, (s, n) in enumerate(self.groups)})
        days = np.unique(panel.ts[_within(panel.ts, test)].astype("datetime64[D]").astype(np.int64))
        self.date = dates_of(self.trades["entry_ts"], days)
        held = dates_of(self.trades["exit_ts"], days) - self.date
        closed = self.trades["closed"]
        self.resampling = Resampling.over(len(days), held[closed] + 1.0, repetitions)

    def findings(self) -> Findings:
        n = len(self.groups)
        parts = [self._slice(conviction) for conviction in CONVICTIONS]
        enough = parts[0].enough
        tested = np.flatnonzero(enough)
        difference = parts[0].means[:, tested, _R] - parts[0].means[:, tested, _BASE]
        p = step_down((parts[0].mean - parts[0].baseline)[tested], difference)
        single, adjusted = np.full(n, np.nan), np.full(n, np.nan)
        single[tested], adjusted[tested] = p
        edge = (adjusted <= SIGNIFICANT) & (parts[0].mean_lo > 0)
        rows = [self._row(part, group, single, adjusted, edge) for group in range(n) for part in parts]
        return Findings(tuple(rows), self.resampling, len(tested))

    def _slice(self, conviction: Conviction | None) -> "_Slice":
        wanted = np.ones(len(self.date), np.bool_)
        if conviction is not None:
            wanted = self.trades["high"] == (conviction is Conviction.HIGH)
        return _Slice(self, conviction, wanted)

    def pools(self) -> Ints:
        """The number of the pool of each group: its family, side and asset class."""
        keys = [
            (span.kind, self.entries[number].family, self.entries[number].direction)
            for span, number in self.groups
        ]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        return np.array([numbers[key] for key in keys], np.int64)

    def _row(self, part: "_Slice", group: int, single: Floats, adjusted: Floats, edge: Bools) -> Evidence:
        span, number = self.groups[group]
        whole = part.conviction is None
        verdict = Verdict.NO_EDGE if part.enough[group] else Verdict.TOO_FEW
        return Evidence(
            detector=self.entries[number].name,
            direction=self.entries[number].direction,
            asset_class=span.kind,
            timeframe=self.test.timeframe,
            conviction=part.conviction,
            n=int(part.n[group]),
            n_open=int(part.n_open[group]),
            hit_rate=_known(part.hit_rate[group]),
            hit_rate_lo=_known(part.hit_lo[group]),
            hit_rate_hi=_known(part.hit_hi[group]),
            mean_r=_known(part.mean[group]),
            mean_r_lo=_known(part.mean_lo[group]),
            mean_r_hi=_known(part.mean_hi[group]),
            baseline_mean_r=_known(part.baseline[group]),
            p_value=_known(single[group]) if whole else None,
            p_value_adjusted=_known(adjusted[group]) if whole else None,
            verdict=Verdict.EDGE if whole and edge[group] else verdict,
            since=span.since,
            until=span.until,
            trials=len(self.groups),
            symbols=span.symbols,
            dates=int(part.dates[group]),
            mean_mfe_r=_known(part.average("mfe_r")[group]),
            mean_mae_r=_known(part.average("mae_r")[group]),
            mean_holding_bars=_known(part.average("holding_bars")[group]),
            profit_factor=_known(part.profit_factor[group]),
            rank_r=_known(part.rank[group]),
        )


class _Trades:
    """The columns of all series end to end, of the groups that are asked about."""

    def __init__(self, measured: Sequence[SeriesTrades], groups: dict[tuple[AssetClass, int], int]) -> None:
        numbers = [groups.get((one.kind, row), -1) for one in measured for row in one.detector.tolist()]
        group = np.array(numbers, np.int64)
        self._kept = group >= 0
        self._measured = measured
        self.group = group[self._kept]

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        columns = [np.asarray(getattr(one, name)) for one in self._measured]
        return np.concatenate(columns)[self._kept] if columns else np.empty(0)


class _Slice:
    """The trades of one conviction, or of any: every array has an entry a group."""

    def __init__(self, judge: _Judge, conviction: Conviction | None, wanted: Bools) -> None:
        self.conviction, self._judge = conviction, judge
        trades, rows = judge.trades, len(judge.groups)
        self._rows = np.flatnonzero(wanted & trades["closed"])
        self._group = trades.group[self._rows]
        self._count = rows
        date = judge.date[self._rows]
        self.n = np.bincount(self._group, minlength=rows)
        self.n_open = np.bincount(trades.group[wanted & ~trades["closed"]], minlength=rows)
        self.dates = distinct_dates(self._group, date, rows)
        self.enough = (self.n >= LEAST_TRADES) & (self.dates >= LEAST_DATES)
        values = np.column_stack([self._column(name) for name in ("r", "hit", "baseline_r")])
        self.means = judge.resampling.means(date, self._group, rows, values)
        self.mean, self.hit_rate = self.average("r"), self.average("hit")
        self.baseline = self.average("baseline_r")
        several = self.dates > 1
        self.mean_lo, self.mean_hi = interval(self.means[:, :, _R], several)
        self.hit_lo, self.hit_hi = interval(self.means[:, :, _HIT], several)

    def _column(self, name: str) -> Floats:
        return np.asarray(self._judge.trades[name][self._rows], np.float64)

    def average(self, name: str) -> Floats:
        """The mean of a column over the trades of each group that have it."""
        return _mean(self._column(name), self._group, self._count)

    @property
    def profit_factor(self) -> Floats:
        """What was won over what was lost; NaN where nothing was lost."""
        r = self._column("r")
        won = np.bincount(self._group, np.maximum(r, 0), self._count)
        lost = np.bincount(self._group, np.maximum(-r, 0), self._count)
        return np.asarray(won / np.where(lost > 0, lost, np.nan))

    @property
    def rank(self) -> Floats:
        """The lower end of the mean, drawn towards the detector's relatives."""
        spread = _mean((self._column("r") - self.mean[self._group]) ** 2, self._group, self._count)
        variance = spread * self.n / np.where(self.n > 1, self.n - 1, np.nan)
        varies = np.array(
            [np.nanvar(self.means[:, row, _R]) if n > 1 else 0.0 for row, n in enumerate(self.n)]
        )
        effective = np.where(varies > 0, variance / np.where(varies > 0, varies, 1.0), self.n)
        known = np.nan_to_num(variance), np.nan_to_num(effective)
        return shrunk_lower_end(np.nan_to_num(self.mean), known[0], self.n, known[1], self._judge.pools())


def _mean(values: Floats, group: Ints, groups: int) -> Floats:
    known = ~np.isnan(values)
    total = np.bincount(group[known], values[known], groups)
    count = np.bincount(group[known], minlength=groups)
    return np.asarray(total / np.where(count > 0, count, np.nan))


def _spans(panel: Panel, test: Test) -> Iterator[_Span]:
    """What there is of each asset class within the period."""
    for kind in AssetClass:
        stamps = [
            series.ts[_within(series.ts, test)]
            for series in panel
            if Instrument.of(series.symbol).asset_class is kind
        ]
        held = [ts for ts in stamps if len(ts)]
        if held:
            first, last = min(ts[0] for ts in held), max(ts[-1] for ts in held)
            yield _Span(kind, len(held), as_datetime(first), as_datetime(last))


def _within(ts: npt.NDArray[np.datetime64], test: Test) -> Bools:
    return np.ones(len(ts), np.bool_) if test.since is None else ts >= test.since


def _is_tried(entry: Detector, test: Test) -> bool:
    triggers = test.strategy.triggers
    return entry.role is Role.TRIGGER if triggers is None else entry.name in triggers


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
