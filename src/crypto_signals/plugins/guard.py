"""Calls detectors of one's own so that whatever goes wrong with them stays with them.

A detector is called in a thread of its own, on bars of its own, and has some seconds for each series. One
that does not come back in time is given up: an exception is raised in its thread, which ends any loop
written in Python. What this cannot do: stop a single call into compiled code (it runs on in its thread, and
if it also keeps the interpreter to itself, the program waits for it), bound the memory that a detector
takes, or survive one that crashes the process. Those are caught before: the conformance kit runs each new
version of a detector in a process of its own first, which can be ended.
"""

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any, TypeVar, cast

import numpy as np

from crypto_signals.analysis.detections import Hits
from crypto_signals.analysis.detector import Detector
from crypto_signals.analysis.study import Study
from crypto_signals.research.soundness import fault_of, numbers_fault_of
from crypto_signals.research.synthetic import copied

T = TypeVar("T")


class OutOfTime(Exception):
    """It did not come back within its time."""


class TriedToLeave(Exception):
    """It raised what ends a program, or a thread."""


class _GivenUp(BaseException):
    """Raised inside a thread that nobody waits for any more."""


_Answer = tuple[Any, Exception | None]
_Job = tuple[Callable[[], Any], "SimpleQueue[_Answer]"]


class Lane:
    """A thread in which work is done piece by piece, and which is left behind if a piece takes too long."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def call(self, work: Callable[[], T], seconds: float) -> T:
        """The result of ``work``, or what it raised; ``OutOfTime`` after ``seconds``.

        What it prints goes to stderr: standard output is for answers.
        """
        if self._thread is None:
            self._jobs = SimpleQueue()
            self._thread = threading.Thread(target=_serve, args=(self._jobs,), daemon=True)
            self._thread.start()
        answer: SimpleQueue[_Answer] = SimpleQueue()
        with redirect_stdout(sys.stderr):
            self._jobs.put((work, answer))
            try:
                result, error = answer.get(timeout=seconds)
            except Empty:
                self._give_up()
                raise OutOfTime(f"did not come back within {seconds:g} s") from None
        if error is not None:
            raise error
        return cast("T", result)

    def close(self) -> None:
        """Lets the thread end when it has nothing to do."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread = None

    def _give_up(self) -> None:
        thread = self._thread
        self.close()
        if thread is not None and thread.ident is not None:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(_GivenUp)
            )


def _serve(jobs: "SimpleQueue[_Job | None]") -> None:
    try:
        while (job := jobs.get()) is not None:
            work, answer = job
            process = os.getpid()
            try:
                with np.errstate(all="ignore"):
                    result = work()
                answer.put((result, None))
            except Exception as error:  # noqa: BLE001 - it is raised again by the caller
                answer.put((None, error))
            except _GivenUp:
                raise
            except BaseException as error:  # noqa: BLE001 - nobody else could say it: it ends this thread
                answer.put((None, TriedToLeave(f"raised {type(error).__name__}")))
            finally:
                if os.getpid() != process:
                    os._exit(1)  # a copy that the work forked: it has no caller
    except _GivenUp:
        return


def limited(entry: Detector, lane: Lane, seconds: float) -> Detector:
    """The detector on bars of its own and with a time limit a series; it raises what goes wrong."""

    def find(study: Study) -> Hits:
        own = Study(copied(study.series), study.first)
        return lane.call(lambda: entry.find(own), seconds)

    return replace(entry, find=find)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a detector is not, or no longer, asked. ``symbol`` is the series on which it failed."""

    detector: str
    symbol: str | None
    what: str


class Guard:
    """Detectors of one's own for one run: the first fault disables one, and is kept for the summary."""

    def __init__(self, seconds: float) -> None:
        self.faults: list[Fault] = []
        self._seconds = seconds
        self._lane = Lane()
        self._disabled: set[str] = set()

    def guarded(self, entry: Detector) -> Detector:
        """The detector as a run may call it: it never raises, and finds nothing once it has failed."""
        inner = limited(entry, self._lane, self._seconds)

        def find(study: Study) -> Hits:
            if entry.name in self._disabled:
                return Hits.none()
            try:
                hits = inner.find(study)
                warm = entry.warm_up_bars
                fault = fault_of(hits, len(study), warm) or numbers_fault_of(hits, warm)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run goes on
                fault = _words(error)
            if fault is None:
                return hits
            self._disable(entry.name, study.series.symbol, fault)
            return Hits.none()

        return replace(entry, find=find)

    def close(self) -> None:
        """Lets go of the thread."""
        self._lane.close()

    def _disable(self, name: str, symbol: str, fault: str) -> None:
        self._disabled.add(name)
        self.faults.append(Fault(name, symbol, f"{fault}; it is disabled for the rest of this run"))


def _words(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, OutOfTime | TriedToLeave):
        return text
    return f"raised {type(error).__name__}: {text}" if text else f"raised {type(error).__name__}"
