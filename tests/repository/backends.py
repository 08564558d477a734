"""What the contract has to know of a kind of store, besides the store itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from crypto_signals.repository.portable import PRIMARY_KEYS, key_of


class Backend(Protocol):
    """One empty store of its kind: where it is, and how a row in it comes to harm."""

    url: str
    environment: Mapping[str, str]
    """What a process needs in its environment to open the store at ``url``."""

    def damage(self, table: str, key: str) -> None:
        """Makes the row of that name (of signals, events, effects or watermarks) unreadable, behind the
        store's back."""
        ...


_HARM = {
    "signals": "body = '{\"signal_id\": broken'",
    "events": 'body = \'{"type": "unheard of"}\'',
    "effects": "settles_at = 'tomorrow'",
    "watermarks": "seen_ts = 'yesterday'",
}


@dataclass(frozen=True, slots=True)
class SqlBackend:
    url: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def damage(self, table: str, key: str) -> None:
        engine = create_engine(self.url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
        columns = PRIMARY_KEYS[table]
        with engine.begin() as connection:
            found = connection.execute(text(f"SELECT {', '.join(columns)} FROM {table}")).mappings()
            (row,) = (dict(row) for row in found if key_of(table, row) == key)
            where = " AND ".join(f"{name} = :{name}" for name in columns)
            connection.execute(text(f"UPDATE {table} SET {_HARM[table]} WHERE {where}"), row)
        engine.dispose()
