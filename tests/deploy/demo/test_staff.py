"""The generator makes the same people every time, as many as the organisations have."""

from __future__ import annotations

import pytest

from deploy.demo.organisations import DemoOrganisation
from deploy.demo.scenario import load_scenario
from deploy.demo.staff import staff_of

SCENARIO = load_scenario()
ACCOUNTS, ORGANISATIONS = SCENARIO.accounts, SCENARIO.organisations
FIRE = SCENARIO["cheshire-fire"]


@pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda one: one.id)
def test_two_runs_make_the_same_people(organisation: DemoOrganisation) -> None:
    """A demo that is made again must vouch for the same people under the same ids."""
    first = staff_of(organisation, ACCOUNTS)
    second = staff_of(organisation, ACCOUNTS)

    assert first == second
    assert [one.directory_id for one in first] == [one.directory_id for one in second]


def test_the_organisations_have_the_staff_of_the_founding_documents() -> None:
    sizes = {one.id: len(staff_of(one, ACCOUNTS)) for one in ORGANISATIONS}

    assert sizes == {"cheshire-police": 4215, "cheshire-fire": 989, "nwas": 300}


def test_nobody_shares_a_number_a_username_or_an_id() -> None:
    """Numbers differ across organisations, so that the back office can tell people apart."""
    everybody = [member for one in ORGANISATIONS for member in staff_of(one, ACCOUNTS)]
    usernames = {(member.organisation, member.username) for member in everybody}

    assert len({member.employee_number for member in everybody}) == len(everybody)
    assert len({member.directory_id for member in everybody}) == len(everybody)
    assert len(usernames) == len(everybody)


def test_some_usernames_exist_in_two_organisations() -> None:
    """The same name in two organisations is two people, and the demo has such names."""
    names = [{member.username for member in staff_of(one, ACCOUNTS)} for one in ORGANISATIONS]

    assert names[0] & names[1]


def test_the_watch_manager_has_a_team_of_their_own_watch_with_the_firefighter_in_it() -> None:
    staff = staff_of(FIRE, ACCOUNTS)
    manager = ACCOUNTS["watch-manager"]
    team = [member for member in staff if member.manager == manager.employee_number]

    assert len(team) == manager.manages
    assert ACCOUNTS["firefighter"].employee_number in {one.employee_number for one in team}
    assert {member.unit for member in team} == {manager.unit}


@pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda one: one.id)
def test_every_manager_is_somebody_of_the_same_organisation(
    organisation: DemoOrganisation,
) -> None:
    staff = staff_of(organisation, ACCOUNTS)
    numbers = {member.employee_number for member in staff}
    managers = {member.manager for member in staff if member.manager is not None}

    assert managers <= numbers
    assert len(managers) > len(staff) / 12
