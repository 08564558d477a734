"""Which store, who may write to it, and how long what it holds is kept."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

from crypto_signals.config import Settings, store_address
from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.keeping import Keeper, Lifetimes
from crypto_signals.engine.ports import Patience, Store, Warehouse
from crypto_signals.home import held, identity
from crypto_signals.process import RunBudget, heartbeat
from crypto_signals.warehouse.opening import open_warehouse, require


def opened(url: str | None, home: Path) -> Store:
    """The store at ``url``; without one, the one that lies in ``home``."""
    from sqlalchemy.engine import URL  # noqa: PLC0415 - takes long to load

    from crypto_signals.repository.opening import open_store  # noqa: PLC0415

    return open_store(url or URL.create("sqlite", database=str((home / "sentinel.db").absolute())))


def configured(settings: Settings) -> Store:
    """The store of STORE_URL, else the one that lies in SENTINEL_HOME."""
    url = settings.store_url
    return opened(url.get_secret_value() if url else None, settings.sentinel_home)


def store_to_read(settings: Settings) -> tuple[Store, str | None]:
    """The configured store; as long as it holds nothing, the demo's, with a note that says so."""
    home = settings.sentinel_home
    store = configured(settings)
    demo = home / "demo"
    if settings.store_url or not (demo / "sentinel.db").exists() or store.signals():
        return store, None
    store.close()
    return opened(None, demo), f"no live signal yet: these are the demo's, from {demo}"


@contextmanager
def own_store(settings: Settings, budget: RunBudget) -> Iterator[Store]:
    """The configured store, held and leased, so that nobody else changes it while the block lasts."""
    with held(settings.sentinel_home) as home:
        store = configured(settings)
        with (
            closing(store),
            leased(store, home, settings.lease_seconds),
            heartbeat(store.renew, settings.lease_seconds / 4, budget),
        ):
            yield store


@contextmanager
def two_stores(settings: Settings, source: str, target: str) -> Iterator[tuple[Store, Store]]:
    """Two stores named by their addresses, both held, so that a copy is one of a single moment."""
    addresses = _checked({"the source": source, "the target": target})
    if _place(source) == _place(target):
        raise UsageError("the two stores are the same: name another one to copy to")
    with held(settings.sentinel_home) as home, ExitStack() as stack:
        both = [stack.enter_context(closing(opened(url, home))) for url in addresses]
        for store in both:
            stack.enter_context(leased(store, home, settings.lease_seconds))
        yield both[0], both[1]


def _checked(addresses: Mapping[str, str]) -> list[str]:
    """Held to the same rules as STORE_URL. Raises ``UsageError`` with every problem."""
    good, problems = [], []
    for which, address in addresses.items():
        try:
            good.append(store_address(address))
        except ValueError as problem:
            problems.append(f"{which} {problem}")
    if problems:
        raise UsageError(problems)
    return good


def _place(address: str) -> str:
    """One file can be spelled in several ways."""
    scheme, _, path = address.partition(":///")
    return str(Path(path).resolve()) if scheme == "sqlite" else address


@contextmanager
def leased(store: Store, home: Path, seconds: float) -> Iterator[None]:
    """Holds the right to write to ``store`` while the block lasts. Raises ``LeaseHeld``."""
    store.acquire(identity(home), seconds)
    try:
        yield
    finally:
        store.release()


def warehouse(settings: Settings, patience: Patience) -> Warehouse:
    """The warehouse of WAREHOUSE_URL, else the one that lies in SENTINEL_HOME."""
    default = f"duckdb:///{(settings.sentinel_home / 'warehouse.duckdb').absolute()}"
    return open_warehouse(settings.warehouse_url or default, patience)


def keeper(settings: Settings, store: Store, patience: Patience) -> Keeper:
    """What brings closed signals to the warehouse, and deletes them."""
    lifetimes = Lifetimes(timedelta(days=settings.signal_ttl_days), timedelta(days=settings.shadow_ttl_days))
    require(settings.warehouse_url or "")
    return Keeper(store, cache(partial(warehouse, settings, patience)), lifetimes)
