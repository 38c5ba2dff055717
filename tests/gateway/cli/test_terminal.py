"""What commands write: tables, CSV without formulas, progress only for long work."""

from __future__ import annotations

import csv
import io

import pytest

from gateway.cli.terminal import Progress, table, to_csv


def test_columns_line_up_and_control_characters_do_not_reach_the_terminal() -> None:
    text = table(["who", "what"], [["fire/1", "x\x1b[2Jy"], ["nwas/22", "z"]])

    assert "\x1b[2J" not in text
    assert text.splitlines()[1:] == ["fire/1   x?[2Jy", "nwas/22  z"]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"]
)
def test_no_cell_of_csv_becomes_a_formula(cell: str) -> None:
    """An auditor opens the export in a spreadsheet; a visitor chose some of its text."""
    rows = list(csv.reader(io.StringIO(to_csv(["a", "b"], [[cell, 'plain "x", y']]))))

    assert rows == [["a", "b"], [f"'{cell}", 'plain "x", y']]


def test_short_work_shows_no_progress(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("verifying") as progress:
        progress(1, 2)

    assert capsys.readouterr().err == ""


def test_long_work_shows_progress_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("verifying", quiet_seconds=0, redraw_seconds=0) as progress:
        progress(500, 2_000)
        progress(510, 2_000)

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "verifying: 500 of 2,000 (25 %)\n"
