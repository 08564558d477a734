"""Every trigger of one series with its levels, conviction and quality gates, in columns."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.context import fresh_structures
from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.levels import levels
from crypto_signals.analysis.panel import Bools, Floats, Ints
from crypto_signals.analysis.scan import durations_days, known_hits, role_of, runs_on
from crypto_signals.analysis.study import Study
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import AssetClass, Role
from crypto_signals.engine.gates import Measured, passes
from crypto_signals.research.outcome_kernel import PLAN
from crypto_signals.research.outcomes import Plans


@dataclass(frozen=True, slots=True, eq=False)
class Setups:
    """The triggers of one series by (bar, name of the detector): n rows.

    | column | shape | meaning |
    |---|---|---|
    | detector | int64[n] | its number in the catalogue |
    | plans | PLAN[n] | bar, side and levels |
    | atr | float64[n] | ATR(14) at the bar, in price units |
    | high | bool[n] | conviction HIGH |
    | failed | int64[n] | bit g is set where quality gate number g of the detector refuses |
    """

    detector: Ints
    plans: Plans
    atr: Floats
    high: Bools
    failed: Ints

    def __len__(self) -> int:
        return len(self.detector)

    def take(self, rows: Ints | Bools) -> "Setups":
        return Setups(
            self.detector[rows], self.plans[rows], self.atr[rows], self.high[rows], self.failed[rows]
        )

    @property
    def reward_to_risk(self) -> Floats:
        plans = self.plans
        reward, risk = plans["targets"][:, 1] - plans["entry"], plans["entry"] - plans["stop"]
        return np.asarray(np.abs(reward) / np.abs(risk))


def find_setups(study: Study, catalogue: Catalogue, strategy: Strategy, kind: AssetClass) -> Setups:
    """What `engine.openings` would judge on every bar of the series, before slots and the like."""
    parts = list(_found(study, catalogue, strategy, kind))
    if not parts:
        nothing = np.empty(0, np.int64)
        return Setups(nothing, np.zeros(0, PLAN), np.empty(0), np.empty(0, np.bool_), nothing)
    columns = zip(*((p.detector, p.plans, p.atr, p.high, p.failed) for p in parts), strict=True)
    whole = Setups(*map(np.concatenate, columns))
    rank = np.argsort(np.argsort(np.array(catalogue.names)))
    return whole.take(np.lexsort((rank[whole.detector], whole.plans["bar"])))


def _found(study: Study, catalogue: Catalogue, strategy: Strategy, kind: AssetClass) -> Iterator[Setups]:
    for number, entry in enumerate(catalogue):
        if not runs_on(entry, study.series):
            continue
        hits = _that_open(study, entry, strategy)
        if len(hits):
            with np.errstate(all="ignore"):
                yield _measured(study, catalogue, entry, number, hits, strategy, kind)


def _that_open(study: Study, entry: Detector, strategy: Strategy) -> Hits:
    """The hits that may open a signal: by their role, or because the strategy names the detector."""
    if strategy.triggers is not None:
        return known_hits(study, entry) if entry.name in strategy.triggers else Hits.none()
    if entry.role is not Role.TRIGGER:
        return Hits.none()
    hits = known_hits(study, entry)
    if not len(hits):
        return hits
    days = durations_days(study, hits).tolist()
    return hits.take(np.flatnonzero([role_of(entry, duration) is Role.TRIGGER for duration in days]))


def _measured(
    study: Study,
    catalogue: Catalogue,
    entry: Detector,
    number: int,
    hits: Hits,
    strategy: Strategy,
    kind: AssetClass,
) -> Setups:
    found = levels(study, hits, entry.direction)
    hits = hits.take(found.rows)
    plans = np.zeros(len(hits), PLAN)
    plans["bar"], plans["side"] = hits.index, entry.direction.side
    plans["entry"], plans["stop"], plans["targets"] = found.entry, found.stop, found.targets
    plans["invalidation"] = hits.structure
    plans["cost_rate"] = strategy.costs.rate(kind, found.atr / found.entry)
    high = fresh_structures(study, catalogue, entry.direction).beside(entry.name, hits.index)
    failed = np.zeros(len(hits), np.int64)
    if entry.gates:
        setup = Measured(
            entry.direction.side, found.entry, found.stop, found.targets[:, 1], hits.neckline, found.atr,
            *(_finite(column[hits.index]) for column in (study.volume_ratio(), study.rsi(), study.adx())),
        )  # fmt: skip
        failed = _failed(entry, setup, high, strategy)
    return Setups(np.full(len(hits), number), plans, found.atr, high, failed)


def _finite(column: Floats) -> Floats:
    return np.where(np.isfinite(column), column, np.nan)


def _failed(entry: Detector, setup: Measured, high: Bools, strategy: Strategy) -> Ints:
    gates, failed = strategy.gates, np.zeros(len(high), np.int64)
    for bit, name in enumerate(entry.gates):
        passed = np.where(
            high, *(passes(name, setup, limits, gates) for limits in (gates.high, gates.normal))
        )
        failed |= np.where(passed, 0, 1 << bit)
    return failed
