"""What a process has that runs the main job: the real clock, a budget of time, and the wish to stop."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from crypto_signals.domain.errors import SentinelError

GLANCE_S = 0.1


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class RunBudget:
    """A `Patience` of real time, stopped with the one that it lies ``within``. ``stop`` ends each wait soon.

    The wish to stop is a plain flag that waits look at: it is set by signal handlers, which must not lock.
    """

    def __init__(self, seconds: float, within: "RunBudget | None" = None) -> None:
        self._within = within
        self._deadline = time.monotonic() + seconds
        self._stopping = False

    @property
    def stopping(self) -> bool:
        return self._stopping or (self._within is not None and self._within.stopping)

    def stop(self) -> None:
        self._stopping = True

    def wait(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        if end > self._deadline:
            return False
        while not self.stopping and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, GLANCE_S))
        return not self.stopping


@contextmanager
def heartbeat(beat: Callable[[], None], every_s: float, budget: RunBudget) -> Iterator[None]:
    """Calls ``beat`` at intervals while the block lasts; when it fails, asks the run to stop."""
    done = threading.Event()

    def go_on() -> None:
        while not done.wait(every_s):
            try:
                beat()
            except SentinelError:
                budget.stop()
                return

    thread = threading.Thread(target=go_on, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def stopped_by_signals(budget: RunBudget) -> Iterator[list[int]]:
    """While the block lasts, SIGTERM and SIGINT let the run finish what it has in hand.

    Gives the list of the signals that came. A second one ends the program as usual.
    """
    came: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        budget.stop()
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
