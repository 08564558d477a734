"""Brings a database to the schema of this program, or refuses it."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from crypto_signals.domain.errors import StoreUnusable

HEAD = "0002"


def is_current(connection: Connection) -> bool:
    """Raises ``StoreUnusable`` for a schema that a newer program has made."""
    current = _revision(connection)
    if current is not None and current > HEAD:
        raise StoreUnusable(
            f"the store has schema {current}, this program knows {HEAD}: it was written by a newer version. "
            "Update Crypto Sentinel, or point STORE_URL at another store."
        )
    return current == HEAD


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def migrate(connection: Connection) -> None:
    """Runs the missing steps in the connection's transaction, each recorded with its change."""
    from alembic import command  # noqa: PLC0415 - slow to import, needed once in a store's life
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
