"""What is made from the code is what the code says now, and lacks nothing."""

import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from typer.main import get_command

from crypto_signals.cli import application
from crypto_signals.config import Settings, problems_of, strategies
from crypto_signals.domain.events import EventType
from crypto_signals.domain.strategy import Strategy
from docs.pages import PAGES, REFERENCE, ROOT, name, read

RENEW = "run tools/make_reference.py"
OTHERS = {"GOOGLE_APPLICATION_CREDENTIALS", "SECRET_MANAGER_EMULATOR_HOST", "SIGNAL_ID"}
"""What looks like a setting of the program."""


@pytest.fixture(scope="module")
def made() -> dict[Path, str]:
    """Every generated file, made now."""
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        files: dict[Path, str] = runpy.run_path(str(ROOT / "tools" / "make_reference.py"))["made"]()
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return files


def test_the_generated_files_are_current(made: dict[Path, str]) -> None:
    """A change of the code that readers see is seen by readers."""
    assert [name(path) for path, text in made.items() if read(path) != text] == [], RENEW


def commands(words: str = "sentinel", command: Any = None) -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, read from the program by other means than the page."""
    command = command or get_command(application)
    children = getattr(command, "commands", {})
    if not children:
        yield words, command
    for word, child in children.items():
        yield from commands(f"{words} {word}", child)


COMMANDS = dict(commands())


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_a_section_with_its_options(words: str) -> None:
    """Under its own heading, whatever other commands have."""
    found = re.search(
        rf"^## {words}\n(.*?)(?=^## |\Z)", read(REFERENCE / "commands.md"), re.DOTALL | re.MULTILINE
    )
    assert found, words
    for parameter in COMMANDS[words].params:
        for word in parameter.opts if parameter.param_type_name == "option" else [parameter.name.upper()]:
            assert f"`{word}`" in found[1]


def test_every_command_stands_in_the_readme() -> None:
    """By its first two words, so that one finds it at all."""
    readme = read(ROOT / "README.md")
    for words in COMMANDS:
        family, *last = words.split()[1:]
        assert f"`sentinel {family}" in readme, words
        assert all(word in readme for word in last), words


def test_every_setting_has_a_row_and_a_line() -> None:
    """With a sentence, on the page and in the example."""
    page, example = read(REFERENCE / "settings.md"), read(ROOT / ".env.example")
    for setting, field in Settings.model_fields.items():
        assert field.description
        assert field.description.endswith(".")
        assert f"| `{setting.upper()}` | {field.description} |" in page
        assert f"# {field.description}\n#{setting.upper()}=" in example


def test_every_event_is_explained() -> None:
    """None was added without a word on it."""
    page = read(REFERENCE / "events.md")
    assert [event.value for event in EventType if f"| `{event.value}` | " not in page] == []


def test_the_example_of_the_environment_changes_nothing_as_it_stands() -> None:
    """Copied and left alone, the program is as without it."""
    assert dotenv_values(ROOT / ".env.example") == {}


def test_the_example_of_the_environment_is_right_line_by_line(tmp_path: Path) -> None:
    """With every # taken away each value is one that may be, and each default is the default."""
    text = re.sub(r"^#(?=[A-Z_]+=)", "", read(ROOT / ".env.example"), flags=re.MULTILINE)
    (tmp_path / "env").write_text(text, encoding="utf-8")
    given = {key: value or "" for key, value in dotenv_values(tmp_path / "env").items()}
    assert set(given) == {setting.upper() for setting in Settings.model_fields}
    assert problems_of(given) == []
    shown = Settings(_env_file=None, **{key.lower(): value for key, value in given.items()})
    for setting, field in Settings.model_fields.items():
        assert field.default is None or getattr(shown, setting) == field.default, setting


@pytest.mark.parametrize("uncommented", [False, True])
def test_the_example_of_a_strategy_loads(tmp_path: Path, *, uncommented: bool) -> None:
    """As it stands it is the default strategy; with every # taken away it is one without a problem."""
    text = read(ROOT / "sentinel.example.toml")
    if uncommented:
        text = re.sub(r"^#(?=\w+ = )", "", text, flags=re.MULTILINE)
    (tmp_path / "sentinel.toml").write_text(text, encoding="utf-8")
    problems: list[str] = []
    file = strategies.read(tmp_path / "sentinel.toml", {}, problems, required=True)
    examples = {"symbols", "triggers", "min_mean_r_lo", "risk_per_trade"} if uncommented else set()
    assert problems == []
    whole = file.strategies["default"].model_dump(exclude=examples)
    assert whole == Strategy().model_dump(exclude=examples)
    assert file.detectors.seconds == strategies.DetectorSettings().seconds
    assert file.messages == strategies.MessageSettings()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_setting_that_a_page_names_exists(page: Path) -> None:
    """A misspelt one would be copied into a configuration."""
    prefixes = {setting.upper().split("_")[0] for setting in Settings.model_fields}
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)\b", read(page)))
    known = {setting.upper() for setting in Settings.model_fields} | OTHERS
    assert sorted(word for word in named - known if word.split("_")[0] in prefixes) == []
