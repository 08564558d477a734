"""Why a symbol's newest bar opened a signal, or did not: every detector, every gate, with the numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crypto_signals.analysis.catalogue import Catalogue, Detector
from crypto_signals.analysis.confluence import confluence
from crypto_signals.analysis.detections import Detection
from crypto_signals.analysis.panel import as_datetime
from crypto_signals.analysis.scan import detect, runs_on
from crypto_signals.domain.bars import BarProblem
from crypto_signals.domain.evidence import Evidence
from crypto_signals.domain.signals import GateResult
from crypto_signals.domain.strategy import Strategy
from crypto_signals.domain.wording import counted
from crypto_signals.engine.book import Book
from crypto_signals.engine.odds import NO_ODDS, Odds
from crypto_signals.engine.openings import Candidate, Opener, Situation
from crypto_signals.engine.ports import Calendar
from crypto_signals.engine.sight import Sight, opens


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one detector says of the bar, what its gates make of it, and what was measured of such setups."""

    detector: str
    direction: str
    role: str
    fired: bool
    says: str
    gates: tuple[GateResult, ...] = ()
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    strategy: str
    ts: datetime
    readings: Mapping[str, float | None]
    verdicts: tuple[Verdict, ...]
    problems: tuple[BarProblem, ...] = ()

    @property
    def outcome(self) -> str:
        """The whole in one sentence."""
        found = [v for v in self.verdicts if v.gates]
        if not found:
            return "No trigger fired on this bar: there was nothing to refuse."
        passed = [v.detector for v in found if all(gate.passed for gate in v.gates)]
        if passed:
            return f"Every gate passed for {', '.join(passed)}: this bar opens a signal."
        refusals = {gate.gate for v in found for gate in v.gates if not gate.passed}
        return f"{counted(len(found), 'trigger')} fired, all refused, by: {', '.join(sorted(refusals))}."


def explain(
    sight: Sight,
    strategy: Strategy,
    catalogue: Catalogue,
    calendar: Calendar,
    book: Book,
    odds: Odds = NO_ODDS,
) -> Explanation:
    """Judges the newest bar as the main job would, without storing anything."""
    series, index = sight.study.series, len(sight.study.series) - 1
    found = {d.detector: d for d in detect(sight.study, catalogue, index)}
    triggers = tuple(d for d in found.values() if opens(strategy, d))
    judged: dict[str, Candidate] = {}
    if triggers:
        situation = Situation(sight.instrument, sight.study, index, triggers, sight.feed)
        candidates = Opener(strategy, book, catalogue, calendar, odds).judge(situation)
        judged = {candidate.detection.detector: candidate for candidate in candidates}
    verdicts = tuple(_verdict(entry, sight, found, judged) for entry in catalogue)
    return Explanation(strategy.name, as_datetime(series.ts[index]), confluence(sight.study, index), verdicts)


def _verdict(
    entry: Detector,
    sight: Sight,
    found: Mapping[str, Detection],
    judged: Mapping[str, Candidate],
) -> Verdict:
    candidate = judged.get(entry.name)
    gates = () if candidate is None else candidate.gates
    return Verdict(
        entry.name,
        entry.direction.value,
        entry.role.value,
        entry.name in found,
        _says(entry, sight, found.get(entry.name), gates),
        gates,
        None if candidate is None else candidate.evidence,
    )


def _says(entry: Detector, sight: Sight, detection: Detection | None, gates: tuple[GateResult, ...]) -> str:
    bars = len(sight.study.series)
    if not runs_on(entry, sight.study.series):
        return "is not run here: it needs gaps, and crypto has none"
    if bars <= entry.warm_up_bars:
        return f"is not warm: it needs {entry.warm_up_bars} bars before this one, there are {bars - 1}"
    if detection is None:
        return "no pattern on this bar"
    refusals = [gate for gate in gates if not gate.passed]
    if refusals:
        return f"fired, refused: {'; '.join(gate.detail for gate in refusals)}"
    return "fired, passed every gate" if gates else "fired; context, opens nothing by itself"
