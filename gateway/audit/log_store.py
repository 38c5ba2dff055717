"""The log's own SQLite file: the entries in tree order, with columns to find them by.

The columns are copies of what the envelope says, or of what it commits to; the truth is the
envelope, and `verify` compares every column with it. One sequencer writes (WAL, synchronous=FULL);
any number of readers read meanwhile.

`block` holds the span of time of each 1,024 entries, since the order of the tree is nearly but not
exactly that of time. The indexes of persons are in parts of 16,384 entries: pseudonyms are random,
and in one index over the whole log each would change a page of its own, which costs several times
what the entry does; in the newest part they share pages. `closing` says which entry was the first
to close a decision (`gateway.audit.closings`). `journal` is how far the sequencer has
drained whom; `damaged` is what could not become an entry; `checkpoint` keeps the last signed head
of every minute.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import orjson

from gateway.audit.closings import CLOSING_TABLE, closed_by, save_closings
from gateway.audit.errors import LogStoreError

LOG_FOLDER = "log"
LOG_FILE = "log.sqlite"
CHECKPOINT_FILE = "checkpoint"
BLOCK_ENTRIES = 1_024
PERSON_SHIFT = 14  # entries of one part of the indexes of persons: 16,384
_APPLICATION_ID = 0x56474C31  # "VGL1": nothing else is opened as a log
_SCHEMA_VERSION = 4
_OLDER_VERSIONS = (1, 2, 3)

# Bits of the column `flag`.
FLAG_MAC = 1  # the MAC of the journal did not hold
FLAG_SEQUENCE = 2  # entries of the same writer are missing before this one

_PERSON_INDEXES = tuple(
    f"CREATE INDEX entry_{who} ON entry (idx >> {PERSON_SHIFT}, {who}) WHERE {who} IS NOT NULL"
    for who in ("actor", "subject")
)
SCHEMA: tuple[str, ...] = (
    """CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    reference TEXT,
    organisation TEXT,
    function TEXT,
    flag INTEGER NOT NULL,
    salt BLOB,
    actor BLOB,
    subject BLOB,
    envelope BLOB NOT NULL,
    ciphertext BLOB
) STRICT""",
    "CREATE UNIQUE INDEX entry_id ON entry (id)",
    "CREATE INDEX entry_reference ON entry (reference) WHERE reference IS NOT NULL",
    *_PERSON_INDEXES,
    "CREATE INDEX entry_refused ON entry (outcome) WHERE outcome <> 0",
    CLOSING_TABLE,
    """CREATE TABLE block (
    number INTEGER PRIMARY KEY,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL
) STRICT""",
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

_INSERT_ENTRY = "INSERT INTO entry VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_INSERT_BLOCK = (
    "INSERT INTO block VALUES (?,?,?) ON CONFLICT (number) DO UPDATE SET"
    " from_us = min(from_us, excluded.from_us), to_us = max(to_us, excluded.to_us)"
)


# A bytearray where it counts: Python's SQLite module takes one in a third of the time of bytes.
Content = bytes | bytearray


class EntryRow(NamedTuple):
    """A row of the table `entry`, in the order of its columns."""

    idx: int
    id: bytes
    at_us: int
    kind: int
    phase: int
    outcome: int
    reference: str | None
    organisation: str | None
    function: str | None
    flag: int
    salt: Content | None
    actor: Content | None
    subject: Content | None
    envelope: Content
    ciphertext: Content | None


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
        try:
            # Made here, not by SQLite, which would let everybody read it.
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640))
            self._connection = sqlite3.connect(path, timeout=10.0, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise LogStoreError(f"log: cannot open `{path}`: {error}") from error
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._connection.close()
            raise LogStoreError(f"log: cannot open `{path}`: {error}") from error
        except LogStoreError:
            self._connection.close()
            raise

    def _prepare(self, path: Path) -> None:
        connection = self._connection
        connection.isolation_level = None
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -65536")
        # 32 MiB of WAL before pages are copied: hot index pages are then copied once, not often.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
            with self.transaction():
                for statement in SCHEMA:
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif _identity(connection) in {(_APPLICATION_ID, older) for older in _OLDER_VERSIONS}:
            with self.transaction():
                self._bring_up_to_date()
        _check_identity(connection, path)

    def _bring_up_to_date(self) -> None:
        # Version 1 had the indexes of persons in one part, 2 no table `closing`, 3 larger parts.
        connection = self._connection
        for statement in ("DROP INDEX entry_actor", "DROP INDEX entry_subject", *_PERSON_INDEXES):
            connection.execute(statement)
        if _identity(connection)[1] <= 2:  # noqa: PLR2004
            connection.execute(CLOSING_TABLE)
            results = connection.execute(
                "SELECT idx, envelope FROM entry WHERE phase = 1 AND flag <> 1"
            )
            parsed = ((index, orjson.loads(text)) for index, text in results)
            closed = ((index, ended) for index, entry in parsed for ended in closed_by(entry))
            save_closings(connection, (), closed)
        connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

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
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            raise

    def size(self) -> int:
        """Return the number of entries: one more than the last index."""
        found = self._connection.execute("SELECT max(idx) FROM entry").fetchone()[0]
        return 0 if found is None else int(found) + 1

    def add(self, rows: list[EntryRow]) -> None:
        """Add entries at the end, inside a transaction.

        Raises:
            sqlite3.IntegrityError: An id is there already; the transaction must not be committed.
        """
        self._connection.executemany(_INSERT_ENTRY, map(tuple, rows))
        spans: dict[int, tuple[int, int]] = {}
        at = 0
        while at < len(rows):
            number = rows[at].idx // BLOCK_ENTRIES
            end = min(len(rows), at + BLOCK_ENTRIES - rows[at].idx % BLOCK_ENTRIES)
            times = [row.at_us for row in rows[at:end]]
            spans[number] = (min(times), max(times))
            at = end
        self._connection.executemany(
            _INSERT_BLOCK, [(number, low, high) for number, (low, high) in spans.items()]
        )

    def note_closed(
        self, closed: list[tuple[int, int]], closed_ids: list[tuple[int, bytes]]
    ) -> None:
        """Note which entries close which decisions, inside a transaction; see `save_closings`."""
        save_closings(self._connection, closed, closed_ids)

    def find(self, entry_id: bytes) -> EntryRow | None:
        """Find an entry by its id."""
        found = self._connection.execute("SELECT * FROM entry WHERE id = ?", (entry_id,)).fetchone()
        return None if found is None else EntryRow(*found)

    def envelopes(self, start: int) -> Iterator[bytes]:
        """Give the envelopes from an index on, in order."""
        cursor = self._connection.execute(
            "SELECT envelope FROM entry WHERE idx >= ? ORDER BY idx", (start,)
        )
        for (envelope,) in cursor:
            yield envelope

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
    if identity != _APPLICATION_ID:
        raise LogStoreError(f"log: `{path}` is not a log of the gateway")
    if version in _OLDER_VERSIONS:
        message = f"`{path}` has version {version}; the sequencer brings it to version "
        raise LogStoreError(f"log: {message}{_SCHEMA_VERSION} when it starts")
    if version != _SCHEMA_VERSION:
        raise LogStoreError(f"log: `{path}` has the unknown version {version}")
