"""A person is looked for in the blocks that a part names, and in all of the part that grows."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.bundles import StoredEntry
from gateway.audit.persons import (
    PART_ENTRIES,
    PERSON_TABLE,
    add_persons,
    blocks_with,
    read_part,
    save_part,
)
from gateway.audit.sealing import NO_PSEUDONYM

ANNA, BEN, CARL = (bytes([number]) * 16 for number in (1, 2, 3))


def kept(actor: bytes, subject: bytes = NO_PSEUDONYM) -> bytes:
    return StoredEntry(0, 0, NO_PSEUDONYM, actor, subject, b"{}", b"").kept


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute(PERSON_TABLE)
    save_part(connection, 0, {ANNA: 0b101, BEN: 1 << 15})
    save_part(connection, 1, {BEN: 0b11})
    return connection


def test_each_person_has_a_bit_for_each_block() -> None:
    entries = [kept(ANNA, BEN)] * 3 + [kept(NO_PSEUDONYM, CARL)] * 2

    persons = {ANNA: 0b1}

    add_persons(persons, PART_ENTRIES + 2 * 1_024 - 3, entries)

    assert persons == {ANNA: 0b11, BEN: 0b10, CARL: 0b100}


PERSON = st.sampled_from([ANNA, BEN, CARL, NO_PSEUDONYM])


@given(
    st.lists(st.tuples(PERSON, PERSON), max_size=40),
    st.integers(PART_ENTRIES, 2 * PART_ENTRIES - 40) | st.integers(1_000, 1_023),
    st.dictionaries(st.sampled_from([ANNA, BEN]), st.integers(1, 0xFFFF)),
)
def test_persons_are_noted_all_at_once_as_one_by_one(
    pairs: list[tuple[bytes, bytes]], first: int, known: dict[bytes, int]
) -> None:
    expected = dict(known)
    for index, pair in enumerate(pairs, first):
        for person in set(pair) - {NO_PSEUDONYM}:
            expected[person] = expected.get(person, 0) | 1 << index // 1_024 % 16
    add_persons(known, first, [kept(*pair) for pair in pairs])

    assert known == expected


def test_what_is_said_is_read(connection: sqlite3.Connection) -> None:
    assert read_part(connection, 0) == {ANNA: 0b101, BEN: 1 << 15}
    assert read_part(connection, 2) == {}


@pytest.mark.parametrize(
    ("pseudonyms", "blocks"),
    [
        ((ANNA,), [2, 0]),
        ((ANNA, BEN), [17, 16, 15, 2, 0]),
        ((CARL,), []),
        ((), []),
    ],
)
def test_blocks_are_given_newest_first(
    connection: sqlite3.Connection, pseudonyms: tuple[bytes, ...], blocks: list[int]
) -> None:
    assert list(blocks_with(connection, pseudonyms, range(2), 2 * PART_ENTRIES)) == blocks


def test_of_the_part_that_grows_every_block_is_given(connection: sqlite3.Connection) -> None:
    size = 2 * PART_ENTRIES + 1
    blocks = list(blocks_with(connection, (CARL,), range(3), size))

    assert blocks == list(range(47, 31, -1))
    assert list(blocks_with(connection, (), range(3), size)) == []
