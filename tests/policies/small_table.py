"""A decision table of one row, and a way to write others like it into a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

CASE = """
on = 2026-11-21T12:00:00Z

[[case]]
why = "own payslip"
organisation = "cheshire-fire"
levels = ["DBSB"]
asks = "pay.slip"
gate = "permitted"
reason = "rule-permits"
"""


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "table.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
