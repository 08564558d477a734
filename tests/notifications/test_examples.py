"""The examples in the docstrings of the words and texts."""

import doctest
from types import ModuleType

import pytest

from crypto_signals.domain import wording
from crypto_signals.notifications import discord_text, texts
from crypto_signals.pictures import tags


@pytest.mark.parametrize("module", [wording, discord_text, texts, tags], ids=lambda module: module.__name__)
def test_examples_hold(module: ModuleType) -> None:
    """Each documented example gives what it says."""
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed
