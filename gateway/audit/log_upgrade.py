"""Brings the file of an older log to the form of today, whole or not at all.

Versions 1 to 4 had a row with columns and indexes for each entry. Their entries are put in bundles
as they are; what the columns said is said by the envelopes, and all tables to find entries by are
made from these.

It is one transaction: until its end the disk holds the log three times, and whoever reads is told
to wait.
"""

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

import orjson
import structlog

from gateway.audit.bundles import FLAG_MAC, StoredEntry
from gateway.audit.closing_table import Closed
from gateway.audit.closings import closed_by
from gateway.audit.columns import ClearColumns, clear_columns
from gateway.audit.errors import LogStoreError
from gateway.audit.sealing import NO_PSEUDONYM

OLDER_VERSIONS = (1, 2, 3, 4)
_PIECE_ENTRIES = 4_096
_TELL_SECONDS = 2.0

Add = Callable[[bytes, Sequence[bytes], Sequence[ClearColumns]], None]

_log = structlog.get_logger("sequencer")


def bring_up_to_date(
    connection: sqlite3.Connection,
    schema: Iterable[str],
    add: Add,
    note_closed: Callable[[list[Closed]], None],
) -> None:
    """Put everything of an older log into new tables, inside a transaction.

    Args:
        connection: Of the log.
        schema: Statements that make its tables; those there already are kept.
        add: Adds entries.
        note_closed: Notes which entries close which decisions.

    Raises:
        LogStoreError: An entry is missing or cannot be read; nothing must be committed.
    """
    connection.execute("ALTER TABLE entry RENAME TO older")
    connection.execute("DROP TABLE block")
    connection.execute("DROP TABLE IF EXISTS closing")
    there = {name for (name,) in connection.execute("SELECT sql FROM sqlite_master")}
    for statement in schema:
        if statement not in there:
            connection.execute(statement)
    (size,) = connection.execute("SELECT count(*) FROM older").fetchone()
    _log.info("log-upgrade-begins", entries=size)
    done, told = 0, time.monotonic()
    entries = _older_entries(connection)
    while some := list(islice(entries, _PIECE_ENTRIES)):
        columns: list[ClearColumns] = []
        closed: list[Closed] = []
        for entry in some:
            try:
                envelope = orjson.loads(entry.envelope)
                columns.append(clear_columns(envelope))
                ended: tuple[bytes, ...] = ()
                # One whose MAC did not hold may name anything, and closes nothing.
                if envelope["phase"] == "result" and not entry.flag & FLAG_MAC:
                    ended = closed_by(envelope)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise LogStoreError(f"log: entry {entry.idx} cannot be read") from error
            if ended:
                closed.append((entry.idx, _decisions(connection, ended, entry.idx)))
        add(bytes(entry.flag for entry in some), [entry.kept for entry in some], columns)
        note_closed(closed)
        done += len(some)
        if time.monotonic() - told >= _TELL_SECONDS:
            told = time.monotonic()
            _log.info("log-upgrade", done=done, entries=size)
    connection.execute("DROP TABLE older")
    _log.info("log-upgraded", entries=size)


def _older_entries(connection: sqlite3.Connection) -> Iterator[StoredEntry]:
    rows = connection.execute(
        "SELECT idx, flag, salt, actor, subject, envelope, ciphertext FROM older ORDER BY idx"
    )
    for expected, (index, flag, salt, actor, subject, envelope, ciphertext) in enumerate(rows):
        if index != expected:
            raise LogStoreError(f"log: entry {expected} is missing; the older log is left as it is")
        yield StoredEntry(
            index,
            flag,
            salt or NO_PSEUDONYM,
            actor or NO_PSEUDONYM,
            subject or NO_PSEUDONYM,
            envelope,
            ciphertext or b"",
        )


def _decisions(
    connection: sqlite3.Connection, ids: tuple[bytes, ...], before: int
) -> tuple[int, ...]:
    found = (
        connection.execute(
            "SELECT idx FROM older WHERE id = ? AND idx < ?", (entry_id, before)
        ).fetchone()
        for entry_id in ids
    )
    return tuple(row[0] for row in found if row is not None)
