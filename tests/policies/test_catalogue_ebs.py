"""Addresses of an Oracle suite that would let more through than they are written for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.catalogue_file import load_catalogue
from policies.errors import PolicyFileError
from vetting.levels import LevelOrder

if TYPE_CHECKING:
    from pathlib import Path

    from vetting.errors import Fault

TEXT = """\
[[function]]
id = "fin.ap"
title = "Invoices"
area = "Finance"
classification = "OFFICIAL"
regime = "GP"
floor = "{floor}"
floor_by_owner = {{ a-fire = "{other}" }}
scope = "organisation"
system = "ebs"
match = [{matches}]
"""


def faults(tmp_path: Path, *paths: str, floor: str = "N2F", other: str = "RV") -> tuple[Fault, ...]:
    matches = ", ".join(f'{{ methods = ["GET"], path = "{path}" }}' for path in paths)
    path = tmp_path / "catalogue.toml"
    path.write_text(TEXT.format(floor=floor, other=other, matches=matches), encoding="utf-8")
    try:
        load_catalogue(path, LevelOrder.shipped())
    except PolicyFileError as refusal:
        return refusal.faults
    return ()


@pytest.mark.parametrize("floor", ["N2F", "RV", "N2F or RV", "N3", "N3 and SC", "RV or N3"])
def test_professional_forms_open_from_full_vetting_on(tmp_path: Path, floor: str) -> None:
    assert faults(tmp_path, "/forms/frmservlet", floor=floor) == ()


@pytest.mark.parametrize("floor", ["BASE", "N1", "N2A", "BASE or N3", "DBSE"])
@pytest.mark.parametrize("path", ["/forms/frmservlet", "/forms/*", "/forms/{servlet}"])
def test_professional_forms_open_to_nobody_below(tmp_path: Path, floor: str, path: str) -> None:
    """Neither for records of the host nor for those of somebody else."""
    (host,) = faults(tmp_path, path, floor=floor)
    (other,) = faults(tmp_path, path, other=floor)

    assert "too little for professional forms" in host.message
    assert "N2F or RV" in other.remedy


def test_other_paths_may_ask_for_less(tmp_path: Path) -> None:
    assert faults(tmp_path, "/estates/forms", floor="BASE", other="BASE") == ()


@pytest.mark.parametrize("path", ["/OA_HTML/*", "/OA_HTML/{page}", "/OA_HTML/jsp/*"])
def test_pages_of_the_suite_are_named_one_by_one(tmp_path: Path, path: str) -> None:
    (fault,) = faults(tmp_path, path)

    assert "nobody has named" in fault.message


@pytest.mark.parametrize("page", ["OAExport.jsp", "OADownload.jsp"])
def test_what_takes_away_is_a_function_of_its_own(tmp_path: Path, page: str) -> None:
    (fault,) = faults(tmp_path, "/OA_HTML/OA.jsp", f"/OA_HTML/{page}")

    assert "takes away" in fault.message
    assert faults(tmp_path, f"/OA_HTML/{page}") == ()
    assert faults(tmp_path, "/OA_HTML/OA.jsp") == ()
