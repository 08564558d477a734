"""Two processes at once: whatever they do, each thing is done by one of them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from crypto_signals.engine.ports import Store
from repository.backends import Backend
from repository.contract.racer import ROUNDS
from repository.samples import CREATED, effect, new, signal

RACER = Path(__file__).parent / "racer.py"


def race(backend: Backend, act: str, owners: Sequence[str]) -> list[list[str]]:
    """What each of the processes reports, that were let go at one moment."""
    racers = [
        subprocess.Popen(
            [sys.executable, str(RACER), backend.url, act, owner],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **backend.environment},
        )
        for owner in owners
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n", racer.communicate()[1]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    reports = [racer.communicate(timeout=120) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * len(racers), reports
    return [json.loads(out) for out, _ in reports]


def test_two_start_on_an_empty_store(backend: Backend, opened: Callable[[], Store]) -> None:
    """Both open it, and it is as if one had."""
    assert race(backend, "opening", ["one", "two"]) == [["opened"], ["opened"]]
    assert opened().signals() == []


def test_two_ask_for_the_first_lease(backend: Backend, opened: Callable[[], Store]) -> None:
    """One gets it, the other is told who has it."""
    opened()
    reports = race(backend, "lease", ["one", "two", "three"])
    assert sorted(answer for (answer,) in reports) == ["LeaseHeld", "LeaseHeld", "done"]


def test_two_write_the_same_signals(backend: Backend, opened: Callable[[], Store]) -> None:
    """P4: two instances of one name take over from each other in the middle of everything; each signal is
    stored once, whole, by one of them at most, and a loser never believes that he stored it."""
    store = opened()
    reports = race(backend, "same_signals", ["same", "same"])
    for number, answers in enumerate(zip(*reports, strict=True)):
        try:
            found = store.signal(f"id-{number}")
        except KeyError:
            assert "done" not in answers
            continue
        assert answers.count("done") == 1
        one = signal(str(number))
        assert found == (one, (CREATED,), (effect(one),))
    assert {answer for answers in reports for answer in answers} <= {"done", "LeaseLost", "VersionConflict"}
    assert any("done" in answers for answers in reports)


def test_two_claim_the_same_effects(backend: Backend, store: Store) -> None:
    """P4: no effect is claimed by both."""
    store.commit([new(signal(str(number))) for number in range(ROUNDS)])
    store.release()
    reports = race(backend, "same_effects", ["same", "same"])
    claimed = {one.signal_id for one in store.undelivered() if one.revision == 2}
    for number, answers in enumerate(zip(*reports, strict=True)):
        assert answers.count("done") == (f"id-{number}" in claimed)
    assert claimed


@pytest.mark.soak
def test_many_rounds(backend: Backend, opened: Callable[[], Store]) -> None:
    """The same with eight of them, which may find the store too busy."""
    store = opened()
    reports = race(backend, "same_signals", ["same"] * 8)
    stored = {one.signal_id for one in store.signals()}
    for number, answers in enumerate(zip(*reports, strict=True)):
        assert answers.count("done") == (f"id-{number}" in stored)
