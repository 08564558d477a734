"""The Discord and Alpaca stand-ins as a real process, for the tests of any room."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

AGENT = {"User-Agent": "DiscordBot (https://example.org/sentinel, 1.0)"}
MODULE = (sys.executable, "-m", "crypto_signals.simulator")
STOP_SECONDS = 10


@dataclass(frozen=True)
class DiscordSimulator:
    """A running simulator: its addresses, and what a test may ask of it."""

    url: str
    discord_api_url: str
    forum_webhook: str
    text_webhook: str
    bot_token: str
    forum_channel_id: str
    text_channel_id: str
    alpaca_data_url: str
    alpaca_trading_url: str
    process: subprocess.Popen[str]
    client: httpx.Client

    def threads(self) -> list[dict[str, Any]]:
        """All threads with their messages, in order."""
        return self._json("GET", "/simulator/threads")

    def requests(self) -> list[dict[str, Any]]:
        """The log of requests, oldest first."""
        return self._json("GET", "/simulator/requests")

    def faults(self, rules: list[dict[str, Any]]) -> None:
        """Put fault rules in force."""
        self._json("POST", "/simulator/faults", rules)

    def random_faults(self, faults: list[dict[str, Any]]) -> None:
        """Let requests fail at random, from a seed."""
        self._json("POST", "/simulator/faults/random", faults)

    def struck(self) -> dict[str, dict[str, int]]:
        """How often each kind of random fault has struck, by service."""
        rows = self._json("GET", "/simulator/faults/random")
        return {row["service"]: row["struck"] for row in rows}

    def clear_faults(self) -> None:
        """No more faults."""
        self._json("DELETE", "/simulator/faults")

    def clock(self, now: str | None) -> None:
        """Stand at an instant, or follow the real time again."""
        self._json("POST", "/simulator/clock", {"now": now})

    def skew(self, seconds: float) -> None:
        """Let the services' clocks be fast."""
        self._json("POST", "/simulator/clock", {"skew_seconds": seconds})

    def plan(self, plan: str) -> None:
        """The Alpaca account's plan, ``basic`` or ``plus``."""
        self._json("POST", "/simulator/alpaca", {"plan": plan})

    def limits(self, **limits: tuple[int, float] | None) -> None:
        """Set ``webhook``, ``channel``, ``bot``, ``bot_total`` or ``alpaca`` to (requests, seconds); None
        switches it off."""
        shapes = {
            name: limit and {"requests": limit[0], "seconds": limit[1]} for name, limit in limits.items()
        }
        self._json("POST", "/simulator/limits", shapes)

    def habits(self, **habits: object) -> None:
        """Set ``search_lag_seconds``, ``nonce_seconds`` or the ``missing`` permissions of the bot."""
        self._json("POST", "/simulator/discord", habits)

    def delete_thread(self, thread_id: str) -> None:
        """As a moderator would."""
        self._json("DELETE", f"/simulator/threads/{thread_id}")

    def archive_thread(self, thread_id: str) -> None:
        """As time would."""
        self._json("POST", f"/simulator/threads/{thread_id}/archive")

    def delete_channel(self, channel_id: str) -> None:
        """As an administrator would."""
        self._json("DELETE", f"/simulator/channels/{channel_id}")

    def as_bot(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request of the bot's, such as a test makes beside the product's."""
        headers = {"Authorization": f"Bot {self.bot_token}"}
        return self.client.request(method, self.discord_api_url + path, headers=headers, **options)

    def reset(self) -> None:
        """Back to the state after the start."""
        self._json("POST", "/simulator/reset")

    def _json(self, method: str, path: str, body: object = None) -> Any:
        response = self.client.request(method, self.url + path, json=body)
        response.raise_for_status()
        return response.json() if response.content else None


@contextmanager
def running_simulator(
    *, bars: Sequence[Path] = (), now: str | None = None, limited: bool = False
) -> Iterator[DiscordSimulator]:
    """A simulator on a free port; without ``limited`` the rate limits are off until a test sets them."""
    options = [word for path in bars for word in ("--bars", str(path))]
    options += ["--now", now] if now else []
    options += [] if limited else ["--no-limits"]
    with subprocess.Popen([*MODULE, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("the simulator did not start")
            with httpx.Client(headers=AGENT, timeout=10) as client:
                yield DiscordSimulator(process=process, client=client, **json.loads(line))
        finally:
            stop(process)


def stop(process: subprocess.Popen[str]) -> None:
    """End the process as an operator would; a stuck one is killed and fails the test."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


@pytest.fixture(scope="module")
def simulator_process() -> Iterator[DiscordSimulator]:
    """One simulator for all tests of a module."""
    with running_simulator() as simulator:
        yield simulator


@pytest.fixture
def discord_simulator(simulator_process: DiscordSimulator) -> DiscordSimulator:
    """A simulator in the state after its start, with rate limits off."""
    simulator_process.reset()
    return simulator_process
