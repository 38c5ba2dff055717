"""What a sequencer remembers of the newest entries, so that it needs no index for each of them.

The persons of the part of the log that still grows, and the ids of that part and of the one before.
An id that comes twice is noticed by them; that of an older entry is looked for at its own time.
The next sequencer reads all of it from the log again.
"""

import contextlib
import sqlite3
from binascii import unhexlify
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

import orjson

from gateway.audit.blocks import BLOCK_ENTRIES, blocks_of_id
from gateway.audit.bundles import StoredEntry, log_size, read_entries
from gateway.audit.persons import PART_ENTRIES, Persons, add_persons

_BEFORE_ID = b'{"v":1,"id":"'
_ID = slice(len(_BEFORE_ID), len(_BEFORE_ID) + 32)
_LAST_MILLISECOND = (1 << 48) - 1
_ID_BYTES = 16
_BLOCKS_READ = 64  # 16 KiB each


@dataclass(slots=True, kw_only=True)
class OpenPart:
    """What is remembered. It grows with a transaction; if that fails, it is to be read again.

    Attributes:
        size: Number of entries in the log.
        persons: In which blocks of the open part persons are.
        ids: Of the entries of the open part, with their index.
        ids_before: Of those of the part before, as far as they are known.
        known_from: Index of the first entry whose id is known.
        least_new: An id from here on is not that of an entry before those known, unless that
            entry's id has another time than the entry itself.
    """

    size: int = 0
    persons: dict[bytes, int] = field(default_factory=dict)
    ids: dict[bytes, int] = field(default_factory=dict)
    ids_before: dict[bytes, int] = field(default_factory=dict)
    known_from: int = 0
    least_new: bytes = b""

    def index_of(self, entry_id: bytes) -> int | None:
        """Give the index of a remembered entry."""
        index = self.ids.get(entry_id)
        return self.ids_before.get(entry_id) if index is None else index

    def grow(
        self, kept: Sequence[bytes], ids: Sequence[bytes], save: Callable[[int, Persons], None]
    ) -> None:
        """Remember entries that were added at the end.

        Args:
            kept: What bundles keep of them.
            ids: Their ids.
            save: Given each part that is full by then, and its persons.
        """
        at = 0
        while at < len(ids):
            end = at + PART_ENTRIES - self.size % PART_ENTRIES
            some = ids[at:end]
            add_persons(self.persons, self.size, kept[at:end])
            self.ids.update(zip(some, count(self.size)))
            self.size += len(some)
            if self.size % PART_ENTRIES == 0:
                save(self.size // PART_ENTRIES - 1, self.persons)
                self.known_from = self.size - PART_ENTRIES
                self.persons, self.ids, self.ids_before = {}, {}, self.ids
            at = end


class OlderIds:
    """The ids of blocks before those remembered, read as they are asked for."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Start with none read."""
        self._connection = connection
        # One behind the other: as a set those of a block take seven times as much.
        self._blocks: dict[int, bytes] = {}

    def have(self, entry_id: bytes, known_from: int) -> bool:
        """Tell whether an entry before an index has this id, where entries of its time are."""
        numbers = blocks_of_id(self._connection, entry_id)
        return any(
            _is_among(self._of(n), entry_id) for n in numbers if n * BLOCK_ENTRIES < known_from
        )

    def _of(self, number: int) -> bytes:
        ids = self._blocks.get(number)
        if ids is None:
            if len(self._blocks) >= _BLOCKS_READ:
                self._blocks.clear()
            first = number * BLOCK_ENTRIES
            entries = read_entries(self._connection, first, first + BLOCK_ENTRIES)
            ids = b"".join(each for each in _ids_of(entries) if len(each) == _ID_BYTES)
            self._blocks[number] = ids
        return ids


def _is_among(ids: bytes, entry_id: bytes) -> bool:
    """Tell whether an id is one of those that stand one behind the other."""
    at = ids.find(entry_id)
    while at > 0 and at % _ID_BYTES:  # the end of one and the beginning of the next
        at = ids.find(entry_id, at + 1)
    return at >= 0


def load_open_part(connection: sqlite3.Connection) -> OpenPart:
    """Read from the log what is to be remembered; raises LogStoreError."""
    size = log_size(connection)
    start = size // PART_ENTRIES * PART_ENTRIES
    kept: list[bytes] = []
    ids: dict[bytes, int] = {}
    for entry in read_entries(connection, start):
        kept.append(entry.kept)
        ids.update((each, entry.idx) for each in _ids_of((entry,)))
    persons: dict[bytes, int] = {}
    add_persons(persons, start, kept)
    return OpenPart(
        size=size,
        persons=persons,
        ids=ids,
        known_from=start,
        least_new=least_new_id(connection, start),
    )


def least_new_id(connection: sqlite3.Connection, known_from: int) -> bytes:
    """Give the least id of a later time than that of every entry before one at a part's start."""
    (latest_us,) = connection.execute(
        "SELECT max(to_us) FROM block WHERE number < ?", (known_from // BLOCK_ENTRIES,)
    ).fetchone()
    if latest_us is None:
        return b""
    following = max(0, min(latest_us // 1_000 + 1, _LAST_MILLISECOND))
    return bytes(following.to_bytes(6, "big"))


def _ids_of(entries: Iterable[StoredEntry]) -> Iterator[bytes]:
    for entry in entries:
        # What somebody has changed is found by `verify`.
        with contextlib.suppress(LookupError, TypeError, ValueError):
            if entry.envelope.startswith(_BEFORE_ID):
                yield unhexlify(entry.envelope[_ID])
            else:
                yield bytes.fromhex(orjson.loads(entry.envelope)["id"])
