"""Scan a panel: small ones in this process, large ones on all cores.

Workers are processes: TA-Lib keeps the interpreter to itself, so threads would wait for each other. This one
works too, as what it finds need not be sent. The others are forked where that is safe (Linux, no other thread
of Python's), which costs nothing; elsewhere they are started anew. They know built-in detectors by name and
tolerance; a user's own ones stay in this process.
"""

import multiprocessing
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from itertools import islice
from multiprocessing.connection import wait
from typing import NamedTuple

from crypto_signals.analysis.catalogue import CATALOGUE, catalogue
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.panel import Panel
from crypto_signals.analysis.panel_detections import Block, PanelDetections
from crypto_signals.analysis.panel_scan import Answer, Question, Table, ask

BLOCK_BARS = 50_000
"""How many bars are studied together: many enough for numpy, few enough for the processor's cache."""
LARGE_BARS = 200_000
"""From here on, more than one core is worth its start."""


class Name(NamedTuple):
    """What a built-in detector is known by in another process."""

    name: str
    tolerance: float | None

    def detector(self) -> Detector:
        """The detector itself."""
        known = CATALOGUE if self.tolerance is None else catalogue(self.tolerance)
        return known[self.name]


_inherited: list[Panel] = []
"""In a forked worker, the parts of the panel."""


def scan_panel(
    panel: Panel,
    detectors: Sequence[Detector],
    *,
    first: int = 0,
    last_only: bool = False,
    with_confluence: bool = False,
    processes: int | None = None,
) -> PanelDetections:
    """What the detectors say on each series of the panel: the same as `detect`, bit for bit, and much faster.

    ``first`` leaves out the bars of each series before it, ``last_only`` all but the last one. By default the
    number of ``processes`` follows from the number of bars; the result never depends on it.
    """
    question = Question(first, last_only=last_only, with_confluence=with_confluence)
    asked = tuple(detectors)
    parts = list(_parts(panel))
    workers = min(_cores(panel) if processes is None else processes, len(parts))
    if workers < 2:
        return PanelDetections(asked, [Block(part, ask(part, asked, question)) for part in parts])
    return PanelDetections(asked, _in_processes(parts, asked, question, workers))


def _parts(panel: Panel) -> Iterator[Panel]:
    start = 0
    while start < len(panel):
        full = panel.offsets[start] + BLOCK_BARS
        end = max(start + 1, int((panel.offsets <= full).sum()) - 1)
        yield panel.part(start, end)
        start = end


def _cores(panel: Panel) -> int:
    return 1 if len(panel.ts) < LARGE_BARS else cores()


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def forks_safely() -> bool:
    """Whether a copy of this process may go on by itself: on Linux, beside no other thread of Python's."""
    return sys.platform == "linux" and threading.active_count() == 1


def _in_processes(
    parts: list[Panel], detectors: Sequence[Detector], question: Question, workers: int
) -> list[Block]:
    built_in = [place for place, entry in enumerate(detectors) if is_built_in(entry)]
    own = [place for place, entry in enumerate(detectors) if not is_built_in(entry)]
    names = [Name(detectors[place].name, detectors[place].tolerance) for place in built_in]
    _answer(_first_bars(parts), names, question)  # compiles once what the workers then find compiled
    forks = forks_safely()
    with _pool(workers - 1, parts, forks=forks) as pool, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside any thread
        pending = [
            pool.submit(_answer, place if forks else part, names, question)
            for place, part in enumerate(parts)
        ]
        here = replace(question, with_confluence=False)
        beside = [
            ask(part, [detectors[place] for place in own], here).tables if own else [] for part in parts
        ]
        mine = _taken_over(pending, parts, names, question)
        found = [
            mine.get(place) or _result(future, parts[place], names, question)
            for place, future in enumerate(pending)
        ]
    return [
        Block(part, _merged(answer, built_in, tables, own))
        for part, answer, tables in zip(parts, found, beside, strict=True)
    ]


def is_built_in(entry: Detector) -> bool:
    """Whether it is ours, and no user's own."""
    return entry.name in CATALOGUE and Name(entry.name, entry.tolerance).detector() is entry


def _first_bars(parts: list[Panel]) -> Panel:
    rows = (series for part in parts for series in part if len(series))
    return Panel.of(series[:10] for series in islice(rows, 1))


def _pool(workers: int, parts: list[Panel], *, forks: bool) -> Executor:
    """Forked workers have the bars already, others get them with each piece of work."""
    context = multiprocessing.get_context("fork" if forks else "spawn")
    return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(parts if forks else [],))


def _begin(parts: list[Panel]) -> None:
    _inherited[:] = parts
    leave_to_parent()


def leave_to_parent() -> None:
    """A worker leaves interruptions to its parent, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _answer(part: Panel | int, names: Sequence[Name], question: Question) -> Answer:
    panel = _inherited[part] if isinstance(part, int) else part
    return ask(panel, [name.detector() for name in names], question)


def _taken_over(
    pending: "list[Future[Answer]]", parts: list[Panel], names: Sequence[Name], question: Question
) -> dict[int, Answer]:
    """The answers on the last parts, found here while the workers are busy with the first ones: what is
    found here need not be sent."""
    found: dict[int, Answer] = {}
    for place in reversed(range(len(parts))):
        if not pending[place].cancel():
            break
        found[place] = _answer(parts[place], names, question)
    return found


def _result(future: "Future[Answer]", part: Panel, names: Sequence[Name], question: Question) -> Answer:
    """What the worker found; should one have been killed, its work is done here."""
    try:
        return future.result()
    except BrokenProcessPool:
        return _answer(part, names, question)


def _merged(answer: Answer, built_in: list[int], tables: list[Table], own: list[int]) -> Answer:
    """Both kinds of tables, each with the number of its detector among all."""
    found = [replace(table, detector=built_in[table.detector]) for table in answer.tables]
    return Answer(found + [replace(table, detector=own[table.detector]) for table in tables], answer.readings)
