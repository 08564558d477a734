"""Work on many things, shared among the cores: series, most of all."""

import multiprocessing
import warnings
from collections.abc import Callable, Sequence, Sized
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from typing import Any, Generic, TypeVar

from crypto_signals.analysis.panel_pool import LARGE_BARS, cores, forks_safely, leave_to_parent

S = TypeVar("S", bound=Sized)
T = TypeVar("T")

Progress = Callable[[int, int], None]
"""Told how many series are done, and of how many."""

_work: list[Callable[[int], Any]] = []
"""In a forked worker, what it has to do."""


def nobody(_done: int, _all: int) -> None:
    """Nobody watches."""


class _Task(Generic[S, T]):
    def __init__(self, work: Callable[[S], T], series: Sequence[S]) -> None:
        self.work, self.series = work, series

    def __call__(self, row: int) -> T:
        return self.work(self.series[row])


def over_series(
    work: Callable[[S], T],
    series: Sequence[S],
    progress: Progress = nobody,
    processes: int | None = None,
) -> list[T]:
    """``work`` of each series, or of whatever else has a length, in their order; what it gives must be
    picklable.

    Many bars are worth copies of this process where it can be forked; the result never depends on it.
    """
    bars = sum(map(len, series))
    wanted = processes if processes is not None else cores() if bars >= LARGE_BARS else 1
    workers = min(wanted, len(series)) if forks_safely() else 1
    if workers < 2:
        return list(_here(work, series, progress))
    return _in_copies(_Task(work, series), workers, progress)


def _here(work: Callable[[S], T], series: Sequence[S], progress: Progress) -> list[T]:
    found = []
    for done, row in enumerate(series, 1):
        found.append(work(row))
        progress(done, len(series))
    return found


def _in_copies(task: _Task[S, T], workers: int, progress: Progress) -> list[T]:
    """The longest first, so that no worker is left with a long one at the end."""
    rows = sorted(range(len(task.series)), key=lambda row: -len(task.series[row]))
    found = {rows[0]: task(rows[0])}  # compiles once what the copies then have compiled
    context = multiprocessing.get_context("fork")
    with (
        warnings.catch_warnings(),
        ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(task,)) as pool,
    ):
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside any thread
        jobs: dict[Future[T], int] = {pool.submit(_run, row): row for row in rows[1:]}
        for done, job in enumerate(as_completed(jobs), 2):
            found[jobs[job]] = job.result()
            progress(done, len(rows))
    return [found[row] for row in range(len(rows))]


def _begin(task: Callable[[int], Any]) -> None:
    _work[:] = [task]
    leave_to_parent()


def _run(row: int) -> Any:
    return _work[0](row)
