"""Mutants of the lifecycle, the relay and the store's writes: the tests find them out, or it is said why not.

The quick tests of each room are run over every mutant; slower ones only over those that outlive these.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from proofs.mutating import mutants

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("survivors.txt")
Record = Callable[[str, object], None]


@dataclass(frozen=True)
class Room:
    """Modules with the tests that answer for them, in stages; ``share`` of the short form's mutants."""

    name: str
    modules: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]
    share: int


ROOMS = (
    Room(
        "lifecycle",
        ("domain.lifecycle",),
        (
            ("tests/domain/test_lifecycle.py", "tests/domain/test_telling.py"),
            ("tests/domain/test_lifecycle_properties.py",),
        ),
        20,
    ),
    Room(
        "relay",
        ("engine.deliver", "engine.letters", "engine.attempts", "engine.cards"),
        (
            (
                "tests/engine/test_deliver.py",
                "tests/engine/test_cards.py",
                "tests/engine/test_watching.py",
                "-k",
                "not every",
            ),
            ("tests/engine/test_deliver.py", "-k", "every"),
        ),
        20,
    ),
    Room(
        "store",
        ("repository.sql_writing", "repository.sql_leases", "repository.tenure"),
        (
            (
                *("tests/repository/contract/test_leases.py", "tests/repository/contract/test_writing.py"),
                *("-k", "sqlite"),
            ),
            ("tests/repository/test_sqlite.py", "-k", "lease or events or nobody or takes_back"),
        ),
        10,
    ),
)
EACH = pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)


def explained() -> dict[str, str]:
    """The mutants that no test finds out, each with the reason, in the line after it, why none has to."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    table = dict(zip(lines[::2], map(str.strip, lines[1::2]), strict=True))
    assert len(table) * 2 == len(lines), "a mutant is there twice"
    assert all(table.values())
    return table


def names(room: Room) -> list[str]:
    """All mutants of a room, mixed in an order that a change elsewhere in the source does not alter."""
    found = [mutant.name for module in room.modules for mutant in mutants(f"crypto_signals.{module}")]
    return sorted(found, key=lambda name: sha256(name.encode()).digest())


def survivors(room: Room, prey: Sequence[str]) -> list[str]:
    asked = {"mutants": prey, "stages": room.stages}
    done = subprocess.run(
        [sys.executable, "-m", "proofs.mutant_hunt"],
        input=json.dumps(asked),
        env=os.environ | {"PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    found: list[str] = json.loads(done.stdout)
    return found


def hunted(room: Room, prey: Sequence[str], record: Record) -> list[str]:
    alive = survivors(room, prey)
    sheet = {"room": room.name, "mutants": len(prey), "survivors": sorted(alive)}
    record("sheet", sheet)
    print(json.dumps(sheet, indent=1, ensure_ascii=False))
    assert sorted(set(alive) - set(explained())) == []
    return alive


@pytest.mark.proof
@EACH
def test_some_mutants_are_found_out(room: Room, record_property: Record) -> None:
    """50 of them, always the same ones."""
    hunted(room, names(room)[: room.share], record_property)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@EACH
def test_all_mutants_are_found_out(room: Room, record_property: Record) -> None:
    """Each one; and of those that are explained, each is there and does survive."""
    prey = names(room)
    alive = hunted(room, prey, record_property)
    mine = [name for name in explained() if name.startswith(tuple(f"{m}:" for m in room.modules))]
    assert sorted(set(mine) - set(alive)) == []
