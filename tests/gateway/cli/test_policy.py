"""`gateway policy`: the policy set in force, and checking another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.cli.main import run
from tests.gateway.cli.place import LIBRARY, Place


def test_show_tells_digest_counts_and_agreements(place: Place) -> None:
    shown = place.run("policy", "show", "--json").json()

    assert len(shown["digest"]) == 64
    assert shown["organisations"] == 3
    assert shown["functions"] == 64
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
    for name in ("organisations", "catalogue", "agreements", "rules"):
        shutil.copy(LIBRARY / f"{name}.toml", tmp_path)
    assert run(["policy", "check", str(tmp_path)]) == 0
    assert "no faults: 3 organisations, 64 functions" in capsys.readouterr().out

    for name, old, new in (
        ("catalogue", 'floor = "BASE"', 'floor = "BASIC"'),
        ("rules", 'effect = "permit"', 'effect = "Permit"'),
    ):
        file = tmp_path / f"{name}.toml"
        file.write_text(file.read_text().replace(old, new, 1))
    code = run(["policy", "check", str(tmp_path)])

    told = capsys.readouterr().err
    assert code == 1
    assert f"{tmp_path}/catalogue.toml:" in told
    assert f"{tmp_path}/rules.toml:" in told
    assert "Traceback" not in told
