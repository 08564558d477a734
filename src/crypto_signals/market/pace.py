"""How fast a service may be asked: one pace for all threads, and for every host of an account."""

import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from threading import Lock

from crypto_signals.domain.errors import SourceFailed
from crypto_signals.engine.ports import Wait

PER_MINUTE = 200
MINUTE_S = 60.0
MAX_WAIT_S = 65.0
SAME_RESET_S = 3.0
"""Times of reset closer than this are one: answers may overtake each other, and each is a little off."""


def waited(seconds: float) -> bool:
    """Waits, whatever it takes."""
    time.sleep(seconds)
    return True


class Pace:
    """Lets ``per_minute`` requests through in any minute, or fewer where the service's headers say how many
    are left (``X-RateLimit-Remaining``) until when (``X-RateLimit-Reset``): others may use the same keys.

    ``delay_s``, if given, wins: one request every so many seconds, and of the headers only a refusal counts.
    ``wait`` waits, or says no at once where the run must not wait.
    """

    def __init__(
        self,
        per_minute: int = PER_MINUTE,
        delay_s: float | None = None,
        wait: Wait = waited,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.wait = wait
        self._limit = per_minute
        self._delay_s, self._clock = delay_s, clock
        self._lock = Lock()
        self._sent: deque[float] = deque(maxlen=per_minute)
        self._left: int | None = None
        self._resets_at = self._blocked_until = -MINUTE_S

    def take(self) -> None:
        """Comes back when the next request may go. Raises ``SourceFailed`` where the run must not wait."""
        while True:
            seconds = self._booked()
            if not self.wait(seconds):
                said = f"the next request may go in {seconds:.0f} s" if seconds else "no time is left"
                raise SourceFailed(f"Alpaca was not asked: {said}, and this run must end before")
            if not seconds:
                return

    def heard(self, headers: Mapping[str, str]) -> None:
        """Learns from the headers of an answer."""
        left, seconds = _number(headers, "Remaining"), until_reset(headers)
        if left is None or seconds is None:
            return
        with self._lock:
            resets_at = self._clock() + seconds
            same_window = self._left is not None and abs(resets_at - self._resets_at) < SAME_RESET_S
            self._left = min(self._left, left) if self._left is not None and same_window else left
            self._resets_at = resets_at

    def refused(self, seconds: float) -> None:
        """Lets nothing through for so many seconds."""
        with self._lock:
            self._blocked_until = max(self._blocked_until, self._clock() + seconds)

    def _booked(self) -> float:
        """0 with a request booked, or the seconds until one may be."""
        with self._lock:
            now = self._clock()
            seconds = max(self._blocked_until - now, self._held_back(now))
            if seconds > 0:
                return seconds
            self._sent.append(now)
            if self._left is not None:
                self._left -= 1
            return 0.0

    def _held_back(self, now: float) -> float:
        if self._delay_s is not None:
            return self._sent[-1] + self._delay_s - now if self._sent else 0.0
        if self._left is not None and now >= self._resets_at:
            self._left = None
        own = self._sent[-self._limit] + MINUTE_S - now if len(self._sent) >= self._limit else 0.0
        heard = self._resets_at - now if self._left is not None and self._left <= 0 else 0.0
        return max(own, heard)


def until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until a second after ``X-RateLimit-Reset`` (UNIX seconds) by the service's own clock, with
    jitter; bounded. ``None`` where it does not say."""
    reset = _number(headers, "Reset")
    if reset is None:
        return None
    now = time.time()
    with suppress(ValueError, TypeError):
        now = parsedate_to_datetime(headers["Date"]).timestamp() if "Date" in headers else now
    return min(max(0.0, reset - now) + 1.0 + random.uniform(0.0, 0.5), MAX_WAIT_S)  # noqa: S311 - jitter


def _number(headers: Mapping[str, str], name: str) -> int | None:
    text = headers.get(f"X-RateLimit-{name}", "")
    return int(text) if text.isascii() and text.isdigit() else None
