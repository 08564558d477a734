"""kill -9 on the real program, on a real file, against the stand-in Discord over HTTP.

After any number of kills, at any moments, the next runs carry on, and in the end every stored signal that was
announced has its messages, every message its signal, each thread was told in order, nothing is left owed, and
the market's truth is that of a run that nobody disturbed. By webhook nothing was said twice unmarked; by bot
nothing was said twice at all.
"""

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from crypto_signals.domain.signals import Progress
from e2e.program import Program
from proofs.lives import DAYS, KINDS, Kind, Life, eve, market_truth, undisturbed
from simulator.simulator_fixtures import running_simulator

Record = Callable[[str, object], None]
Truth = Callable[[str], dict[str, Progress]]


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Program:
    return eve(tmp_path_factory.mktemp("eve"))


@pytest.fixture(scope="module")
def truth(start: Program, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """What the market did up to a day, the same for every kind of channel."""
    return cache(lambda last_day: undisturbed(start, tmp_path_factory.mktemp("undisturbed"), last_day))


def survives(
    start: Program,
    truth: Truth,
    folder: Path,
    kind: Kind,
    kills: int,
    seed: int,
    days: tuple[str, ...],
    record: Record,
) -> None:
    with running_simulator() as simulator:
        life = Life(start.copy(folder / "life"), simulator, kind, kills, random.Random(seed))  # noqa: S311 - to be repeated
        verdict = life.live(days)
        assert verdict.faults == []
        assert market_truth(life.program) == truth(days[-1])
    sheet = {"channel": kind.name, "kills": life.killed, **dict(life.where), **vars(verdict)}
    record("sheet", sheet)
    print(sheet)
    assert life.killed >= kills
    assert verdict.messages > len(days) // 2


@pytest.mark.proof
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_kills_lose_nothing(
    kind: Kind, start: Program, truth: Truth, tmp_path: Path, record_property: Record
) -> None:
    """13 kills on each kind of channel."""
    survives(start, truth, tmp_path, kind, 13, 4, DAYS[:8], record_property)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_thousand_kills_lose_nothing(
    kind: Kind, seed: int, start: Program, truth: Truth, tmp_path: Path, record_property: Record
) -> None:
    """63 kills a life, 16 lives."""
    survives(start, truth, tmp_path, kind, 63, 100 + seed, DAYS, record_property)
