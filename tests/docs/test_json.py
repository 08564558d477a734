"""The page on JSON has each key that commands print, and no other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs.pages import REFERENCE, read
from docs.workspace import furnish, sentinel

COMMANDS = {
    "scan": ["--bars", "bars.parquet", "--last"],
    "patterns": [],
    "why": ["BTC/USD"],
    "signals list": [],
    "signals show": ["c80d"],
    "run": [],
    "backtest": ["--bars", "bars.parquet", "--from", "2019-06-01", "--charts", "0"],
    "evidence": ["--bars", "bars.parquet"],
    "audit": ["--bars", "bars.parquet", "--detector", "hammer"],
    "health": [],
    "config": [],
    "cleanup": ["--dry-run"],
    "warehouse sync": [],
    "warehouse status": [],
    "store copy": ["sqlite:///.sentinel/demo/sentinel.db", "sqlite:///copied.db"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a demo was replayed; later commands go by its store."""
    folder = tmp_path_factory.mktemp("json")
    furnish(folder)
    said = sentinel(folder, ["demo", "--days", "12", "--format", "json"])
    assert set(json.loads(said.out)) >= documented("run")
    return folder


def documented(command: str) -> set[str]:
    """The keys in the first column of a command's section."""
    found = re.search(
        rf"^## sentinel {command}\n(.*?)(?=^## |\Z)", read(REFERENCE / "json.md"), re.DOTALL | re.MULTILINE
    )
    assert found, command
    cells = re.findall(r"^\| (`[^|]*) \|", found[1], re.MULTILINE)
    return {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}


@pytest.mark.parametrize("command", COMMANDS)
def test_its_keys_are_those_of_the_page(folder: Path, command: str) -> None:
    """A key that is added is explained, and none that is explained is gone."""
    # The demo's store is shown as long as there is no live one, which the run makes in a folder of its own.
    own = {"SENTINEL_HOME": "own"} if command == "run" else {}
    said = sentinel(folder, [*command.split(), *COMMANDS[command], "--format", "json"], **own)
    rows: list[dict[str, Any]] = [json.loads(line) for line in said.out.splitlines()]
    assert rows, said
    expected = documented(command) | (documented("signals list") if command == "signals show" else set())
    assert {key for row in rows for key in row} == expected


def test_every_command_that_prints_json_has_a_section() -> None:
    """By what the page of commands says of ``--format``."""
    sections = re.split(r"^## sentinel ", read(REFERENCE / "commands.md"), flags=re.MULTILINE)[1:]
    printing = {text.splitlines()[0] for text in sections if "`--format`" in text}
    assert printing - set(COMMANDS) == {"demo", "signals preview", "init", "warehouse query"}
