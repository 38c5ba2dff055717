"""What Alembic runs: every step on the connection that `gateway.store.migrate` hands over."""

from alembic import context

from gateway.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite can roll a change of its schema back, and the caller's transaction holds all of it.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
