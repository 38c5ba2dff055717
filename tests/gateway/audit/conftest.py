"""A record to every test that asks for one."""

from pathlib import Path

import pytest

from tests.doubles.record import RecordBench


@pytest.fixture
def bench(tmp_path: Path) -> RecordBench:
    """Give a fresh record."""
    return RecordBench(tmp_path)
