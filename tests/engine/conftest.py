"""A world or a desk a test, whose store is closed afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crypto_signals.repository.opening import open_store

from .desk import Desk
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


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path / 'sentinel.db'}")
    store.acquire("test", 3600)
    yield Desk(store)
    store.close()
