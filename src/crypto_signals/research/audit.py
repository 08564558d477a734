"""The conformance kit over many series, then what is asked of a backtest of them, as one list of checks."""

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Series
from crypto_signals.analysis.panel_pool import is_built_in
from crypto_signals.domain.errors import SentinelError
from crypto_signals.research.backtest_audit import CHECKS as BACKTEST_CHECKS
from crypto_signals.research.backtest_audit import FULL, SAMPLE, Inquiry, Rules, attempted
from crypto_signals.research.checks import Check
from crypto_signals.research.conformance import (
    CHECKS,
    EXACT_FACTORS,
    NASTY_BARS,
    ODD_FACTOR,
    Findings,
    Plan,
    digests,
    examine,
    examine_on_nasty_bars,
)
from crypto_signals.research.indicators import INDICATORS
from crypto_signals.research.speed import Speed, speed_of
from crypto_signals.research.starts import LEVEL_TOLERANCE, StartTally
from crypto_signals.research.synthetic import walk

Load = Callable[[], Catalogue]
"""Gives the detectors, in this process or in another: it must be picklable."""
Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""

FIRST = ("well_formed", "deterministic")
"""Who fails one of these is judged no further."""
DIGEST_BARS = 600
NOBODY = "not judged: no detector is left that is well formed and deterministic"
T = TypeVar("T")


class _Worker:
    """What a worker process holds from its first job on."""

    catalogue: Catalogue = Catalogue(())
    detectors: tuple[Detector, ...] = ()


def _prepare(load: Load, names: tuple[str, ...]) -> None:
    _Worker.catalogue = load()
    _Worker.detectors = tuple(_Worker.catalogue[name] for name in names)


def _examine(series: Series, plan: Plan) -> Findings:
    return examine(series, _Worker.detectors, plan)


def _digests(series: Sequence[Series]) -> dict[str, str]:
    return digests(series, _Worker.detectors)


def _ask(work: Callable[[Catalogue], T], names: frozenset[str]) -> T | str:
    """What ``work`` gives with the detectors named, in a worker process."""
    return attempted(lambda: work(_only(_Worker.catalogue, names)))


def _only(catalogue: Catalogue, names: frozenset[str]) -> Catalogue:
    return Catalogue(entry for entry in catalogue if entry.name in names)


def audit(
    panel: Sequence[Series],
    load: Load,
    names: Sequence[str],
    plan: Plan,
    *,
    rules: Sequence[Rules] = (),
    workers: int,
    progress: Progress,
) -> list[Check]:
    """Every check of the kit on the named detectors, each over all series; then backtests by ``rules``.

    Series are shared out to ``workers`` processes; what they say is compared with what this one says.
    Raises ``SentinelError`` when a detector ends the process in which it runs.
    """
    catalogue = load()
    detectors = tuple(catalogue[name] for name in names)
    drawn = [walk(plan.seed, DIGEST_BARS), *(series[:DIGEST_BARS] for series in panel[:2])]
    here = digests(drawn, detectors)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _prepare, (load, tuple(names))) as pool:
        try:
            there = pool.submit(_digests, drawn).result()
            findings = _collected(pool, panel, plan, progress)
            of_backtests = _of_backtests(
                pool, panel, catalogue, rules, _sound(names, findings), plan, progress
            )
        except BrokenProcessPool:
            raise SentinelError(
                "a detector ended the process that ran it; find it with sentinel audit --detector NAME"
            ) from None
    findings.append(examine_on_nasty_bars(detectors, plan.seed))
    for name in names:
        if here[name] != there[name]:
            findings[-1].fail("deterministic", name, "says something else in another process")
    speeds = {entry.name: speed_of(entry) for entry in detectors}
    return judged(detectors, findings, speeds, plan) + of_backtests


def _sound(names: Iterable[str], findings: Sequence[Findings]) -> frozenset[str]:
    return frozenset(name for name in names if not any(_failure(findings, check, name) for check in FIRST))


def _of_backtests(
    pool: ProcessPoolExecutor,
    panel: Sequence[Series],
    catalogue: Catalogue,
    rules: Sequence[Rules],
    sound: frozenset[str],
    plan: Plan,
    progress: Progress,
) -> list[Check]:
    """With the detectors that are ``sound``, and the built-in ones that may confirm what they find."""
    if not rules:
        return []
    if not sound:
        return [Check(check, one.subject, False, NOBODY) for one in rules for check in BACKTEST_CHECKS]
    names = sound | {entry.name for entry in catalogue if is_built_in(entry)}
    inquiry = Inquiry(panel, FULL if plan.full else SAMPLE, lambda work: pool.submit(_ask, work, names))
    return [check for one in rules for check in inquiry.checks(one, _only(catalogue, names), progress)]


def _collected(
    pool: ProcessPoolExecutor, panel: Sequence[Series], plan: Plan, progress: Progress
) -> list[Findings]:
    """The longest first, so that no worker is left with a long one at the end; in the order of the panel."""
    longest = sorted(range(len(panel)), key=lambda row: -len(panel[row]))
    jobs: dict[Future[Findings], int] = {pool.submit(_examine, panel[row], plan): row for row in longest}
    for done, _ in enumerate(as_completed(jobs), 1):
        progress("detectors, series", done, len(jobs))
    by_row = {row: job.result() for job, row in jobs.items()}
    return [by_row[row] for row in sorted(by_row)]


def judged(
    detectors: Iterable[Detector], findings: Sequence[Findings], speeds: dict[str, Speed], plan: Plan
) -> list[Check]:
    """One `Check` for each check and detector; with indicators, also for those and for each family."""
    entries = tuple(detectors)
    checks = [check for entry in entries for check in _of_detector(entry, findings, speeds[entry.name])]
    if plan.with_indicators:
        checks += _of_families(entries, findings) + _of_indicators(findings)
    return checks


def _of_detector(entry: Detector, findings: Sequence[Findings], speed: Speed) -> list[Check]:
    blocked = next((check for check in FIRST if _failure(findings, check, entry.name)), None)
    if blocked is not None:
        return [
            Check(
                check,
                entry.name,
                False,
                _failure(findings, check, entry.name) or f"not judged: not {blocked}",
            )
            for check in CHECKS
        ]
    seen = _Seen(entry.name, findings)
    found = [
        Check(check, entry.name, not (failure := _failure(findings, check, entry.name)), failure or passed)
        for check, passed in seen.details.items()
    ]
    found.append(Check("start_invariant", entry.name, seen.start.passed, seen.start.detail))
    found.append(Check("speed", entry.name, speed.passed, speed.detail))
    return sorted(found, key=lambda check: CHECKS.index(check.check))


class _Seen:
    """What was looked at to judge one detector."""

    def __init__(self, name: str, findings: Sequence[Findings]) -> None:
        ran = [row for row in findings if name in row.detections]
        self.start = _sum(row.starts.get(name) for row in ran)
        detections = sum(row.detections[name] for row in ran)
        bars, prefixes = sum(row.bars for row in ran), sum(row.prefixes for row in ran)
        on = f"{detections} detections on {bars} bars of {len(ran)} series"
        if not detections:
            on = "never fired on these bars" if ran else "does not run on these bars"
        exact = " and ".join(f"{factor:g}" for factor in EXACT_FACTORS)
        self.details = {
            "well_formed": on,
            "deterministic": f"the same again, and in another process; {on}",
            "causal": f"bit for bit the same on {prefixes} prefixes; {on}",
            "scale_invariant": f"bit for bit at {exact} times the price, same bars at {ODD_FACTOR:g}; {on}",
            "nan_safe": f"{len(ran)} defiled series, and every kind of {NASTY_BARS} drawn bars",
        }


def _failure(findings: Iterable[Findings], check: str, subject: str) -> str | None:
    return next((row.failures[check, subject] for row in findings if (check, subject) in row.failures), None)


def _sum(tallies: Iterable[StartTally | None]) -> StartTally:
    total = StartTally()
    for tally in tallies:
        total = total if tally is None else total.plus(tally)
    return total


def _of_families(entries: Sequence[Detector], findings: Sequence[Findings]) -> list[Check]:
    """How many detections of a family depend on where history starts, per million bars looked at."""
    checks = []
    for family in dict.fromkeys(entry.family for entry in entries):
        names = [entry.name for entry in entries if entry.family is family]
        total = _sum(row.starts.get(name) for row in findings for name in names)
        bars = max((_sum(row.starts.get(name) for row in findings).bars for name in names), default=0)
        total = total._replace(bars=bars)
        checks.append(Check("start_invariant", f"family {family.value}", total.passed, total.detail))
    return checks


def _of_indicators(findings: Sequence[Findings]) -> list[Check]:
    checks = []
    for name, memory in INDICATORS.items():
        subject = f"indicator {name}"
        failure = _failure(findings, "causal", subject)
        prefixes = sum(row.prefixes for row in findings)
        checks.append(
            Check("causal", subject, failure is None, failure or f"bit for bit the same, {prefixes} prefixes")
        )
        worst, symbol = max(((row.moves.get(name, 0.0), row.symbol) for row in findings), default=(0.0, ""))
        said = f"moves by at most {worst:.1e} after {memory.settled_bars} bars" + (
            f" ({symbol})" if worst else ""
        )
        checks.append(Check("start_invariant", subject, worst <= LEVEL_TOLERANCE, said))
    return checks
