"""The log's own SQLite file: the entries in tree order, and what they are found by.

`bundle` holds the entries; the truth is the envelopes in it. `block` and `person` say in which
blocks of the log something can be, `closing` which entries close which decisions; `verify` compares
all three with every entry. `journal` is how far the sequencer has drained whom; `damaged` is what
could not become an entry; `checkpoint` keeps the last signed head of every minute. One sequencer
writes (WAL, synchronous=FULL); any number of readers read meanwhile.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from gateway.audit.blocks import BLOCK_INDEX, BLOCK_TABLE, add_to_blocks, find_entry
from gateway.audit.bundles import (
    BUNDLE_TABLE,
    StoredEntry,
    add_bundles,
    log_size,
    read_entries,
    read_entry,
)
from gateway.audit.closing_table import CLOSING_TABLE, Closed, save_closings
from gateway.audit.columns import ClearColumns
from gateway.audit.errors import LogStoreError
from gateway.audit.log_upgrade import OLDER_VERSIONS, bring_up_to_date
from gateway.audit.open_part import OlderIds, OpenPart, least_new_id, load_open_part
from gateway.audit.persons import PERSON_TABLE, save_part

LOG_FOLDER = "log"
LOG_FILE = "log.sqlite"
CHECKPOINT_FILE = "checkpoint"
APPLICATION_ID = 0x56474C31  # "VGL1": nothing else is opened as a log
SCHEMA_VERSION = 5

SCHEMA: tuple[str, ...] = (
    BUNDLE_TABLE,
    BLOCK_TABLE,
    BLOCK_INDEX,
    PERSON_TABLE,
    CLOSING_TABLE,
    """CREATE TABLE journal (
    writer TEXT PRIMARY KEY,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    wseq INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    undecided BLOB NOT NULL
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE damaged (
    number INTEGER PRIMARY KEY,
    writer TEXT NOT NULL,
    segment INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    code TEXT NOT NULL,
    content BLOB NOT NULL
) STRICT""",
    """CREATE TABLE checkpoint (
    minute INTEGER PRIMARY KEY,
    size INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT""",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalPosition:
    """How far one writer's journal has been drained.

    Attributes:
        writer: Its name.
        segment: Number of the segment to read next.
        offset: Where in it, in bytes.
        wseq: Sequence number of its last entry in the log.
        closed: Drained for good.
        undecided: Ids of permitted accesses whose result has not come, in order.
    """

    writer: str
    segment: int = 1
    offset: int = 0
    wseq: int = 0
    closed: bool = False
    undecided: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedPiece:
    """Bytes of a journal that could not become an entry, kept as they were found."""

    writer: str
    segment: int
    offset: int
    code: str
    content: bytes


def open_for_reading(directory: Path) -> sqlite3.Connection:
    """Open the log read-only, also while the sequencer writes; close it after use.

    Args:
        directory: The folder of the log, which holds `log.sqlite`.

    Raises:
        LogStoreError: There is no log, or the file is something else.
    """
    path = directory / LOG_FILE
    if not path.is_file():
        raise LogStoreError(f"log: there is no `{path}`; has the sequencer run?")
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
        connection.isolation_level = None
        _check_identity(connection, path)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise LogStoreError(f"log: cannot read `{path}`: {error}") from error
    except LogStoreError:
        if connection is not None:
            connection.close()
        raise
    return connection


class LogStore:
    """The sequencer's side of the log file. For one thread at a time."""

    def __init__(self, directory: Path) -> None:
        """Open the log for writing, making it if there is none; raises LogStoreError."""
        path = directory / LOG_FILE
        self._newest: OpenPart | None = None
        try:
            # Made here, not by SQLite, which would let everybody read it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
            self._connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise LogStoreError(f"log: cannot open `{path}`: {error}") from error
        try:
            self._prepare(path)
            self._newest = load_open_part(self._connection)
            self._older = OlderIds(self._connection)
        except sqlite3.Error as error:
            self._connection.close()
            raise LogStoreError(f"log: cannot open `{path}`: {error}") from error
        except LogStoreError:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        connection = self._connection
        connection.isolation_level = None
        # A bundle is hundreds of kB: larger pages halve the calls to the system.
        connection.execute("PRAGMA page_size = 16384")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        # 32 MiB of WAL before pages are copied: hot index pages are then copied once, not often.
        connection.execute("PRAGMA wal_autocheckpoint = 2000")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            with self.transaction():
                for statement in SCHEMA:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        elif _identity(connection) in {(APPLICATION_ID, older) for older in OLDER_VERSIONS}:
            with self.transaction():
                bring_up_to_date(connection, SCHEMA, self.add, self.note_closed)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        _check_identity(connection, path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Do everything inside durably, or nothing."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            self._newest = None
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    @property
    def newest(self) -> OpenPart:
        """What is remembered of the newest entries; raises LogStoreError if they cannot be read."""
        if self._newest is None:
            self._newest = load_open_part(self._connection)
        return self._newest

    def size(self) -> int:
        """Return the number of entries: one more than the last index."""
        return log_size(self._connection)

    def add(self, flags: bytes, kept: Sequence[bytes], columns: Sequence[ClearColumns]) -> None:
        """Add entries at the end, inside a transaction.

        Args:
            flags: One byte for each.
            kept: What a bundle keeps of each.
            columns: What each says.
        """
        if not kept:
            return
        connection, newest = self._connection, self.newest
        add_bundles(connection, newest.size, flags, kept)
        add_to_blocks(connection, newest.size, columns)
        known_from = newest.known_from
        newest.grow(
            kept,
            list(map(itemgetter(0), columns)),
            lambda part, persons: save_part(connection, part, persons),
        )
        if newest.known_from != known_from:
            newest.least_new = least_new_id(connection, newest.known_from)

    def note_closed(self, closed: list[Closed]) -> None:
        """Note which entries close which decisions, inside a transaction."""
        save_closings(self._connection, closed)

    def find(self, entry_id: bytes) -> StoredEntry | None:
        """Find an entry by its id."""
        index = self.newest.index_of(entry_id)
        if index is not None:
            return read_entry(self._connection, index)
        return find_entry(self._connection, entry_id)

    def has_older(self, entry_id: bytes) -> bool:
        """Tell whether an id is that of an entry before those remembered."""
        return self._older.have(entry_id, self.newest.known_from)

    def envelopes(self, start: int) -> Iterator[bytes]:
        """Give the envelopes from an index on, in order; raises LogStoreError."""
        return (entry.envelope for entry in read_entries(self._connection, start))

    def save_journal(self, position: JournalPosition) -> None:
        """Note how far a journal has been drained."""
        self._connection.execute(
            "INSERT OR REPLACE INTO journal VALUES (?,?,?,?,?,?)",
            (
                position.writer,
                position.segment,
                position.offset,
                position.wseq,
                int(position.closed),
                b"".join(position.undecided),
            ),
        )

    def journal(self, writer: str) -> JournalPosition | None:
        """Return how far a journal has been drained; None for a new one."""
        found = self._connection.execute(
            "SELECT * FROM journal WHERE writer = ?", (writer,)
        ).fetchone()
        return None if found is None else _journal_position(found)

    def open_journals(self) -> list[JournalPosition]:
        """List the journals that are not drained for good."""
        found = self._connection.execute("SELECT * FROM journal WHERE closed = 0").fetchall()
        return [_journal_position(row) for row in found]

    def keep_damaged(self, piece: DamagedPiece) -> None:
        """Keep what could not become an entry."""
        self._connection.execute(
            "INSERT INTO damaged (writer, segment, offset, code, content) VALUES (?,?,?,?,?)",
            (piece.writer, piece.segment, piece.offset, piece.code, piece.content),
        )

    def save_checkpoint(self, *, minute: int, size: int, note: str) -> None:
        """Keep a signed head; of one minute the last stays."""
        self._connection.execute(
            "INSERT OR REPLACE INTO checkpoint VALUES (?,?,?)", (minute, size, note)
        )

    def last_checkpoint(self) -> str | None:
        """Return the note of the largest head kept."""
        found = self._connection.execute(
            "SELECT note FROM checkpoint ORDER BY size DESC LIMIT 1"
        ).fetchone()
        return None if found is None else str(found[0])


def _journal_position(row: tuple[str, int, int, int, int, bytes]) -> JournalPosition:
    writer, segment, offset, wseq, closed, undecided = row
    ids = tuple(undecided[at : at + 16] for at in range(0, len(undecided), 16))
    return JournalPosition(
        writer=writer,
        segment=segment,
        offset=offset,
        wseq=wseq,
        closed=bool(closed),
        undecided=ids,
    )


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    return (
        connection.execute("PRAGMA application_id").fetchone()[0],
        connection.execute("PRAGMA user_version").fetchone()[0],
    )


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    identity, version = _identity(connection)
    if identity != APPLICATION_ID:
        raise LogStoreError(f"log: `{path}` is not a log of the gateway")
    if version in OLDER_VERSIONS:
        message = f"`{path}` has version {version}; the sequencer brings it to version "
        raise LogStoreError(f"log: {message}{SCHEMA_VERSION} when it starts")
    if version != SCHEMA_VERSION:
        raise LogStoreError(f"log: `{path}` has the unknown version {version}")
