"""In which blocks of the log a person is, by pseudonym, for each part of 16,384 entries.

Pseudonyms are random: in an index with a row for each entry, every entry changed a page of its own.
So what a part says of persons is written once, when the part is full: one row for each person,
in their order, with a bit for each block of the part. Of the part that is still growing
the sequencer's memory knows it (`gateway.audit.open_part`); whoever searches looks through that
part itself.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter, or_
from typing import Final

from gateway.audit.blocks import BLOCK_ENTRIES
from gateway.audit.bundles import PERSONS, pieces
from gateway.audit.sealing import NO_PSEUDONYM

PART_BLOCKS: Final = 16
PART_ENTRIES: Final = PART_BLOCKS * BLOCK_ENTRIES
PERSON_TABLE: Final = """CREATE TABLE person (
    part INTEGER NOT NULL,
    pseudonym BLOB NOT NULL,
    blocks INTEGER NOT NULL,
    PRIMARY KEY (part, pseudonym)
) STRICT, WITHOUT ROWID"""

_ACTOR, _SUBJECT = map(itemgetter, PERSONS)

Persons = Mapping[bytes, int]
"""Of each pseudonym the blocks of a part it is in, as bits."""


def add_persons(persons: dict[bytes, int], first: int, kept: Sequence[bytes]) -> None:
    """Note in which blocks of a part persons are.

    Args:
        persons: What is known of the part; it is added to.
        first: Index of the first of these entries; all are of that part.
        kept: What bundles keep of them.
    """
    known = persons.get
    for piece in pieces(first, len(kept), BLOCK_ENTRIES):
        bit = 1 << (first + piece.start) // BLOCK_ENTRIES % PART_BLOCKS
        some = kept[piece]
        present = set(map(_ACTOR, some)).union(map(_SUBJECT, some))
        present.discard(NO_PSEUDONYM)
        blocks = map(or_, map(known, present, repeat(0)), repeat(bit))
        persons.update(zip(present, blocks, strict=True))


def save_part(connection: sqlite3.Connection, part: int, persons: Persons) -> None:
    """Write what a full part says of persons, inside a transaction."""
    connection.executemany(
        "INSERT INTO person VALUES (?,?,?)",
        ((part, pseudonym, blocks) for pseudonym, blocks in sorted(persons.items())),
    )


def read_part(connection: sqlite3.Connection, part: int) -> Persons:
    """Give what a full part says of persons."""
    found = connection.execute("SELECT pseudonym, blocks FROM person WHERE part = ?", (part,))
    return dict(found.fetchall())


def blocks_with(
    connection: sqlite3.Connection, pseudonyms: Iterable[bytes], parts: range, size: int
) -> Iterator[int]:
    """Give the blocks in which any of some persons is, newest first.

    Args:
        connection: Of the log.
        pseudonyms: Of these persons.
        parts: Where to look.
        size: Number of entries in the log; of the part that it does not fill, every block is given.
    """
    wanted = tuple(dict.fromkeys(pseudonyms))
    for part in reversed(parts):
        if size < (part + 1) * PART_ENTRIES:
            blocks = (1 << PART_BLOCKS) - 1 if wanted else 0
        else:
            blocks = 0
            for pseudonym in wanted:
                for (said,) in connection.execute(
                    "SELECT blocks FROM person WHERE part = ? AND pseudonym = ?", (part, pseudonym)
                ):
                    blocks |= said
        for within in range(PART_BLOCKS - 1, -1, -1):
            if blocks >> within & 1:
                yield part * PART_BLOCKS + within
