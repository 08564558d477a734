"""The pages on how to run and watch it speak of settings, metrics and files that exist."""

import re
from pathlib import Path

import pytest

from crypto_signals.config import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / name for name in ("secret-manager.md", "watch-it-run.md")]
OTHERS = {"SECRET_MANAGER_EMULATOR_HOST", "PROJECT", "PORT", "WEBHOOK", "PROD", "DEBUG", "SIGTERM", "INFO"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_setting_named_exists(page: Path) -> None:
    """A misspelt one would be copied into a configuration."""
    named = set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", page.read_text())) - OTHERS
    assert sorted(named - {name.upper() for name in Settings.model_fields}) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_file_linked_exists(page: Path) -> None:
    """Relative to the page."""
    for link in re.findall(r"\]\((\.[^)]+)\)", page.read_text()):
        assert (page.parent / link).exists()
