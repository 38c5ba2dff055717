"""The table of faults names tests that are there."""

from __future__ import annotations

import re

from tests.structure.tree import read

TABLE = "tests/faults/README.md"


def named(table: str) -> list[tuple[str, str]]:
    """Give file and name of every test in a table."""
    return re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", table)


def missing(table: str) -> list[str]:
    """Find tests that are named and are not there."""
    return [
        f"{file}::{name}"
        for file, name in named(table)
        if not re.search(rf"def {name}\(", read(file))
    ]


def test_every_test_that_the_table_names_is_there() -> None:
    assert len(named(read(TABLE))) > 30
    assert missing(read(TABLE)) == []


def test_the_check_finds_a_planted_fault() -> None:
    assert missing("| `tests/structure/test_fault_table.py::test_nothing` |") == [
        "tests/structure/test_fault_table.py::test_nothing"
    ]
