"""Two instances of the real program: at once on one host, and on two hosts of which one stalls."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.program import Program, clean, one_line
from proofs import short_lease
from proofs.lives import DAYS, FORUM, REPLY_S, SETTLE_S, SLOW, asked, eve, holds, start, stored
from proofs.told import judge
from simulator.simulator_fixtures import DiscordSimulator, running_simulator

pytestmark = pytest.mark.proof
STALLED = (str(Path(short_lease.__file__)),)
NOW = f"{DAYS[0]}T00:05:00Z"


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return eve(tmp_path_factory.mktemp("eve"))


@pytest.fixture(scope="module")
def simulator() -> Iterator[DiscordSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture
def discord(simulator: DiscordSimulator) -> DiscordSimulator:
    """The stand-in, which takes a moment to answer."""
    simulator.reset()
    simulator.faults([SLOW])
    return simulator


def hosts(before: Program, folder: Path, discord: DiscordSimulator) -> tuple[Program, Program]:
    """Two hosts that share a store, on the eve of two signals."""
    shared = folder / "shared.db"
    shutil.copy(before.home / "sentinel.db", shared)
    settings = before.settings | {
        **FORUM.settings(discord),
        "SETTLE_SECONDS": str(SETTLE_S),
        "STORE_URL": f"sqlite:///{shared}",
    }
    made = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        made.append(Program(folder / name, dict(settings)).without_notices())
    return made[0], made[1]


def rows(program: Program) -> list[tuple[object, ...]]:
    """Everything in the store."""
    path = program.settings["STORE_URL"].removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        return [(name, *row) for name in tables for row in connection.execute(f"SELECT * FROM {name}")]


def has_the_lease(program: Program) -> bool:
    identity = program.home / "instance"
    name = identity.read_text().strip() if identity.exists() else "nobody"
    return any(row[0] == "leases" and str(row[2]).endswith(f"/{name}") for row in rows(program))


def wait_for(process: subprocess.Popen[str], true: Callable[[], bool]) -> None:
    while not true() and process.poll() is None:
        time.sleep(0.005)


def taken_over(program: Program) -> bool:
    """Runs until the lease of the other one has lapsed; before that, each run steps aside and says so. False
    where the other one was stopped in the middle of a write: it keeps the file locked, and nobody goes on."""
    deadline = time.monotonic() + 60
    while True:
        answer = clean(program.finish(start(program, NOW, STALLED)))
        if answer.code == 3 and "locked" in answer.err:
            return False
        assert answer.code == 0, answer.everything
        if answer.out:
            return True
        assert "acts on this store" in answer.err
        assert time.monotonic() < deadline


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
def test_a_stalled_instance_that_wakes_up_writes_nothing(
    before: Program, discord: DiscordSimulator, tmp_path: Path, seed: int
) -> None:
    """SIGSTOP at a random moment, for longer than the lease: another host takes over and tells everything.
    When the first one goes on, it notices, stops with exit 1, and has changed nothing."""
    rng = random.Random(seed)  # noqa: S311 - to be repeated
    one, two = hosts(before, tmp_path, discord)
    process = start(one, NOW, STALLED)
    try:
        wait_for(process, lambda: has_the_lease(one) if seed % 2 else asked(discord) > 0)
        time.sleep(rng.uniform(0, 2 * REPLY_S))
        process.send_signal(signal.SIGSTOP)
        assert process.poll() is None, "stopped too late: it had ended"
        time.sleep(short_lease.LEASE_S + 0.2)
        moved_on = taken_over(two)
        left = rows(two) if moved_on else []
    finally:
        process.send_signal(signal.SIGCONT)
    stalled = one.finish(process)
    if moved_on:
        assert (stalled.code, "has taken over" in stalled.err) == (1, True), stalled.everything
        assert rows(two) == left
    else:
        assert stalled.code == 0, stalled.everything
    verdict = judge(stored(two), discord.threads(), can_find=False)
    assert verdict.faults == []
    assert verdict.repeats <= 2


@pytest.mark.timeout(600)
def test_of_many_started_at_once_one_acts(before: Program, discord: DiscordSimulator, tmp_path: Path) -> None:
    """Two on each of two hosts: those that step aside exit 0 and say who acts; nothing is told twice."""
    one, two = hosts(before, tmp_path, discord)
    started = [(program, start(program, NOW)) for program in (one, two, one, two)]
    answers = [clean(program.finish(process)) for program, process in started]
    assert [answer.code for answer in answers] == [0] * 4, answers
    aside = [answer for answer in answers if not answer.out]
    assert all("held by process" in answer.err or "acts on this store" in answer.err for answer in aside)
    acted = [json.loads(answer.out) for answer in answers if answer.out]
    assert sum(summary["announcements"] for summary in acted) == 2
    verdict = judge(stored(one), discord.threads(), can_find=False)
    assert (verdict.faults, verdict.repeats, verdict.messages) == ([], 0, 2)


@pytest.mark.timeout(600)
def test_many_may_make_a_new_store_at_once(
    before: Program, discord: DiscordSimulator, tmp_path: Path
) -> None:
    """Where there is no store yet, all of them try to make it: one does, none fails."""
    one, two = hosts(before, tmp_path, discord)
    for program in (one, two):
        program.settings["STORE_URL"] = f"sqlite:///{tmp_path / 'new' / 'store.db'}"
    started = [(program, start(program, NOW)) for program in (one, two, one, two)]
    answers = [clean(program.finish(process)) for program, process in started]
    assert [answer.code for answer in answers] == [0] * 4, answers


def test_the_second_on_one_host_says_who_holds_it(
    before: Program, discord: DiscordSimulator, tmp_path: Path
) -> None:
    """It exits 0 at once and names the process; the first one does everything."""
    program = before.copy(tmp_path / "one")
    program.settings |= {**FORUM.settings(discord), "SETTLE_SECONDS": str(SETTLE_S)}
    first = start(program, NOW)
    wait_for(first, lambda: holds(program, first))
    os.kill(first.pid, signal.SIGSTOP)
    try:
        line = one_line(program.finish(start(program, NOW)), 0)
    finally:
        os.kill(first.pid, signal.SIGCONT)
    assert str(first.pid) in line
    assert clean(program.finish(first)).row["announcements"] == 2
