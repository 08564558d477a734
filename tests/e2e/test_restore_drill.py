"""The drill of SECURITY.md: the state is lost, and comes back from its backup, by the page's own commands."""

import os
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.program import CRYPTO, ROOT, Program, clean
from proofs.lives import stored
from proofs.told import judge
from repository.postgres_server import Server, running
from simulator.simulator_fixtures import DiscordSimulator

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
EVE, BEFORE, AFTER = "2018-06-14", ("2018-06-15", "2018-06-16"), ("2018-06-23", "2018-07-24", "2018-07-25")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture(params=["a file", "PostgreSQL"])
def backup(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty store somewhere else."""
    if request.param == "a file":
        yield f"sqlite:///{tmp_path / 'elsewhere' / 'backup.db'}"
        return
    postgresql: Server = request.getfixturevalue("server")
    with postgresql.database() as name:
        yield postgresql.url(name)


@pytest.fixture
def program(tmp_path: Path, discord_simulator: DiscordSimulator) -> Program:
    """One that has told people of signals, some of which are still open."""
    settings = {
        "BARS_URL": f"file:{CRYPTO}",
        "TEST_DISCORD_WEBHOOK": discord_simulator.forum_webhook,
        "SIGNAL_TTL_DAYS": "3650",
    }
    made = Program(tmp_path, settings).without_notices()
    for day in (EVE, *BEFORE):
        assert clean(made.run(f"{day}T00:05:00Z")).code == 0
    return made


def commands(title: str) -> list[str]:
    """The lines of the first block under a heading of the page."""
    block = re.search(rf"^#+ {re.escape(title)}\n.*?```sh\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert block is not None, f"SECURITY.md has no commands under {title}"
    return [line for line in block[1].splitlines() if line and not line.startswith("#")]


def follow(program: Program, backup: str, line: str) -> None:
    """A line of the page, as a shell reads it."""
    given = {"SENTINEL_HOME": str(program.home), "BACKUP": backup}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in given.items():
            patched.setenv(name, value)
        first, *words = (os.path.expandvars(word) for word in shlex.split(line, comments=True))
    assert first == "sentinel", line
    answer = clean(program(*words))
    assert answer.code == 0, (line, answer.everything)


def everything(program: Program) -> list[dict[str, Any]]:
    """All that the store tells of every signal."""
    listed = program("signals", "list", "--format", "json").rows
    return [program.story(row["signal_id"]) for row in listed]


def test_what_was_lost_comes_back_and_goes_on(
    program: Program, backup: str, discord_simulator: DiscordSimulator
) -> None:
    """Every signal, event and debt is as it was; the next run tells nothing twice, and later ones follow what
    was open to its end, in the same threads."""
    for line in commands("Back up"):
        follow(program, backup, line)
    before, told = everything(program), discord_simulator.threads()
    assert any(story["status"] in {"WAITING", "ACTIVE", "TP1_HIT", "TP2_HIT"} for story in before)
    assert len(told) > 0

    shutil.rmtree(program.home)
    for line in commands("Restore"):
        follow(program, backup, line)
    assert everything(program) == before

    again = clean(program.run(f"{BEFORE[-1]}T00:30:00Z"))
    assert (again.code, again.row["announcements"], again.row["follow_ups"]) == (0, 0, 0)
    assert discord_simulator.threads() == told

    for day in AFTER:
        assert clean(program.run(f"{day}T00:05:00Z")).code == 0
    assert len(discord_simulator.threads()) > len(told)
    verdict = judge(stored(program), discord_simulator.threads(), can_find=False)
    assert verdict.faults == []
    assert verdict.repeats == 0
