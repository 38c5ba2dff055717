"""Five scenarios are shipped, each whole: organisations, accounts, policy set, what must hold."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise

import pytest
from sqlalchemy import Connection, create_engine

from deploy.demo.accounts import Account
from deploy.demo.policy import played_on
from deploy.demo.register import fill, london_day
from deploy.demo.scenario import ScenarioError, load_scenario, names
from deploy.demo.spot_checks import read_checks
from gateway.conditions import HONOURED
from policies.engine import Engine
from policies.policy_files import PolicyFiles
from policies.policy_set import load_policy_set
from policies.question import Subject
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register import Register, metadata

NOW = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
ACCOUNTS = [(name, account) for name in names() for account in load_scenario(name).accounts.each]


@cache
def engine_of(name: str) -> Engine:
    """The policy set as the scenario plays it."""
    scenario = load_scenario(name)
    files = played_on(PolicyFiles.read(scenario.policy_set), scenario.day, london_day(NOW))
    return Engine.compile(files.load())


@cache
def register_of(name: str) -> tuple[Register, Connection]:
    """A register that holds the role accounts."""
    database = create_engine("sqlite://")
    metadata.create_all(database)
    connection = database.connect()
    register = Register(LevelOrder.shipped(), accepted=engine_of(name).policy_set.accepted_bodies)
    fill(register, connection, (), load_scenario(name), NOW)
    return register, connection


def subject_of(name: str, account: Account) -> Subject:
    register, connection = register_of(name)
    key = PersonKey(organisation=account.organisation, employee_number=account.employee_number)
    known = register.read(connection, key)
    return Subject(
        staff_id=f"{account.organisation}/x",
        organisation=account.organisation,
        organisation_kind=load_scenario(name)[account.organisation].kind,
        employee_number=account.employee_number,
        name=account.name,
        posts=frozenset(account.posts),
        unit=account.unit,
        team=frozenset({"1"}) if account.manages else frozenset(),
        appointments=register.appointments_of(connection, key, at=NOW),
        clearance=known.clearance,
    )


def test_the_five_shared_services_are_there() -> None:
    assert names() == ("bch", "cheshire-blue-light", "cleveland-steria", "hampshire", "mfss")


def test_a_name_that_nobody_knows_is_answered_with_those_there_are() -> None:
    with pytest.raises(ScenarioError, match="no scenario `hampshir`; there are: bch, cheshire-"):
        load_scenario("hampshir")


@pytest.mark.parametrize("name", names())
def test_settings_and_policy_set_speak_of_the_same_organisations(name: str) -> None:
    scenario = load_scenario(name)
    policy_set = load_policy_set(scenario.policy_set)

    assert {(one.id, one.name, one.kind) for one in scenario.organisations} == {
        (one.id, one.name, one.kind.value) for one in policy_set.organisations
    }
    assert scenario.host.id == policy_set.host.id


@pytest.mark.parametrize("name", names())
def test_the_organisations_have_the_staff_of_the_founding_documents(name: str) -> None:
    sizes = {one.id: one.staff for one in load_scenario(name).organisations}

    assert sizes == SIZES[name]
    if name == "hampshire":
        assert sum(sizes.values()) - sizes["oxfordshire-council"] == 36_347


@pytest.mark.parametrize("name", names())
def test_no_two_people_of_a_scenario_share_a_number(name: str) -> None:
    """The back office tells people apart by number."""
    scenario = load_scenario(name)
    ranges = sorted((one.first_number, one.staff) for one in scenario.organisations)
    own = Counter(account.employee_number for account in scenario.accounts.each)

    assert all(first + staff <= following for (first, staff), (following, _) in pairwise(ranges))
    assert max(own.values()) == 1
    assert not [
        number for number in own for first, staff in ranges if first <= int(number) < first + staff
    ]


@pytest.mark.parametrize("name", names())
def test_officers_and_an_auditor_are_appointed_by_the_host(name: str) -> None:
    scenario = load_scenario(name)
    roles = Counter(role for one in scenario.accounts.each for role in one.appointments)

    assert roles == {"security-officer": 2, "vetting-officer": 1, "auditor": 1}
    assert {one.organisation for one in scenario.accounts.each if one.appointments} == {
        scenario.host.id
    }


@pytest.mark.parametrize(
    ("name", "account"), ACCOUNTS, ids=lambda one: getattr(one, "username", one)
)
def test_each_account_sees_what_its_description_says(name: str, account: Account) -> None:
    """The tiles come from the policy set, the register and the directory's posts together."""
    subject = subject_of(name, account)
    tiles = engine_of(name).tiles(
        subject, at=NOW, factors=frozenset({"password"}), honours=HONOURED
    )

    assert tuple(tile.function.id for tile in tiles) == account.sees
    assert [tile.function.id for tile in tiles if tile.needs == "step-up"] == [
        function for function in account.sees if function == "pay.bank"
    ]


@pytest.mark.parametrize("name", names())
def test_the_table_of_requests_can_be_read(name: str) -> None:
    scenario = load_scenario(name)
    checks = read_checks(
        scenario.folder / "checks.toml", scenario.accounts, engine_of(name).policy_set.catalogue
    )

    assert len(checks) >= 10
    assert len({check.status for check in checks}) >= 3
    assert any(check.on for check in checks)


SIZES = {
    "mfss": {
        "cheshire-police": 4215,
        "northamptonshire-police": 2690,
        "nottinghamshire-police": 3300,
        "civil-nuclear-constabulary": 1500,
        "capgemini": 30,
        "skyscape": 30,
    },
    "cheshire-blue-light": {"cheshire-police": 4215, "cheshire-fire": 989, "nwas": 300},
    "cleveland-steria": {"cleveland-police": 1900, "steria": 470},
    "bch": {
        "bedfordshire-police": 2200,
        "cambridgeshire-police": 2272,
        "hertfordshire-police": 4045,
    },
    "hampshire": {
        "hampshire-council": 27_900,
        "hampshire-police": 6_340,
        "hampshire-police-covert": 60,
        "hampshire-fire": 2_047,
        "oxfordshire-council": 900,
    },
}
