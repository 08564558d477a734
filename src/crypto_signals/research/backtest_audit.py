"""What is asked of a backtest, and of the live engine with it, on bars.

parity
    The live engine, run at every close over windows of the bars, stores what the backtest says of them.
lifecycle
    The events of the outcome kernel are those of the lifecycle.
deterministic
    Asked again, in another process and by another number of processes, the backtest has the same hash.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, as_completed
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np

from crypto_signals.analysis.catalogue import Catalogue
from crypto_signals.analysis.panel import Panel, Series, as_datetime
from crypto_signals.analysis.panel_pool import forks_safely
from crypto_signals.analysis.study import Study
from crypto_signals.domain.instruments import Instrument
from crypto_signals.domain.strategy import Strategy
from crypto_signals.engine.ports import Calendar
from crypto_signals.engine.replay import HISTORY_BARS
from crypto_signals.research.backtest import Test, backtest, may_be_copied, newest_known
from crypto_signals.research.checks import Check
from crypto_signals.research.digest import digest
from crypto_signals.research.kernel_check import Apart, walk_both
from crypto_signals.research.live import live
from crypto_signals.research.outcomes import Track
from crypto_signals.research.parity import compare
from crypto_signals.research.setups import Setups, find_setups

T = TypeVar("T")

CHECKS = ("parity", "lifecycle", "deterministic")


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is looked at: so many symbols and, of these, so many windows of so many bars, and so many
    setups of each."""

    symbols: int
    windows: int
    bars: int
    setups: int


SAMPLE = Extent(symbols=20, windows=3, bars=120, setups=200)
FULL = Extent(symbols=1_000_000, windows=12, bars=250, setups=1_000_000_000)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a backtest is made with but the catalogue: it can be sent to another process."""

    strategy: Strategy
    calendar: Calendar
    subject: str = "backtest"

    def test(self, catalogue: Catalogue, since: np.datetime64 | None = None) -> Test:
        return Test(self.strategy, catalogue, self.calendar, since=since)


Submit = Callable[[Callable[[Catalogue], Any]], "Future[Any]"]
"""Has something asked of the catalogue in another process: gives what it found, or what a detector raised."""
Progress = Callable[[str, int, int], None]


class Inquiry:
    """Everything that is asked of a backtest of these bars, shared out to other processes."""

    def __init__(self, panel: Sequence[Series], extent: Extent, submit: Submit) -> None:
        self.extent, self.submit = extent, submit
        self.series = sampled(panel, extent.symbols)

    def checks(self, rules: Rules, catalogue: Catalogue, progress: Progress) -> list[Check]:
        now, most = newest_known(self.series, rules.test(catalogue)), self.extent.setups
        replays = [
            self.submit(partial(parity, window, rules)) for window in windows(self.series, self.extent)
        ]
        prints = [self.submit(partial(printed, self.series, count, rules)) for count in (2, 1)]
        walks = [self.submit(partial(lifecycle, series, now, most, rules)) for series in self.series]
        here = attempted(lambda: printed(self.series, 1, rules, catalogue))
        jobs = (*replays, *prints, *walks)
        for done, _ in enumerate(as_completed(jobs), 1):
            progress(f"{rules.subject}, part", done, len(jobs))
        return [
            judged_parity(rules.subject, [job.result() for job in replays]),
            judged_lifecycle(rules.subject, [job.result() for job in walks]),
            judged_deterministic(rules.subject, [here, *(job.result() for job in prints)]),
        ]


class Window(NamedTuple):
    """A time, and the bars that live had at its end: of each symbol, 500 before it and all within."""

    panel: Panel
    since: np.datetime64


class Answer(NamedTuple):
    """What one piece of work found: how much it saw, by kind, and what was wrong."""

    seen: dict[str, int]
    fault: str | None = None


def sampled(panel: Sequence[Series], most: int) -> list[Series]:
    """At most so many, evenly from those whose bars end first to those that go on longest."""
    filled = [series for series in panel if len(series)]
    by_end = sorted(range(len(filled)), key=lambda row: (filled[row].ts[-1], filled[row].symbol))
    places = np.unique(np.linspace(0, len(filled) - 1, min(most, len(filled))).astype(int))
    return [filled[row] for row in sorted(by_end[place] for place in places)]


def windows(panel: Sequence[Series], extent: Extent) -> list[Window]:
    """The newest bars, and then the times in which the bars of some symbol end, with a while after it: what
    is gone must end alike."""
    stamps = np.unique(Panel.of(panel).ts)
    ends = {int(np.searchsorted(stamps, series.ts[-1])) for series in panel}
    found: list[Window] = []
    first = len(stamps)
    for end in sorted(ends, reverse=True):
        if end >= first:
            continue
        if len(found) == extent.windows:
            break
        until = min(end + extent.bars // 4, len(stamps) - 1)
        first = max(0, until - extent.bars + 1)
        found.append(Window(Panel.of(_within(panel, stamps[first], stamps[until])), stamps[first]))
    return found


def _within(panel: Sequence[Series], since: np.datetime64, until: np.datetime64) -> Iterator[Series]:
    for series in panel:
        first, last = np.searchsorted(series.ts, since), np.searchsorted(series.ts, until, side="right")
        if first < last:
            yield series[max(0, int(first) - HISTORY_BARS) : int(last)]


def parity(window: Window, rules: Rules, catalogue: Catalogue) -> Answer:
    """The live engine over one window, against the backtest of the same bars."""
    test = rules.test(catalogue, window.since)
    found = compare(live(window.panel, test), backtest(window.panel, test, processes=1))
    bars = sum(int((series.ts >= window.since).sum()) for series in window.panel)
    seen = {"announced": found.announced, "shadow": found.shadows, "closed": found.closed}
    return Answer(seen | {"bars": bars}, found.parting and found.parting.words)


def lifecycle(series: Series, now: np.datetime64, most: int, rules: Rules, catalogue: Catalogue) -> Answer:
    """The setups of one series, or some of them, walked by the kernel and by the lifecycle."""
    kind, study = Instrument.of(series.symbol).asset_class, Study(series)
    setups = find_setups(study, catalogue, rules.strategy, kind)
    rows = np.unique(np.linspace(0, len(setups) - 1, min(most, len(setups))).astype(np.int64))
    setups = setups.take(rows)
    track = Track.of(study, kind, rules.calendar, now)
    walked = walk_both(track, setups.plans, rules.strategy, kind)
    fault = walked.apart and _in_words(walked.apart, series, setups, catalogue)
    return Answer({"setups": walked.plans, "events": walked.events}, fault)


def _in_words(apart: Apart, series: Series, setups: Setups, catalogue: Catalogue) -> str:
    detector = catalogue.names[setups.detector[apart.row]]
    opened = as_datetime(series.ts[setups.plans["bar"][apart.row]])
    return (
        f"{detector} of {opened:%Y-%m-%d %H:%M}, {series.symbol} bar {apart.ts:%Y-%m-%d %H:%M}: "
        f"{apart.field} is {apart.lifecycle} in the lifecycle, {apart.kernel} in the kernel"
    )


class Printed(NamedTuple):
    """The hash of a backtest, of how many trades it is, and how many processes made it."""

    digest: str
    trades: int
    processes: int


def printed(panel: Sequence[Series], processes: int, rules: Rules, catalogue: Catalogue) -> Printed:
    result = backtest(Panel.of(panel), rules.test(catalogue), processes=processes)
    used = min(processes, len(panel)) if may_be_copied(catalogue) and forks_safely() else 1
    return Printed(digest(result), len(result.choices), used)


def attempted(work: Callable[[], T]) -> T | str:
    """What ``work`` gives, or what a detector raised in it, in words."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - whatever a detector raises is a finding
        return f"could not be made: {type(error).__name__}: {' '.join(str(error).split())}"


def judged_parity(subject: str, answers: Sequence[Answer | str]) -> Check:
    said = (
        "{announced} announced and {shadow} shadow signals, {closed} of them closed, are the same day by day "
        "and in one go; {bars} bars in {pieces}"
    )
    return _judged("parity", subject, answers, said, "window")


def judged_lifecycle(subject: str, answers: Sequence[Answer | str]) -> Check:
    said = "{events} events of {setups} setups on {pieces} are the same in kernel and lifecycle"
    return _judged("lifecycle", subject, answers, said, "series")


def _judged(check: str, subject: str, answers: Sequence[Answer | str], said: str, piece: str) -> Check:
    for answer in answers:
        fault = answer if isinstance(answer, str) else answer.fault
        if fault is not None:
            return Check(check, subject, False, fault)
    kinds = {kind for answer in answers if isinstance(answer, Answer) for kind in answer.seen}
    total = {kind: sum(a.seen[kind] for a in answers if isinstance(a, Answer)) for kind in kinds}
    if not any(total.values()):
        return Check(check, subject, True, "nothing opens on these bars")
    return Check(check, subject, True, said.format(**total, pieces=_counted(len(answers), piece)))


def _counted(number: int, piece: str) -> str:
    return f"{number} {piece}" if number == 1 or piece.endswith("s") else f"{number} {piece}s"


def judged_deterministic(subject: str, prints: Sequence[Printed | str]) -> Check:
    """``prints`` of this process first."""
    for found in prints:
        if isinstance(found, str):
            return Check("deterministic", subject, False, found)
    hashes = [found for found in prints if isinstance(found, Printed)]
    most = max(found.processes for found in hashes)
    if len({found.digest for found in hashes}) > 1:
        each = ", ".join(f"{found.digest} by {found.processes}" for found in hashes)
        return Check(
            "deterministic", subject, False, f"says something else when asked again: {each} processes"
        )
    said = f"hash {hashes[0].digest} of {hashes[0].trades} trades {len(hashes)} times, in two processes"
    return Check("deterministic", subject, True, said + (f", and by {most} together" if most > 1 else ""))
