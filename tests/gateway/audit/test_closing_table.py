"""From a decision to the entry that closed it, and to the first if there are several."""

import sqlite3
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.bundles import BUNDLE_TABLE, StoredEntry, add_bundles
from gateway.audit.closing_table import CLOSING_TABLE, closing_rows, find_result, save_closings
from gateway.audit.sealing import NO_PSEUDONYM


@pytest.fixture
def connection(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute(BUNDLE_TABLE)
    connection.execute(CLOSING_TABLE)
    entry = StoredEntry(0, 0, NO_PSEUDONYM, NO_PSEUDONYM, NO_PSEUDONYM, b"{}", b"")
    add_bundles(connection, 0, bytes(1_200), [entry.kept] * 1_200)
    return connection


def result_of(connection: sqlite3.Connection, decision: int) -> int | None:
    found = find_result(connection, decision)
    return None if found is None else found.idx


def test_a_row_is_for_one_block_of_decisions_and_one_result() -> None:
    assert list(closing_rows([(1_100, (1_030, 5, 1_023)), (1_101, ())])) == [
        (0, 1_100, b"\0\5\3\xff"),
        (1, 1_100, b"\0\6"),
    ]


# The first and the last of a block among them, and some of long ago.
PLACES = st.builds(
    lambda block, place: block * 1_024 + place,
    st.sampled_from([0, 1, 2, 9, 10**6]),
    st.sampled_from([0, 1, 1_023]) | st.integers(0, 1_023),
)


@given(st.lists(PLACES, max_size=96))
def test_each_decision_has_its_place_in_its_block(decisions: list[int]) -> None:
    rows = list(closing_rows([(7, tuple(decisions)), (8, ())]))
    blocks = [block for block, _, _ in rows]

    assert blocks == sorted({each // 1_024 for each in decisions})
    assert {result for _, result, _ in rows} <= {7}
    for block, _, places in rows:
        said = struct.unpack(f">{len(places) // 2}H", places)
        assert list(said) == sorted(each % 1_024 for each in decisions if each // 1_024 == block)


def test_the_first_that_closes_a_decision_counts(connection: sqlite3.Connection) -> None:
    save_closings(connection, [(1_100, (5, 1_023, 1_030)), (1_150, (5, 6))])

    assert [result_of(connection, each) for each in (5, 6, 1_023, 1_030)] == [
        1_100, 1_150, 1_100, 1_100,
    ]  # fmt: skip
    # 0x0005 and 0x03ff stand side by side: what lies across them is no place.
    assert [result_of(connection, each) for each in (0x0503, 3, 4, 1_029)] == [None] * 4
