"""Best-of timings, interleaved, so that what else the machine does hits both sides of a ratio."""

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

Work = Callable[[], object]


class Bar(NamedTuple):
    """What was promised of a piece of work, and what was measured; ``why``: where the time goes."""

    work: str
    measured: str
    promised: str
    met: bool
    why: str = ""


def best(works: Sequence[Work], rounds: int, clock: Callable[[], float] = time.process_time) -> list[float]:
    """The best time of each in seconds; every round runs all of them, one after the other.

    By default time of the processor, which other programs change little; for work on several cores it must
    be ``time.perf_counter``.
    """
    found = [float("inf")] * len(works)
    for _ in range(rounds):
        for place, work in enumerate(works):
            start = clock()
            work()
            found[place] = min(found[place], clock() - start)
    return found


def free_cores() -> float:
    """How much faster two loops that share nothing run on two cores than one after the other: 2 at best."""
    one, two = 0.0, float("inf")
    context = multiprocessing.get_context("spawn")
    with context.Pool(2) as pool:
        pool.map(_spin, range(2))
        for _ in range(3):
            start = time.perf_counter()
            _spin(0)
            middle = time.perf_counter()
            pool.map(_spin, range(2), chunksize=1)
            spent = time.perf_counter() - middle
            if spent < two:
                one, two = middle - start, spent
    return 2 * one / two


def _spin(_: int) -> int:
    return sum(range(30_000_000))


class Ran(NamedTuple):
    """A process that ended well: its time, the most memory that it and its children held, its words."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    said: str


def ran(*words: str, environment: dict[str, str] | None = None) -> Ran:
    """Runs this Python with these arguments."""
    started, used = time.perf_counter(), _cpu_of_children()
    process = subprocess.Popen(  # noqa: S603 - this Python, with arguments of our own
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | (environment or {}),
    )
    peaks: list[float] = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peaks))
    watcher.start()
    said, complaints = process.communicate()
    seconds = time.perf_counter() - started
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {process.returncode}: {complaints[-500:]}")
    return Ran(seconds, _cpu_of_children() - used, peaks[0], said)


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _watch(process: "subprocess.Popen[str]", peaks: list[float]) -> None:
    while process.poll() is None:
        peaks[0] = max(peaks[0], _megabytes(process.pid))
        time.sleep(0.05)


def _megabytes(pid: int) -> float:
    """What a process and its children hold, shared pages counted once; 0 where Linux does not say."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    own = next((int(line.split()[1]) / 1000 for line in text.splitlines() if line.startswith("Pss:")), 0.0)
    return own + sum(_megabytes(int(child)) for child in children)
