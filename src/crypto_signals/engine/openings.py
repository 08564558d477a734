"""From the detections of one moment to signals: gates, then the rules between signals."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.context import fresh_contexts
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.study import Study
from crypto_signals.domain.events import Event, EventType
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.instruments import Instrument, Timeframe
from crypto_signals.domain.lifecycle import apply
from crypto_signals.domain.signals import GateResult, Plan, Signal, signal_id
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.vocabulary import Conviction, Direction, Family
from crypto_signals.engine.book import OVER_BUDGET, Book, Entry
from crypto_signals.engine.gates import evidence_gate, portfolio_gate, quality_gates
from crypto_signals.engine.odds import NO_ODDS, Odds
from crypto_signals.engine.ports import Calendar


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trigger on the newest bar of one symbol, with everything that was measured of it."""

    instrument: Instrument
    detection: Detection
    conviction: Conviction
    context: tuple[str, ...]
    readings: Mapping[str, float | None]
    gates: tuple[GateResult, ...]
    valid_until: datetime
    late_bars: int
    feed: str | None
    evidence: Evidence | None = None
    confirmed_by: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        return all(gate.passed for gate in self.gates)

    @property
    def rank(self) -> tuple[bool, float, bool, float, str]:
        """Ascending: the best comes first. The name breaks ties, so that the order never varies."""
        found = self.detection
        return (
            self.conviction is not Conviction.HIGH,
            -worth(self.evidence),
            found.family is not Family.CHART,
            -found.reward_to_risk,
            found.detector,
        )

    def refused(self, gate: GateResult) -> "Candidate":
        return replace(self, gates=(*self.gates, gate))


def worth(evidence: Evidence | None) -> float:
    """What a setup is ranked by, in R; whatever was measured comes before what was not."""
    return -math.inf if evidence is None or evidence.rank_r is None else evidence.rank_r


@dataclass(frozen=True, slots=True)
class Situation:
    """One symbol at one bar, and what triggered there."""

    instrument: Instrument
    study: Study
    index: int
    triggers: tuple[Detection, ...]
    feed: str | None

    @property
    def late_bars(self) -> int:
        return len(self.study.series) - 1 - self.index


class Opener:
    """Decides, for all symbols with a bar at one moment, which triggers become signals and which shadows."""

    def __init__(
        self, strategy: Strategy, book: Book, catalogue: Catalogue, calendar: Calendar, odds: Odds = NO_ODDS
    ) -> None:
        self.strategy, self.book, self.catalogue, self.calendar = strategy, book, catalogue, calendar
        self.timeframe = Timeframe(strategy.timeframe)
        self.version = strategy.version(catalogue.fingerprint)
        self.odds = odds.under(strategy, catalogue.fingerprint)

    def judge(self, situation: Situation) -> list[Candidate]:
        """Every trigger of one symbol at one bar, with all its gates."""
        conflict = len({detection.direction for detection in situation.triggers}) > 1
        return [self._candidate(situation, detection, conflict=conflict) for detection in situation.triggers]

    def open(self, judged: Iterable[list[Candidate]], run_id: str, now: datetime) -> list[Entry]:
        """The new signals of one moment, best first, then the shadows; all are in the book afterwards.

        ``judged`` holds one list of candidates a symbol. Judging a moment again, of which a part was stored
        already, adds what is missing and nothing else.
        """
        winners: list[Candidate] = []
        refused: list[Candidate] = []
        for candidates in judged:
            unknown = [
                candidate for candidate in candidates if not self.book.knows(self._id(candidate.detection))
            ]
            passed = sorted((candidate for candidate in unknown if candidate.passed), key=lambda c: c.rank)
            refused += [candidate for candidate in unknown if not candidate.passed]
            if passed and not self.book.has_chosen(passed[0].detection.symbol, passed[0].detection.ts):
                names = tuple(other.detection.detector for other in passed[1:])
                winners.append(replace(passed[0], confirmed_by=names))
        winners, over_budget = self._within_budget(winners)
        entries = [self._entry(candidate, run_id, now) for candidate in winners]
        return entries + self._shadows(refused + over_budget, run_id, now)

    def _candidate(self, situation: Situation, detection: Detection, *, conflict: bool) -> Candidate:
        instrument, series = situation.instrument, situation.study.series
        fresh = fresh_contexts(situation.study, self.catalogue, situation.index)
        context = tuple(name for name in fresh.get(detection.direction, ()) if name != detection.detector)
        conviction = Conviction.HIGH if context else Conviction.NORMAL
        readings = confluence(situation.study, situation.index)
        gates = self.catalogue[detection.detector].gates
        results = list(quality_gates(gates, detection, readings, conviction, self.strategy.gates))
        kind, bar_ts = instrument.asset_class, detection.ts
        evidence = self.odds.of(detection.detector, detection.direction, kind, self.timeframe, bar_ts)
        if self.strategy.min_mean_r_lo is not None:
            results.append(evidence_gate(evidence, self.strategy.min_mean_r_lo))
        if detection.direction is Direction.SHORT and not instrument.shortable:
            results.append(portfolio_gate("not_shortable", f"{instrument.symbol} cannot be sold short"))
        if conflict:
            results.append(portfolio_gate("conflict", "long and short triggers on the same bar"))
        per_session = self.calendar.bars_per_session(kind, self.timeframe)
        cooldown = self.book.cooldown(series, situation.index, detection.detector, per_session)
        slot = self.book.slot(instrument.symbol, detection.ts)
        results += [gate for gate in (slot, cooldown) if gate is not None]
        return Candidate(
            instrument=instrument,
            detection=detection,
            conviction=conviction,
            context=context,
            readings=readings,
            gates=tuple(results),
            valid_until=self._valid_until(instrument, detection.ts),
            late_bars=situation.late_bars,
            feed=situation.feed,
            evidence=evidence,
        )

    def _valid_until(self, instrument: Instrument, ts: datetime) -> datetime:
        return self.calendar.close_after(instrument.asset_class, self.timeframe, ts, self.strategy.valid_bars)

    def _within_budget(self, winners: list[Candidate]) -> tuple[list[Candidate], list[Candidate]]:
        if not winners:
            return [], []
        ranked = sorted(winners, key=lambda winner: (*winner.rank, winner.instrument.symbol))
        bar_ts = ranked[0].detection.ts
        budget = self.strategy.max_announcements
        left = max(0, budget - self.book.opened_at(bar_ts, ranked[0].instrument.asset_class))
        detail = f"more than {budget} setups on one bar"
        refusal = portfolio_gate(OVER_BUDGET, detail, len(ranked) + budget - left, budget)
        return ranked[:left], [winner.refused(refusal) for winner in ranked[left:]]

    def _shadows(self, refused: list[Candidate], run_id: str, now: datetime) -> list[Entry]:
        entries = []
        for candidate in refused:
            found = candidate.detection
            if not self.book.has_shadow(found.symbol, found.detector, found.direction):
                entries.append(self._entry(candidate, run_id, now))
        return entries

    def _id(self, found: Detection) -> str:
        return signal_id(
            self.strategy.name, found.symbol, self.timeframe, found.ts, found.detector, found.direction
        )

    def _entry(self, candidate: Candidate, run_id: str, now: datetime) -> Entry:
        strategy, found, instrument = self.strategy, candidate.detection, candidate.instrument
        signal = Signal(
            signal_id=self._id(found),
            symbol=found.symbol,
            asset_class=instrument.asset_class,
            timeframe=self.timeframe,
            strategy=strategy.name,
            strategy_version=self.version,
            run_id=run_id,
            detector=found.detector,
            family=found.family,
            conviction=candidate.conviction,
            bar_ts=found.ts,
            plan=self._plan(found, instrument),
            valid_until=candidate.valid_until,
            created_at=now,
            late_bars=candidate.late_bars,
            confirmed_by=candidate.confirmed_by,
            context=candidate.context,
            anchors=found.anchors,
            gates=candidate.gates,
            confluence=candidate.readings,
            feed=candidate.feed,
            evidence=candidate.evidence,
        )
        created = Event(type=EventType.CREATED, ts=now)
        entry = Entry(apply(signal, created), stored_revision=0, unsaved=[created])
        self.book.add(entry)
        return entry

    def _plan(self, found: Detection, instrument: Instrument) -> Plan:
        strategy = self.strategy
        return Plan(
            direction=found.direction,
            entry=found.entry,
            stop=found.stop,
            targets=found.targets,
            invalidation=found.invalidation,
            entry_type=strategy.entry,
            valid_bars=strategy.valid_bars,
            max_bars=strategy.max_bars,
            fractions=strategy.fractions,
            cost_rate=strategy.costs.rate(instrument.asset_class, found.atr / found.entry),
            risk_usd=strategy.risk_per_trade,
        )
