"""Every kind of store, empty, for the contract that all of them keep."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crypto_signals.engine.ports import Store
from crypto_signals.repository.opening import open_store
from repository.backends import Backend, SqlBackend
from repository.firestore_backend import emulator, firestore_backend
from repository.postgres_server import Server, running

__all__ = ["emulator", "firestore_backend"]
Open = Callable[[], Store]
OWNER = "this host"
LEASE_S = 600.0


@pytest.fixture(params=["sqlite", "postgresql", "firestore"])
def backend(request: pytest.FixtureRequest) -> Backend:
    """One kind of store after the other."""
    made: Backend = request.getfixturevalue(f"{request.param}_backend")
    return made


@pytest.fixture
def sqlite_backend(tmp_path: Path) -> Backend:
    return SqlBackend(f"sqlite:///{tmp_path / 'folder' / 'sentinel.db'}")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def postgresql_backend(postgresql_server: Server) -> Iterator[Backend]:
    with postgresql_server.database() as name:
        yield SqlBackend(postgresql_server.url(name))


@pytest.fixture
def opened(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens the store, as often as asked; all are closed at the end."""
    for name, value in backend.environment.items():
        monkeypatch.setenv(name, value)
    stores: list[Store] = []

    def build() -> Store:
        stores.append(open_store(backend.url))
        return stores[-1]

    yield build
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Open) -> Store:
    """A store whose lease ``OWNER`` holds."""
    made = opened()
    made.acquire(OWNER, LEASE_S)
    return made


@pytest.fixture
def restarted(opened: Open) -> Callable[[Store], Store]:
    """Closes a store as a program does that ends, and opens it as the next one does."""

    def again(store: Store) -> Store:
        store.close()
        made = opened()
        made.acquire(OWNER, LEASE_S)
        return made

    return again
