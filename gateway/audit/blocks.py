"""In which blocks of 1,024 entries something can be: the log's table of contents.

The order of the tree is nearly that of time, and so are ids and references, which begin with it.
So a block tells by the span of its times whether an id can be in it, by the span of its references
whether one of them can, and by its outcomes whether it holds what was refused or failed. That is
three numbers and two texts for 1,024 entries, where an index would have a row for each.

The reference of a result is left out of the span: whoever looks for a visit looks for its decision,
and a visit that ends hours after it began would widen the span by those hours.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, repeat
from operator import eq
from typing import Final, NamedTuple

import orjson

from gateway.audit.bundles import StoredEntry, pieces, read_bundles
from gateway.audit.columns import PHASE_CODES, ClearColumns
from gateway.audit.entry import Phase

BLOCK_ENTRIES: Final = 1_024
# The second table is small beside the first; the index finds the few blocks of a moment in it.
BLOCK_TABLE: Final = """CREATE TABLE block (
    number INTEGER PRIMARY KEY,
    from_us INTEGER NOT NULL,
    to_us INTEGER NOT NULL,
    outcomes INTEGER NOT NULL,
    low_reference TEXT NOT NULL,
    high_reference TEXT NOT NULL
) STRICT"""
BLOCK_INDEX: Final = "CREATE INDEX block_to ON block (to_us)"
_INSERT: Final = (
    "INSERT INTO block VALUES (?,?,?,?,?,?) ON CONFLICT (number) DO UPDATE SET"
    " from_us = min(from_us, excluded.from_us), to_us = max(to_us, excluded.to_us),"
    " outcomes = outcomes | excluded.outcomes,"
    " low_reference = min(low_reference, excluded.low_reference),"
    " high_reference = max(high_reference, excluded.high_reference)"
)
_NEXT_AT: Final = (
    "SELECT to_us, number FROM block WHERE (to_us, number) > (?, ?) AND from_us <= ?"
    " ORDER BY to_us, number LIMIT 1"
)
# Above and below every reference: the span of a block that has none.
_NO_LOW, _NO_HIGH = "\x7f", ""
_DECISION: Final = PHASE_CODES[Phase.DECISION]
_ID_TIME: Final = slice(0, 6)


class Block(NamedTuple):
    """What is said of a block.

    Attributes:
        from_us: The earliest instant of an entry in it.
        to_us: The latest.
        outcomes: One bit for each outcome there is, by its code.
        low_reference: The least reference of an entry that is no result.
        high_reference: The greatest.
    """

    from_us: int
    to_us: int
    outcomes: int
    low_reference: str
    high_reference: str

    @classmethod
    def of(cls, columns: Iterable[ClearColumns]) -> "Block":
        """Say it of some entries; there must be one."""
        _, times, _, phases, outcomes, references = zip(*columns, strict=True)
        bits = 0
        for outcome in set(outcomes):
            bits |= 1 << outcome
        of_decisions = compress(references, map(eq, phases, repeat(_DECISION)))
        named = tuple(filter(None, of_decisions))
        low, high = (min(named).decode(), max(named).decode()) if named else (_NO_LOW, _NO_HIGH)
        return cls(min(times), max(times), bits, low, high)

    def joined(self, other: "Block") -> "Block":
        """Say it of the entries of both."""
        return Block(
            min(self.from_us, other.from_us),
            max(self.to_us, other.to_us),
            self.outcomes | other.outcomes,
            min(self.low_reference, other.low_reference),
            max(self.high_reference, other.high_reference),
        )


def add_to_blocks(
    connection: sqlite3.Connection, first: int, columns: Sequence[ClearColumns]
) -> None:
    """Note what entries say that are added at the end, inside a transaction."""
    noted = [
        ((first + piece.start) // BLOCK_ENTRIES, *Block.of(columns[piece]))
        for piece in pieces(first, len(columns), BLOCK_ENTRIES)
    ]
    connection.executemany(_INSERT, noted)


def read_blocks(connection: sqlite3.Connection) -> Mapping[int, Block]:
    """Give what is said of every block."""
    return {number: Block(*said) for number, *said in connection.execute("SELECT * FROM block")}


def blocks_that_may_have(
    connection: sqlite3.Connection,
    numbers: range,
    since_us: int,
    until_us: int,
    outcome: int | None,
    reference: str,
) -> Iterator[int]:
    """Give the blocks in which something may be, newest first.

    Args:
        connection: Of the log.
        numbers: Of the blocks to choose from.
        since_us: The earliest instant.
        until_us: The instant after the latest.
        outcome: Code of an outcome; None for any.
        reference: Of an entry that is no result; empty for any.
    """
    conditions = ["number >= ?", "number < ?", "to_us >= ?", "from_us < ?"]
    values: list[object] = [numbers.start, numbers.stop, since_us, until_us]
    if outcome is not None:
        conditions.append("outcomes >> ? & 1")
        values.append(outcome)
    if reference:
        conditions += ["low_reference <= ?", "high_reference >= ?"]
        values += [reference, reference]
    where = " AND ".join(conditions)  # every one of them is a text of this module
    cursor = connection.execute(
        f"SELECT number FROM block WHERE {where} ORDER BY number DESC",  # noqa: S608
        values,
    )
    return (number for (number,) in cursor)


def blocks_of_id(connection: sqlite3.Connection, entry_id: bytes) -> Iterator[int]:
    """Give the blocks in which an id can be, by the millisecond with which it begins.

    The first is nearly always the one. To say that there is no further one, all later blocks must
    be looked at, some 30 ms for a hundred million entries; so each is asked for by itself.
    """
    first_us = int.from_bytes(entry_id[_ID_TIME], "big") * 1_000
    place = first_us, -1
    while found := connection.execute(_NEXT_AT, (*place, first_us + 999)).fetchone():
        place = found
        yield found[1]


def find_entry(
    connection: sqlite3.Connection, entry_id: bytes, before: int = 2**62
) -> StoredEntry | None:
    """Find the entry of an id.

    Args:
        connection: Of the log.
        entry_id: The id; it is looked for where entries of its time are.
        before: Only entries of a smaller index.
    """
    named = b'"id":"%b"' % entry_id.hex().encode()
    for number in blocks_of_id(connection, entry_id):
        low, high = number * BLOCK_ENTRIES, min(before, (number + 1) * BLOCK_ENTRIES)
        for entry in _entries_with(connection, named, low, high):
            if orjson.loads(entry.envelope).get("id") == entry_id.hex():
                return entry
    return None


def _entries_with(
    connection: sqlite3.Connection, text: bytes, low: int, high: int
) -> Iterator[StoredEntry]:
    for bundle in read_bundles(connection, low, high):
        if text in bundle.content:
            for entry in bundle.entries():
                if text in entry.envelope and low <= entry.idx < high:
                    yield entry
