"""Opening the database, and the two ways to use a connection to it.

SQLite is opened in WAL mode with full synchronisation, foreign keys and a busy timeout. There is
one writer at a time:

1. `reading(engine)` gives a connection that cannot write at all. It sees one state of the database.
2. `writing(engine)` gives a connection that holds the write lock from its first statement on, so
   that what it read is still true when it writes. It commits at the end, or rolls back on any
   exception.

A plain `engine.begin()` reads but cannot write: whoever writes must have taken the lock first, as a
read that turns into a write fails under SQLite as soon as another process wrote in between.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gateway.errors import StoreError

BUSY_SECONDS = 5.0
"""How long a writer waits for another; a commit takes milliseconds, so more is a fault."""

POOL_SIZE = 8
PAGE_CACHE_KIB = 256
"""What each connection keeps of the file: few pages are read all the time, and the system keeps the
file. SQLite's own 2 MiB would fill up over hours, eight times in each worker."""
POOL_OVERFLOW = 8
WRITES = "gateway_writes"  # the execution option that marks a connection as a writer
TURN = "gateway_turn"  # that of the lock on which the writers of this process queue
FLUSHED = "gateway_flushed"  # and whether its commit waits for the disk


class StoreUnavailable(StoreError):  # noqa: N818  # named for what happened, as its family is
    """The database did not answer, is locked, full or damaged; what asked for it must refuse."""


def open_store(url: str) -> Engine:
    """Open the database.

    Args:
        url: such as `sqlite:////var/lib/gateway/gateway.sqlite`. The folder must exist.

    Returns:
        An engine, to be used through `reading` and `writing`. No connection is made yet.

    Raises:
        StoreError: if the address is not one this program can use.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        message = "store: the address of the database cannot be read"
        raise StoreError(message) from error
    if parsed.get_backend_name() != "sqlite":
        backend = parsed.get_backend_name()[:20]
        message = f"store: `{backend}` is not supported yet, write a sqlite:/// address"
        raise StoreError(message)
    if not parsed.database or parsed.database == ":memory:":
        message = "store: a database in memory is lost with its process, name a file"
        raise StoreError(message)
    _make_private(Path(parsed.database))
    engine = create_engine(
        parsed,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=BUSY_SECONDS,
        # Each connection keeps pages, statements and what it has read of the schema: what comes in
        # turn goes over one, and those that many needed at once wait unused. Asked in turns, all of
        # them would fill up, a rare statement at a time, for an hour.
        pool_use_lifo=True,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        execution_options={TURN: threading.Lock()},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that can only read, on one state of the database.

    Raises:
        StoreUnavailable: if the database does not answer.
    """
    with _translated(), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, *, flushed: bool = True) -> Iterator[Connection]:
    """Give a connection that holds the write lock, committed at the end.

    What was written is on the disk when this returns. On any exception nothing was written.

    Args:
        engine: of the database.
        flushed: False leaves the flush to the next write: whoever dies loses nothing, a power cut
            loses what was written since. For counts, which nobody is promised.

    Raises:
        StoreUnavailable: if the lock is not had within `BUSY_SECONDS`, or the database does not
        answer.
    """
    writer = engine.execution_options(**{WRITES: True, FLUSHED: flushed})
    with _turn(engine), _translated(), writer.begin() as connection:
        yield connection


@contextmanager
def _turn(engine: Engine) -> Iterator[None]:
    """Wait for the other writers of this process.

    They queue here, as SQLite's own waiting is a poll with pauses of up to 100 ms, in which whoever
    comes later may be served first. Only writers of other processes are waited for there.
    """
    turn: threading.Lock = engine.get_execution_options()[TURN]
    if not turn.acquire(timeout=BUSY_SECONDS):
        message = "store: other writers of this process took too long"
        raise StoreUnavailable(message)
    try:
        yield
    finally:
        turn.release()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the database library raises into ours; a broken constraint stays what it is."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeoutError) as error:
        cause = getattr(error, "orig", None) or error
        message = f"store: {str(cause)[:200]}"
        raise StoreUnavailable(message) from error
    except SQLAlchemyError as error:
        message = f"store: {type(error).__name__}"
        raise StoreError(message) from error


def _make_private(file: Path) -> None:
    """Make the file readable by its owner alone; SQLite gives its side files the same mode."""
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        message = f"store: `{file}` cannot be opened: {error.strerror}"
        raise StoreError(message) from error


def _prepare(connection: Any, _record: object) -> None:
    # The driver must not open transactions by itself: it would do so too late, without the write
    # lock.
    connection.isolation_level = None
    cursor = connection.cursor()
    # The order matters: a busy database must already be waited for when the journal mode is read.
    cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA cache_size = -{PAGE_CACHE_KIB}")
    cursor.execute("PRAGMA query_only = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("PRAGMA query_only = OFF")
        # Said each time: a connection of the pool keeps what was said last.
        flushed = connection.get_execution_options().get(FLUSHED, True)
        connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if flushed else 'NORMAL'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        # INVARIANT: a connection that did not take the write lock cannot write.
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
