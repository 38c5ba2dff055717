"""Everybody the back office knows: written for it, read by it, found, but for who is protected."""

from __future__ import annotations

import random
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
    assert [each.id for each in scenario.organisations if not each.listed] == [PROTECTED]
    staff = (
        member
        for name in (PROTECTED, "hampshire-fire")
        for member in staff_of(scenario[name], scenario.accounts)
    )
    return People.of(staff, scenario.organisations)


def test_what_is_written_is_read_back(hampshire: People, tmp_path: Path) -> None:
    hampshire.write(tmp_path / "people.json")
    again = People.read(tmp_path / "people.json")

    assert again.find(OFFICER) == hampshire.find(OFFICER)
    assert again.search("Leah Grantley", 5) == hampshire.search("Leah Grantley", 5) != ()
    assert len(again.search("", 10_000)) == 2_047


def test_places_and_partners_are_those_of_the_scenario(hampshire: People, tmp_path: Path) -> None:
    hampshire.write(tmp_path / "people.json")
    people = People.read(tmp_path / "people.json")
    firefighter = people.find("40011")
    assert firefighter is not None
    seeded = random.Random(1)
    places = {people.place(firefighter, seeded) for _ in range(200)}

    assert places == set(load_scenario("hampshire")["hampshire-fire"].towns)
    assert people.partner(seeded).startswith(("Hampshire", "Oxfordshire"))


def test_a_protected_officer_is_opened_by_number_and_found_by_nobody(hampshire: People) -> None:
    """E2: hidden from who searches; who may open the record is decided at the gate."""
    officer = hampshire.find(OFFICER)

    assert officer is not None
    assert officer.organisation == PROTECTED
    assert hampshire.search(officer.name, 25) == ()
    assert hampshire.search(OFFICER, 25) == ()
