"""What the tables keep from a search is found, though every entry is proved."""

import pytest

from gateway.audit import blocks, open_part, persons, table_check
from tests.doubles.record import RecordBench


@pytest.fixture
def small(bench: RecordBench, monkeypatch: pytest.MonkeyPatch) -> RecordBench:
    """Give a log of several parts, of which the last still grows."""
    for module in (persons, table_check):
        monkeypatch.setattr(module, "PART_BLOCKS", 2)
    for module in (persons, open_part, table_check):
        monkeypatch.setattr(module, "PART_ENTRIES", 8)
    for module in (persons, open_part, table_check, blocks):
        monkeypatch.setattr(module, "BLOCK_ENTRIES", 4)
    return bench.filled(15)


def test_what_the_tables_say_is_what_the_entries_say(small: RecordBench) -> None:
    assert small.verify().faults == ()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM person WHERE part = 1", "part 1: table `person` does not say where"),
        ("UPDATE person SET blocks = 1 WHERE part = 0", "part 0: table `person` does not say"),
        ("UPDATE person SET part = 9 WHERE part = 0", "part 0: table `person` does not say"),
        ("INSERT INTO person VALUES (7, x'00', 1)", "table `person`: speaks of 4 parts"),
        ("UPDATE block SET from_us = from_us + 1 WHERE number = 2", "block 2: times, outcomes"),
        ("UPDATE block SET high_reference = '' WHERE number = 1", "block 1: times, outcomes"),
        ("DELETE FROM block WHERE number = 3", "block 3: times, outcomes or references"),
        ("INSERT INTO block VALUES (99, 0, 0, 0, '', '')", "block 99: times, outcomes"),
    ],
)
def test_what_they_say_otherwise_is_found(small: RecordBench, statement: str, said: str) -> None:
    with small.database() as connection:
        connection.execute(statement)

    assert any(said in str(fault) for fault in small.verify().faults)
