"""The file of figures: medians with their spread, and one group beside the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.benchmarks.results import Figure, merge, table

if TYPE_CHECKING:
    from pathlib import Path


def test_a_group_replaces_its_own_figures_and_leaves_the_others(tmp_path: Path) -> None:
    file = tmp_path / "var" / "results.json"
    merge([Figure(key="gate.rps", values=(1, 2, 3))], file)
    merge([Figure(key="decision.p50_us", values=(9, 9, 9))], file)
    merge([Figure(key="decision.p50_us", values=(3.00004, 5, 4))], file)

    written = json.loads(file.read_text(encoding="utf-8"))

    assert set(written) == {"date", "cores", "figures", "spread"}
    assert written["figures"] == {"decision.p50_us": 4.0, "gate.rps": 2.0}
    assert written["spread"]["decision.p50_us"] == {"min": 3.0, "max": 5.0, "repetitions": 3}
    assert [path.name for path in file.parent.iterdir()] == ["results.json"]


def test_a_figure_needs_three_repetitions() -> None:
    with pytest.raises(ValueError, match="measured 2 times"):
        Figure(key="decision.p50_us", values=(1, 2))


def test_the_table_shows_the_target() -> None:
    text = table([Figure(key="a.b", values=(1, 2, 3))], {"a.b": "<= 5"})

    assert text.splitlines()[1].split() == ["a.b", "2.0", "1.0", "3.0", "<=", "5"]
