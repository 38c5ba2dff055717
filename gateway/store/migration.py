"""Bringing the database to the shape this program knows.

Any number of processes may start at once: the first takes the write lock, changes the schema in one
transaction and commits; the others wait, find nothing to do and go on. A change is whole or has not
happened. A database whose schema this program does not know was changed by a newer one; it is
refused, as an older program would read it wrongly.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from gateway.errors import StoreError
from gateway.store.engine import StoreUnavailable, reading, writing

MIGRATIONS = Path(__file__).parent / "migrations"

WAIT_SECONDS = 60.0
"""How long to wait for another process that is changing the schema."""


class SchemaUnknown(StoreError):  # noqa: N818  # named for what happened, as its family is
    """The database has a schema that this program does not know."""


def migrate(engine: Engine) -> str:
    """Bring the schema to the newest version; does nothing if it is there already.

    Returns:
        The version, such as `0001`.

    Raises:
        SchemaUnknown: if a newer program has changed the schema; nothing was changed.
        StoreUnavailable: if the database does not answer.
    """
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return _migrate(engine)
        except StoreUnavailable:
            # The lock's own patience is for commits of milliseconds; a schema may take longer.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def schema_version(engine: Engine) -> str | None:
    """Give the version of the schema, None for an empty database; changes nothing."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_version() -> str:
    """Give the version this program brings a database to."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    if head is None:
        message = "store: the program was installed without its migrations"
        raise StoreError(message)
    return head


def _migrate(engine: Engine) -> str:
    newest = newest_version()
    with writing(engine) as connection:
        # Under the write lock: nobody else can change the schema between the look and the change.
        present = MigrationContext.configure(connection).get_current_revision()
        if present == newest:
            return newest
        if present is not None:
            known = {
                script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()
            }
            if present not in known:
                message = (
                    f"store: the database has schema `{present[:20]}`, newer than this program;"
                    " start the version that made it"
                )
                raise SchemaUnknown(message)
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        with contextlib.redirect_stdout(None):
            command.upgrade(config, "head")
    return newest
