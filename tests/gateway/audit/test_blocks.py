"""A block is passed over only where nothing wanted can be in it."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit import blocks
from gateway.audit.blocks import (
    BLOCK_INDEX,
    BLOCK_TABLE,
    Block,
    add_to_blocks,
    blocks_of_id,
    blocks_that_may_have,
    find_entry,
    read_blocks,
)
from gateway.audit.columns import OUTCOME_CODES, PHASE_CODES, ClearColumns
from gateway.audit.entry import Outcome, Phase, new_entry_id
from tests.doubles.record import START, RecordBench, decision, microseconds

ANY = -(2**62), 2**62
DECISION = PHASE_CODES[Phase.DECISION]


def said(
    at_us: int = 0, *, phase: int = 0, outcome: int = 0, reference: bytes = b"7H3K9QZ001"
) -> ClearColumns:
    return new_entry_id(at_us), at_us, 0, phase, outcome, reference


@pytest.fixture
def connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> sqlite3.Connection:
    monkeypatch.setattr(blocks, "BLOCK_ENTRIES", 4)
    connection = sqlite3.connect(tmp_path / "log.sqlite")
    connection.execute(BLOCK_TABLE)
    connection.execute(BLOCK_INDEX)
    return connection


def test_it_says_the_same_however_the_entries_came(connection: sqlite3.Connection) -> None:
    columns = [
        said(10, reference=b"B"), said(5, outcome=1), said(20, phase=1, reference=b"Z"),
        said(7, reference=b""), said(30, reference=b""), said(40, phase=1, outcome=2),
    ]  # fmt: skip
    add_to_blocks(connection, 0, columns[:1])
    add_to_blocks(connection, 1, columns[1:])

    assert read_blocks(connection) == {
        0: Block(5, 20, 0b11, "7H3K9QZ001", "B"),
        1: Block(30, 40, 0b101, "\x7f", ""),
    }
    assert Block.of(columns[:4]) == Block(5, 20, 0b11, "7H3K9QZ001", "B")


SAID = st.builds(
    said,
    st.integers(0, 99),
    phase=st.sampled_from(sorted(PHASE_CODES.values())),
    outcome=st.sampled_from(sorted(OUTCOME_CODES.values())),
    reference=st.sampled_from([b"", b"A", b"B", b"C", b"D"]),
)


@given(st.lists(SAID, min_size=1, max_size=12), st.integers(1, 12))
def test_a_block_says_of_all_what_is_said_of_each(columns: list[ClearColumns], cut: int) -> None:
    times, outcomes = [each[1] for each in columns], {each[4] for each in columns}
    named = [each[5].decode() for each in columns if each[5] and each[3] == DECISION]
    block = Block.of(columns)

    assert (block.from_us, block.to_us) == (min(times), max(times))
    assert {code for code in range(64) if block.outcomes >> code & 1} == outcomes
    assert (block.low_reference, block.high_reference) == (
        (min(named), max(named)) if named else ("\x7f", "")
    )
    if columns[cut:]:
        assert Block.of(columns[:cut]).joined(Block.of(columns[cut:])) == block


def test_blocks_are_chosen_by_time_outcome_and_reference(connection: sqlite3.Connection) -> None:
    for number in range(6):
        names = (b"R%dA" % number, b"R%dC" % number)
        each = [said(number * 100 + n, outcome=number % 3, reference=names[n]) for n in (0, 1)]
        add_to_blocks(connection, number * 4, each)

    def chosen(span: tuple[int, int], outcome: int | None, reference: str) -> list[int]:
        return list(blocks_that_may_have(connection, range(6), *span, outcome, reference))

    assert chosen(ANY, None, "") == [5, 4, 3, 2, 1, 0]
    assert chosen((101, 301), None, "") == [3, 2, 1]
    assert chosen((102, 300), None, "") == [2]
    assert chosen(ANY, 2, "") == [5, 2]
    assert chosen(ANY, None, "R3B") == [3]
    assert chosen(ANY, None, "R3D") == []
    assert list(blocks_that_may_have(connection, range(2, 4), *ANY, None, "")) == [3, 2]


def test_an_id_is_looked_for_where_entries_of_its_millisecond_are(
    connection: sqlite3.Connection,
) -> None:
    for number in range(4):
        add_to_blocks(connection, number * 4, [said(5_000 + number * 1_000), said(6_300)])

    assert list(blocks_of_id(connection, new_entry_id(6_999))) == [0, 1, 2, 3]
    assert list(blocks_of_id(connection, new_entry_id(8_000))) == [3]
    assert list(blocks_of_id(connection, new_entry_id(9_000))) == []


@pytest.mark.parametrize("at_us", [10, 2_000_010, 3_999_010])
def test_a_long_log_is_not_looked_through_for_an_id(
    connection: sqlite3.Connection, at_us: int
) -> None:
    for number in range(4_000):
        add_to_blocks(connection, number * 4, [said(number * 1_000), said(number * 1_000 + 999)])
    steps: list[None] = []
    connection.set_progress_handler(lambda: steps.append(None), 100)

    assert next(blocks_of_id(connection, new_entry_id(at_us))) == at_us // 1_000
    assert len(steps) < 5  # hundreds of steps of SQLite's machine


def test_the_entry_of_an_id_is_found(bench: RecordBench) -> None:
    wanted = decision(3)
    drafts = [
        decision(1),
        decision(2),
        wanted,
        wanted.result(Outcome.PERMIT, at_us=wanted.at_us + 9_000),
    ]
    bench.record(*drafts)
    bench.drain()
    ids = bench.ids()
    with bench.database() as log:
        found = [find_entry(log, each) for each in ids]
        assert [entry and entry.idx for entry in found] == list(range(len(ids)))
        assert find_entry(log, wanted.id, before=ids.index(wanted.id)) is None
        assert find_entry(log, new_entry_id(microseconds(START))) is None
