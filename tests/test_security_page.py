"""SECURITY.md keeps up with the program."""

import re
from pathlib import Path
from typing import get_args

from pydantic import SecretStr

from crypto_signals.config import Settings

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_secret_has_its_way_to_be_rotated() -> None:
    """A setting that is kept masked stands in the table."""
    secrets = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if SecretStr in (field.annotation, *get_args(field.annotation))
        or "SecretStr" in str(field.annotation)
    }
    assert len(secrets) >= 10
    table = [line for line in PAGE.splitlines() if line.startswith("| `")]
    assert {name for name in secrets if not any(f"`{name}`" in line for line in table)} == set()


def test_what_it_points_to_is_there() -> None:
    """The tests that show what is held, and the pages."""
    named = {*re.findall(r"`(tests/[\w/.]+)`", PAGE), *re.findall(r"\]\(([\w/.-]+)\)", PAGE)}
    assert len(named) > 15
    assert {name for name in named if not (ROOT / name).exists()} == set()
