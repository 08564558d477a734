"""SIGTERM in the middle of something: it is finished, everything is given back, and others go on at once."""

import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from crypto_signals.domain.vocabulary import EffectStatus
from e2e.program import CRYPTO, EQUITY, Answer, Program, clean
from plugins.files import failing_later, written
from proofs.lives import COLD_S, DAYS, FORUM, asked, eve, start, stored
from proofs.told import judge
from simulator.simulator_fixtures import DiscordSimulator, running_simulator

if TYPE_CHECKING:
    import subprocess

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]
NOW, LATER = f"{DAYS[0]}T00:05:00Z", f"{DAYS[0]}T00:20:00Z"
STOPPED = 128 + signal.SIGTERM
LIMIT_S = 10.0
PAUSE_S = 2.5
SLOW = f"""with pathlib.Path(__file__).with_name("asked").open("a") as file:
            file.write(study.series.symbol + " ")
        time.sleep({PAUSE_S})"""


@pytest.fixture
def discord() -> Iterator[DiscordSimulator]:
    with running_simulator() as running:
        yield running


def stopped(program: Program, underway: Callable[[], bool]) -> Answer:
    """A run that is asked to stop once it is ``underway``."""
    process: subprocess.Popen[str] = start(program, NOW)
    while not underway():
        assert process.poll() is None, program.finish(process).everything
        time.sleep(0.02)
    return clean(program.stop(process, signal.SIGTERM, LIMIT_S))


def neighbour(program: Program, folder: Path) -> Program:
    """Another host on the same store, which would be held up by a lease that was not given back."""
    folder.mkdir(parents=True, exist_ok=True)
    store = program.settings.get("STORE_URL", f"sqlite:///{program.home / 'sentinel.db'}")
    settings = program.settings | {"STORE_URL": store, "SENTINEL_HOME": str(folder / "home")}
    return Program(folder, settings).without_notices()


def test_in_the_middle_of_a_symbol(tmp_path: Path) -> None:
    """The symbol in hand is finished and no other begun, however many are left: 143 within 10 s, with the
    lease given back. The next run looks at everything that this one left."""
    program = Program(tmp_path, {"BARS_URL": f"file:{CRYPTO},{EQUITY}"}).without_notices()
    written(tmp_path, failing_later(SLOW))
    (tmp_path / "sentinel.toml").write_text('[detectors]\npaths = ["my_patterns.py"]\nseconds = 60\n')
    first = clean(program.finish(start(program, "2018-06-14T00:05:00Z"), COLD_S))
    assert first.code == 0, first.everything
    begun = tmp_path / "asked"
    (tmp_path / "switch").touch()
    answer = stopped(program, begun.exists)
    assert (answer.code, answer.row["signals"]) == (STOPPED, 0), answer.everything
    assert len(begun.read_text().split()) == 1
    (tmp_path / "switch").unlink()
    other = neighbour(program, tmp_path / "other")
    next_run = clean(other.finish(start(other, LATER, SENTINEL_CONFIG=tmp_path / "sentinel.toml")))
    assert (next_run.code, next_run.row["symbols_processed"]) == (0, next_run.row["symbols_total"])
    assert (next_run.row["symbols_total"] > 3, next_run.row["follow_ups"]) == (True, 3), next_run.everything


def test_in_the_middle_of_a_delivery(discord: DiscordSimulator, tmp_path: Path) -> None:
    """The message that is on its way is waited for and recorded; the one after it stays owed, is told by
    the next run, on whatever host, at once, and nothing is told twice."""
    program = eve(tmp_path / "eve").copy(tmp_path / "one")
    program.settings |= {**FORUM.settings(discord), "SETTLE_SECONDS": "0.5"}
    discord.faults([{"fault": "slow", "seconds": 3, "method": "POST", "path": "/webhooks/"}])
    answer = stopped(program, lambda: asked(discord) > 0)
    assert (answer.code, answer.row["announcements"]) == (STOPPED, 1), answer.everything
    assert (answer.row["owed"], answer.row["unknown"]) == (1, 0)
    effects = [effect for story in stored(program) for effect in story.effects]
    assert sorted(effect.status for effect in effects) == [EffectStatus.DONE, EffectStatus.OWED]
    other = neighbour(program, tmp_path / "other")
    next_run = clean(other.finish(start(other, LATER)))
    assert (next_run.code, next_run.row["announcements"], next_run.row["owed"]) == (0, 1, 0)
    verdict = judge(stored(program), discord.threads(), can_find=False)
    assert (verdict.faults, verdict.messages, verdict.repeats) == ([], 2, 0)
