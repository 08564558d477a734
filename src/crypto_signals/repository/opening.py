"""Opens the store that an address names."""

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from crypto_signals.domain.errors import UsageError
from crypto_signals.engine.ports import Store

KNOWN = "sqlite:///PATH, postgresql://USER:PASSWORD@HOST:PORT/DATABASE or firestore://PROJECT/DATABASE"


def open_store(url: str | URL) -> Store:
    """The store that ``STORE_URL`` names. Raises ``UsageError`` or ``StoreUnusable``."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(f"STORE_URL is not an address of a store; use {KNOWN}") from None
    if parsed.drivername == "sqlite" and parsed.database:
        from crypto_signals.repository.sqlite import open_sqlite  # noqa: PLC0415

        return open_sqlite(parsed)
    if parsed.drivername == "postgresql" and parsed.database:
        from crypto_signals.repository.postgresql import open_postgresql  # noqa: PLC0415

        return open_postgresql(parsed)
    if parsed.drivername == "firestore" and parsed.host:
        return _firestore(parsed.host, parsed.database)
    raise UsageError(f"STORE_URL {parsed.drivername}: is not supported, or not whole; use {KNOWN}")


def _firestore(project: str, database: str | None) -> Store:
    try:
        from crypto_signals.repository.firestore.opening import open_firestore  # noqa: PLC0415
    except ModuleNotFoundError:
        raise UsageError(
            "STORE_URL names a Firestore database, for which Google's library is an extra: "
            "pip install crypto-sentinel[firestore]"
        ) from None
    return open_firestore(project, database)
