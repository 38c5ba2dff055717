"""Entries as the log's file keeps them: up to 256 in one row, in the order of the tree.

A row of its own for each entry, with columns and indexes to find it by, cost the sequencer as much
as checking the entry did. A bundle holds what is the truth and nothing besides: for each entry the
salt and the two pseudonyms that its envelope commits to, the envelope, the ciphertext. What is
searched for stands in the envelope; `gateway.audit.blocks` and `gateway.audit.persons` say in
which blocks of the log to look.

A bundle never crosses the end of a tile, so whichever entry is wanted, its bundle is known to begin
at most 255 entries before it.
"""

import sqlite3
import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from gateway.audit.errors import LogStoreError
from gateway.audit.sealing import HEADER, NO_PSEUDONYM
from gateway.audit.tiles import TILE_WIDTH

BUNDLE_ENTRIES: Final = TILE_WIDTH
# One byte of `flags` for each entry.
BUNDLE_TABLE: Final = """CREATE TABLE bundle (
    first INTEGER PRIMARY KEY,
    flags BLOB NOT NULL,
    content BLOB NOT NULL
) STRICT"""

# Bits of a flag.
FLAG_MAC = 1  # the MAC of the journal did not hold
FLAG_SEQUENCE = 2  # entries of the same writer are missing before this one

# Salt, pseudonym of the actor, of the subject, length of envelope, of ciphertext: a journalled body
# without its kind and its MAC.
_HEAD: Final = struct.Struct(">16s16s16sII")
KEPT: Final = slice(HEADER.size - _HEAD.size, None)
"""What is kept of a journalled body."""
PERSONS: Final = (slice(16, 32), slice(32, 48))
"""Where the pseudonyms stand in what is kept: of the actor, of the subject."""


class StoredEntry(NamedTuple):
    """An entry out of a bundle; the pseudonyms are zeros for nobody."""

    idx: int
    flag: int
    salt: bytes
    actor: bytes
    subject: bytes
    envelope: bytes
    ciphertext: bytes

    @property
    def kept(self) -> bytes:
        """The bytes that a bundle holds of it."""
        lengths = len(self.envelope), len(self.ciphertext)
        head = _HEAD.pack(self.salt, self.actor, self.subject, *lengths)
        return head + self.envelope + self.ciphertext

    @property
    def names_somebody(self) -> bool:
        """Whether it has pseudonyms, or a salt for them."""
        return not self.salt == self.actor == self.subject == NO_PSEUDONYM


def add_bundles(
    connection: sqlite3.Connection, first: int, flags: bytes, kept: Sequence[bytes]
) -> None:
    """Add entries at the end, inside a transaction.

    Args:
        connection: Of the log.
        first: Index of the first of them.
        flags: One byte for each.
        kept: Their bytes.
    """
    bundles = [
        (first + piece.start, flags[piece], b"".join(kept[piece]))
        for piece in pieces(first, len(kept), BUNDLE_ENTRIES)
    ]
    connection.executemany("INSERT INTO bundle VALUES (?,?,?)", bundles)


def pieces(first: int, count: int, width: int) -> Iterator[slice]:
    """Cut a run of entries where bundles or blocks of the log end.

    Args:
        first: Index of the first entry of the run.
        count: How many there are.
        width: Entries between two such ends.

    Returns:
        What of the run lies in one, for each.
    """
    at = 0
    while at < count:
        end = min(at + width - (first + at) % width, count)
        yield slice(at, end)
        at = end


def log_size(connection: sqlite3.Connection) -> int:
    """Return the number of entries: one more than the last index."""
    found = connection.execute(
        "SELECT first + length(flags) FROM bundle ORDER BY first DESC LIMIT 1"
    ).fetchone()
    return 0 if found is None else int(found[0])


class Bundle(NamedTuple):
    """A row of the table."""

    first: int
    flags: bytes
    content: bytes

    def entries(self) -> Iterator[StoredEntry]:
        """Take it apart, in order.

        Raises:
            LogStoreError: Its lengths do not add up.
        """
        content, at, whole = self.content, 0, len(self.content)
        unpack, head = _HEAD.unpack_from, _HEAD.size
        for index, flag in enumerate(self.flags, self.first):
            start = at + head
            if start > whole:
                break
            salt, actor, subject, length, more = unpack(content, at)
            end = start + length
            at = end + more
            if at > whole:
                break
            yield StoredEntry(
                index, flag, salt, actor, subject, content[start:end], content[end:at]
            )
        else:
            if at == whole:
                return
        raise LogStoreError(f"log: the bundle of entry {self.first} does not add up")


def envelope_of(kept: bytes) -> bytes:
    """Give the envelope of one entry out of what is kept of it."""
    _, _, _, length, _ = _HEAD.unpack_from(kept)
    return kept[_HEAD.size : _HEAD.size + length]


def read_bundles(
    connection: sqlite3.Connection, low: int, high: int, *, newest_first: bool = False
) -> Iterator[Bundle]:
    """Give the bundles that hold any of the entries from `low` on and before `high`."""
    order = "DESC" if newest_first else "ASC"
    cursor = connection.execute(
        "SELECT first, flags, content FROM bundle WHERE first >= ? AND first < ?"  # noqa: S608
        f" AND first + length(flags) > ? ORDER BY first {order}",
        (low - BUNDLE_ENTRIES + 1, high, low),
    )
    return map(Bundle._make, cursor)


def read_entries(
    connection: sqlite3.Connection, low: int, high: int | None = None
) -> Iterator[StoredEntry]:
    """Give the entries from `low` on and before `high`, in order."""
    end = 2**62 if high is None else high
    for bundle in read_bundles(connection, low, end):
        for entry in bundle.entries():
            if low <= entry.idx < end:
                yield entry


def read_entry(connection: sqlite3.Connection, index: int) -> StoredEntry | None:
    """Give one entry."""
    return next(read_entries(connection, index, index + 1), None)
