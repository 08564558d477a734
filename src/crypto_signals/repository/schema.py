"""Brings a database to the schema of this program, or refuses it."""

from pathlib import Path

from sqlalchemy import Column, Connection, MetaData, String, Table, func, insert, inspect, select

from crypto_signals.domain.errors import StoreUnusable
from crypto_signals.repository.tables import metadata

HEAD = "0002"
_LOCK = 0x53454E54494E454C
_records = MetaData()
_record = Table("alembic_version", _records, Column("version_num", String(32), primary_key=True))


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
    if not inspect(connection).has_table(_record.name):
        return None
    return connection.execute(select(_record.c.version_num)).scalar_one_or_none()


def bring_up_to_date(connection: Connection) -> None:
    """Makes the tables, or runs the missing steps, in the connection's transaction, with its record. Of
    two programs that start at once one does it, and the other finds it done."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    current = _revision(connection)
    if current is None:
        _create(connection)
    elif not is_current(connection):
        migrate(connection)


def _create(connection: Connection) -> None:
    """What the steps would lead to. Tables of the same names that are there already are somebody else's."""
    metadata.create_all(connection, checkfirst=False)
    _records.create_all(connection)
    connection.execute(insert(_record).values(version_num=HEAD))


def migrate(connection: Connection, to: str = "head") -> None:
    """Runs the missing steps in the connection's transaction."""
    from alembic import command  # noqa: PLC0415 - slow to import, needed when a program is updated
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
