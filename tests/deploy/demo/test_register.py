"""The demo's register: filled by the mixes, dated from the day of the start, kept otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, create_engine

from deploy.demo.accounts import Account
from deploy.demo.organisations import DemoOrganisation
from deploy.demo.register import fill, redate
from deploy.demo.scenario import load_scenario
from deploy.demo.staff import StaffMember, staff_of
from vetting.grants import GrantStatus
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register import Register, metadata

SCENARIO = load_scenario()
ACCOUNTS, ORGANISATIONS = SCENARIO.accounts, SCENARIO.organisations
FIRE = SCENARIO["cheshire-fire"]
DAY = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)
STAFF: tuple[StaffMember, ...] = tuple(
    member for organisation in ORGANISATIONS for member in staff_of(organisation, ACCOUNTS)
)


@pytest.fixture(scope="module")
def register() -> Register:
    return Register(LevelOrder.shipped(), accepted=frozenset({"cheshire-police"}))


@pytest.fixture(scope="module")
def filled(register: Register) -> Iterator[Connection]:
    """A register filled once, for tests that only read."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        fill(register, connection, STAFF, SCENARIO, DAY)
        yield connection
    engine.dispose()


@pytest.fixture
def connection(register: Register) -> Iterator[Connection]:
    """A register filled with the fire service alone, for a test that changes it."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as opened:
        fill(register, opened, staff_of(FIRE, ACCOUNTS)[:60], SCENARIO, DAY)
        yield opened
    engine.dispose()


def key(account: Account) -> PersonKey:
    return PersonKey(organisation=account.organisation, employee_number=account.employee_number)


@pytest.mark.parametrize("organisation", ORGANISATIONS, ids=lambda one: one.id)
def test_the_mix_of_vetting_is_that_of_the_founding_documents(
    organisation: DemoOrganisation,
) -> None:
    generated = [one for one in STAFF if one.organisation == organisation.id and not one.account]
    held = Counter(member.holds for member in generated)

    for holding in organisation.holds:
        assert held[holding] / len(generated) == pytest.approx(holding.share / 100, abs=0.03)


def test_what_ended_yesterday_counted_yesterday(register: Register, filled: Connection) -> None:
    """The last valid day runs to midnight in London."""
    clearance = register.clearance_of(filled, key(ACCOUNTS["fire-lapsed"]))

    assert not clearance.satisfies("N2F", at=DAY)
    assert clearance.satisfies("BASE", at=DAY)
    assert clearance.satisfies("N2F", at=DAY - timedelta(days=1))


def test_on_a_new_day_only_the_role_accounts_are_dated_anew(
    register: Register, connection: Connection
) -> None:
    """What a vetting officer changed meanwhile must not come undone over night."""
    changed = STAFF_WITH_N2F[0]
    person = PersonKey(organisation="cheshire-fire", employee_number=changed.employee_number)
    (grant, *_) = register.clearance_of(connection, person).grants
    register.change_status(connection, grant.id, GrantStatus.SUSPENDED, by="officer", at=DAY)
    redate(register, connection, ACCOUNTS, DAY + timedelta(days=3))
    lapsed = register.clearance_of(connection, key(ACCOUNTS["fire-lapsed"]))
    after = {one.id: one for one in register.clearance_of(connection, person).grants}

    assert date(2026, 11, 23) in {one.expires_on for one in lapsed.grants}
    assert after[grant.id] == replace(grant, status=GrantStatus.SUSPENDED)


def test_appointments_survive_a_new_day(register: Register, connection: Connection) -> None:
    redate(register, connection, ACCOUNTS, DAY + timedelta(days=3))
    appointed = register.appointments_of(
        connection, key(ACCOUNTS["auditor"]), at=DAY + timedelta(days=3)
    )

    assert appointed == {"auditor"}


STAFF_WITH_N2F = [
    member
    for member in staff_of(FIRE, ACCOUNTS)[:60]
    if member.holds and member.holds.words == "N2F"
]
