"""`gateway policy`: the policy set in force, and checking another."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.main import run
from tests.gateway.cli.place import LIBRARY, Place
from tests.policies.people import copied_set


def test_show_tells_digest_counts_and_agreements(place: Place) -> None:
    shown = place.run("policy", "show", "--json").json()

    assert len(shown["digest"]) == 64
    assert shown["organisations"] == 3
    assert shown["functions"] == 68
    assert "host-own-staff" in {agreement["id"] for agreement in shown["agreements"]}
    assert shown["digest"] in place.run("policy", "show").out


def test_functions_lists_an_area_with_its_floors(place: Place) -> None:
    rows = place.run("policy", "functions", "--area", "payroll", "--json").json()

    assert {row["area"] for row in rows} == {"Payroll"}
    assert {"id": "pay.slip", "floor": "BASE"}.items() <= rows[0].items()
    assert "pay.slip" in place.run("policy", "functions").out


def test_check_names_every_fault_of_every_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copied_set(tmp_path)
    assert run(["policy", "check", str(directory)]) == 0
    assert "no faults: 3 organisations, 68 functions" in capsys.readouterr().out

    for name, old, new in (
        ("catalogue", "\n\n", '\n\nwithout = ["pay.slap"]\n'),
        ("rules", 'effect = "permit"', 'effect = "Permit"'),
    ):
        file = directory / f"{name}.toml"
        file.write_text(file.read_text().replace(old, new, 1))
    code = run(["policy", "check", str(directory)])

    told = capsys.readouterr().err
    assert code == 1
    assert f"{directory}/catalogue.toml:" in told
    assert f"{directory}/rules.toml:" in told
    assert "Traceback" not in told


ROW = """
on = 2026-11-21T12:00:00Z

[[case]]
why = "a firefighter's own payslip"
organisation = "cheshire-fire"
levels = ["DBSB"]
asks = "pay.slip"
gate = "permitted"
reason = "rule-permits"
"""


def test_tables_that_hold_are_told_with_the_rules_that_no_row_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copied_set(tmp_path)
    (directory / "decision_tables").mkdir()
    (directory / "decision_tables" / "fire.toml").write_text(ROW)

    assert run(["policy", "test", str(directory)]) == 0
    told = capsys.readouterr().out
    assert "1 of 1 rows come out as written" in told
    assert "no row would notice the loss of: own.duty" in told


def test_a_row_that_comes_out_otherwise_is_told_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    (tables / "fire.toml").write_text(ROW.replace('"DBSB"', '"N1"'))

    assert run(["policy", "test", str(LIBRARY), "--tables", str(tables)]) == 1
    told = capsys.readouterr().out
    assert f"{tables / 'fire.toml'}:4: a firefighter's own payslip" in told
    assert "expected permitted (rule-permits), found clearance (clearance-too-low)" in told


def test_without_tables_it_says_where_they_would_be(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["policy", "test", str(copied_set(tmp_path))]) == 1
    assert "--tables" in capsys.readouterr().err


def test_lint_tells_findings_and_fails_on_a_security_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = copied_set(tmp_path)
    assert run(["policy", "lint", str(directory)]) == 0
    assert "L106 warning: function `proc.tender`" in capsys.readouterr().out

    rules = directory / "rules.toml"
    rules.write_text(
        rules.read_text().replace(
            'when = { organisation = ["cheshire-police"], post = ["hr"] }',
            'when = { organisation = ["cheshire-police"] }',
        )
    )
    assert run(["policy", "lint", str(directory)]) == 1
    assert "L103 security-warning: rule `hr.host-search`" in capsys.readouterr().out
