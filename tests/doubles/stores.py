"""A real database for tests, with the schema as migrations make it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine

from gateway.store.engine import open_store
from gateway.store.migration import migrate


def store_url(folder: Path) -> str:
    """Give the address of the database in a folder."""
    return f"sqlite:///{folder / 'gateway.sqlite'}"


@contextmanager
def new_store(folder: Path) -> Iterator[Engine]:
    """Give a database of its own in a folder."""
    lay_store(folder)
    engine = open_store(store_url(folder))
    try:
        yield engine
    finally:
        engine.dispose()


def lay_store(folder: Path) -> None:
    """Put a database with the newest schema into a folder, for a program that opens it itself."""
    shutil.copy2(_migrated(), folder / "gateway.sqlite")


@cache
def _migrated() -> Path:
    """Migrate once for all tests; each then starts from a copy."""
    folder = Path(mkdtemp(prefix="gateway-test-store-"))
    engine = open_store(store_url(folder))
    migrate(engine)
    engine.dispose()  # the last connection writes everything into the one file
    return folder / "gateway.sqlite"
