"""``sentinel serve``: runs at once and at each moment, through failures, until it is told to stop."""

import datetime as dt
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from crypto_signals.app.serving import Loop
from crypto_signals.domain.errors import NoBars
from crypto_signals.engine.replay import VirtualClock
from crypto_signals.engine.summary import Summary
from e2e.program import CRYPTO, Program, clean, until

START = dt.datetime(2018, 12, 20, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


@dataclass
class Day:
    """A day in virtual time, a moment every hour: runs take ``takes``, ``fails`` are those that raise."""

    takes: list[dt.timedelta]
    fails: dict[int, Exception] = field(default_factory=dict)
    began: list[dt.datetime] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    stopping: bool = False

    def __post_init__(self) -> None:
        self.clock = VirtualClock(START + dt.timedelta(minutes=10))

    def wait(self, seconds: float) -> bool:
        self.clock.set(self.clock.now() + dt.timedelta(seconds=seconds))
        return True

    def run_once(self) -> Summary:
        number = len(self.began)
        self.began.append(self.clock.now())
        self.clock.set(self.clock.now() + self.takes[number])
        self.stopping = number == len(self.takes) - 1
        if number in self.fails:
            raise self.fails[number]
        return Summary(run_id=str(number))

    def live(self) -> list[str]:
        """When runs began."""
        Loop(self.run_once, top_of_the_hour, self.clock, self, self.said.append).go_on()
        return [f"{ts:%H:%M:%S}" for ts in self.began]


def top_of_the_hour(ts: dt.datetime) -> dt.datetime:
    return ts.replace(minute=0, second=0, microsecond=0) + HOUR


def minutes(*counts: int) -> list[dt.timedelta]:
    return [dt.timedelta(minutes=count) for count in counts]


def test_it_runs_at_once_and_then_on_time_however_long_runs_take() -> None:
    """The moments do not drift with the length of the runs."""
    assert Day(minutes(7, 1, 30, 0)).live() == ["12:10:00", "13:00:00", "14:00:00", "15:00:00"]


def test_a_run_that_outlasts_moments_makes_up_for_them_by_one() -> None:
    """Nothing overlaps, nothing piles up."""
    assert Day(minutes(185, 1, 0)).live() == ["12:10:00", "15:15:00", "16:00:00"]


def test_a_run_that_fails_ends_nothing() -> None:
    """Whatever it raises is said, and the next moment finds it at work."""
    day = Day(minutes(0, 0, 0), {0: NoBars("no bars today"), 1: RuntimeError("oh")})
    assert day.live() == ["12:10:00", "13:00:00", "14:00:00"]
    assert day.said == ["no bars today", "RuntimeError: oh"]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    settings = {"BARS_URL": f"file:{CRYPTO}", "CRYPTO_SYMBOLS": "BTC/USD", "HTTP_BIND": "127.0.0.1:0"}
    return Program(tmp_path, settings)


def status(url: str) -> int:
    return httpx.get(url, trust_env=False).status_code


@contextmanager
def serving(program: Program, **settings: object) -> Iterator[str]:
    """The address of a running program; it ends with 143, in time, when the block is left."""
    process = program.start("serve", **settings)
    assert process.stdout is not None
    assert process.stderr is not None
    lines = [process.stderr.readline()]
    reader = threading.Thread(target=lambda: lines.extend(process.stderr or ()))
    reader.start()
    try:
        yield re.findall(r"http://[\d.:]+", lines[0])[0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM
    finally:
        process.kill()
        reader.join()
        process.stdout.close()
        process.stderr.close()
    assert "Traceback" not in "".join(lines)


def test_a_served_program_runs_at_once_and_can_be_watched(program: Program) -> None:
    """Alive from the start, ready once the first run has ended; metrics are there; it holds the folder."""
    with serving(program) as served:
        assert status(f"{served}/healthz") == 200
        until(lambda: status(f"{served}/readyz") == 200)
        metrics = httpx.get(f"{served}/metrics", trust_env=False)
        assert 'sentinel_runs_total{outcome="done"} 1.0' in metrics.text
        assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
        assert status(f"{served}/nothing") == 404
        assert httpx.head(f"{served}/healthz", trust_env=False).text == ""
        second = clean(program("run"))
        assert (second.code, "is held by" in second.err) == (0, True)


def test_a_copy_that_a_served_program_keeps_from_being_made_is_a_failure(program: Program) -> None:
    """Whoever schedules it as a backup hears of it: exit 3, one line that says who holds the folder."""
    target = program.folder / "copy.db"
    with serving(program) as served:
        until(lambda: status(f"{served}/readyz") == 200)
        copy = clean(
            program("store", "copy", f"sqlite:///{program.home / 'sentinel.db'}", f"sqlite:///{target}")
        )
    assert (copy.code, copy.out, len(copy.said)) == (3, "", 1)
    assert re.search(r"nothing was copied: .* is held by process \d+\. Stop it", copy.said[0])
    assert not target.exists()


def test_a_served_run_says_how_long_it_took(program: Program) -> None:
    """As `sentinel run` does, in the summary on stdout."""
    process = program.start("serve")
    assert process.stdout is not None
    summary = json.loads(process.stdout.readline())
    program.stop(process, signal.SIGTERM)
    assert summary["duration_s"] > 0


def test_a_run_that_waits_for_a_service_ends_in_time_when_told_to(program: Program) -> None:
    """A service that takes connections and never answers holds nobody up for more than 10 s; until then the
    program lives, and is not ready."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with serving(program, BARS_URL="alpaca", ALPACA_DATA_URL=url) as served:
            connection, _ = silent.accept()
            assert (status(f"{served}/healthz"), status(f"{served}/readyz")) == (200, 503)
        connection.close()


@pytest.mark.parametrize(("bind", "warned"), [("0.0.0.0:0", True), ("127.0.0.1:0", False)])
def test_pages_that_others_can_read_are_said_to_be_so(program: Program, bind: str, *, warned: bool) -> None:
    """On loopback nothing needs to be said."""
    process = program.start("serve", HTTP_BIND=bind)
    until((program.home / "sentinel.db").exists)
    answer = program.stop(process, signal.SIGTERM)
    assert (answer.code, "can read these pages" in answer.err) == (128 + signal.SIGTERM, warned)


def test_an_address_that_is_taken_is_said_before_anything_is_done(program: Program) -> None:
    """Exit 2, one line that names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = clean(program("serve", HTTP_BIND=f"127.0.0.1:{taken.getsockname()[1]}"))
    assert (answer.code, len(answer.said), "HTTP_BIND" in answer.err) == (2, 1, True)


def test_a_clock_that_stands_still_cannot_be_served(program: Program) -> None:
    """SENTINEL_NOW is for single runs."""
    answer = clean(program("serve", SENTINEL_NOW="2018-12-20T00:05:00Z"))
    assert (answer.code, len(answer.said), "SENTINEL_NOW" in answer.err) == (2, 1, True)
