"""A world a test, whose store is closed afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Builds worlds; each has its own folder."""
    made: list[World] = []

    def build(*args: object, **kwargs: object) -> World:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        made.append(World(folder, *args, **kwargs))  # type: ignore[arg-type]
        return made[-1]

    yield build
    for one in made:
        one.store.close()
