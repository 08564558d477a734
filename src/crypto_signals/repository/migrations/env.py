"""Runs the steps on the connection that the program hands in, in that connection's transaction."""

from alembic import context

from crypto_signals.repository.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
