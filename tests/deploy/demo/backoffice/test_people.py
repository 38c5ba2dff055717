"""Everybody the back office knows: written for it, read by it, found, but for who is protected."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.demo.backoffice.people import People
from deploy.demo.scenario import load_scenario
from deploy.demo.staff import staff_of

PROTECTED = "hampshire-police-covert"
OFFICER = "28011"


@pytest.fixture(scope="module")
def hampshire() -> People:
    scenario = load_scenario("hampshire")
    unlisted = frozenset(each.id for each in scenario.organisations if not each.listed)
    assert unlisted == {PROTECTED}
    staff = (
        member
        for name in (PROTECTED, "hampshire-fire")
        for member in staff_of(scenario[name], scenario.accounts)
    )
    return People.of(staff, unlisted)


def test_what_is_written_is_read_back(hampshire: People, tmp_path: Path) -> None:
    hampshire.write(tmp_path / "people.json")
    again = People.read(tmp_path / "people.json")

    assert again.find(OFFICER) == hampshire.find(OFFICER)
    assert again.search("Leah Grantley", 5) == hampshire.search("Leah Grantley", 5) != ()
    assert len(again.search("", 10_000)) == 2_047


def test_a_protected_officer_is_opened_by_number_and_found_by_nobody(hampshire: People) -> None:
    """E2: hidden from who searches; who may open the record is decided at the gate."""
    officer = hampshire.find(OFFICER)

    assert officer is not None
    assert officer.organisation == PROTECTED
    assert hampshire.search(officer.name, 25) == ()
    assert hampshire.search(OFFICER, 25) == ()
