"""Fixed-window rate limits, on the real clock: durations stay real even when the virtual clock stands."""

import math
import time
from dataclasses import dataclass

from crypto_signals.simulator.settings import Limits, RateLimit


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window answered: was the request let through, and how much is left until it reopens."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: float

    @property
    def reset_at(self) -> float:
        """Epoch seconds at which the window reopens."""
        return time.time() + self.reset_after

    def alpaca_headers(self, skew_seconds: float) -> dict[str, str]:
        """The headers of Alpaca's answers, by a clock that is so many seconds fast."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(math.ceil(self.reset_at + skew_seconds)),
        }


class Window:
    """Opens with the first request after the previous window ended, and counts only what it lets through."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._opened = -math.inf
        self._used = 0

    def take(self, now: float) -> Reading:
        """Ask for one request at the monotonic time ``now``."""
        if now - self._opened >= self._limit.seconds:
            self._opened, self._used = now, 0
        allowed = self._used < self._limit.requests
        self._used += allowed
        remaining = self._limit.requests - self._used
        return Reading(allowed, self._limit.requests, remaining, self._opened + self._limit.seconds - now)


class Limiter:
    """All windows of one simulator, made as they are first asked for."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._windows: dict[tuple[str, str], Window] = {}

    def replace(self, limits: Limits) -> None:
        """Use other limits, with every window fresh."""
        self.limits = limits
        self._windows.clear()

    def webhook(self, webhook_id: str) -> Reading | None:
        """One request on a webhook; None when the limit is switched off."""
        return self._take("webhook", webhook_id, self.limits.webhook)

    def channel(self, channel_id: str) -> Reading | None:
        """One message into a channel."""
        return self._take("channel", channel_id, self.limits.channel)

    def bot(self, route: str) -> Reading | None:
        """One request of the bot on a route, which names its channel or server."""
        return self._take("bot", route, self.limits.bot)

    def bot_total(self) -> Reading | None:
        """One request of the bot on any route."""
        return self._take("bot_total", "", self.limits.bot_total)

    def alpaca(self, host: str) -> Reading | None:
        """One request on a host of Alpaca's, ``data`` or ``trading``; each has one allowance for all of its
        endpoints.
        """
        return self._take("alpaca", host, self.limits.alpaca)

    def _take(self, kind: str, key: str, limit: RateLimit | None) -> Reading | None:
        if limit is None:
            return None
        window = self._windows.setdefault((kind, key), Window(limit))
        return window.take(time.monotonic())
