"""Fills the host's vetting register for the demo.

On the first start: everybody's grants by the mixes of the scenario, the appointments of the
officers, and who has left. On the first start of each later day: the grants of the role accounts,
whose dates count from today. Whatever else was changed in the register meanwhile is kept.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from deploy.demo.accounts import Account, Accounts
from deploy.demo.scenario import Scenario
from deploy.demo.staff import StaffMember, years_of
from vetting.appointments import Appointment, Role
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId, LevelOrder
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register import Register
from vetting.register_membership import begin

BY = "demo set-up"
PAGE = 500  # the most people the register lists at a time
ROLE_GRANT = "demo-role-"
EMPLOYED_DAYS = 2000
Row = tuple[PersonKey, ClearanceGrant]
_STANDINGS = {"requested": GrantStatus.REQUESTED, "suspended": GrantStatus.SUSPENDED}


def london_day(at: datetime) -> date:
    """Give the day it is in London."""
    return at.astimezone(ZoneInfo("Europe/London")).date()


def fill(
    register: Register,
    connection: Connection,
    staff: Iterable[StaffMember],
    scenario: Scenario,
    at: datetime,
) -> int:
    """Fill the register afresh; gives the number of grants."""
    today = london_day(at)
    accounts = scenario.accounts
    rows = [*_role_grants(accounts, today), *_bulk(staff, scenario, today)]
    appointments = [(_key(account), role) for account in accounts.each for role in _roles(account)]
    register.replace_all(connection, rows, appointments=appointments, by=BY, at=at)
    for account in accounts.each:
        if (
            account.left_days is not None
            and not register.read(connection, _key(account)).memberships
        ):
            begin(connection, _employment(account, account.left_days, today), by=BY, at=at)
    return len(rows)


def redate(register: Register, connection: Connection, accounts: Accounts, at: datetime) -> None:
    """Count the dates of the role accounts' grants from today; everything else stays as it is."""
    kept = [row for row in _all_rows(register, connection) if not _is_role_grant(row[1])]
    rows = [*_role_grants(accounts, london_day(at)), *kept]
    register.replace_all(connection, rows, by=BY, at=at)


def _all_rows(register: Register, connection: Connection) -> Iterator[Row]:
    for offset in range(0, register.count(connection), PAGE):
        for registered in register.people(connection, offset=offset, limit=PAGE):
            for grant in registered.clearance.grants:
                yield registered.person, grant


def _is_role_grant(grant: ClearanceGrant) -> bool:
    return grant.id.startswith(ROLE_GRANT)


def _role_grants(accounts: Accounts, today: date) -> Iterator[Row]:
    for account in accounts.each:
        for number, dated in enumerate(account.grants, 1):
            yield (
                _key(account),
                ClearanceGrant(
                    id=f"{ROLE_GRANT}{account.username}-{number}",
                    level=LevelId(dated.level),
                    granting_body=dated.granting_body,
                    sponsor=dated.sponsor or account.organisation,
                    granted_on=dated.granted_on(today),
                    expires_on=dated.expires_on(today),
                    review_due_on=None,
                    status=GrantStatus(dated.status),
                ),
            )


def _bulk(staff: Iterable[StaffMember], scenario: Scenario, today: date) -> Iterator[Row]:
    order = LevelOrder.shipped()
    screening = {level.id for level in order.levels if level.screening}
    systems = {level.id for level in order.levels if level.systems} - screening
    for member in staff:
        if member.holds is None or not member.holds.levels:
            continue
        levels = list(member.holds.levels)
        # The host's vetting of a partner's staff stands beside what their employer checked.
        if scenario[member.organisation].kind != "police" and systems & set(levels):
            levels.append("DBSB")
        for level in levels:
            body = member.organisation if level in screening else scenario.host.id
            standing = member.holds.standing if level == levels[0] else ""
            yield _grant(member, level, body, standing, today)


def _grant(member: StaffMember, level: str, body: str, standing: str, today: date) -> Row:
    seeded = random.Random(f"{level} of {member.organisation}/{member.employee_number}")
    granted_on, expires_on = _dates(level, seeded, today, expired=standing == "expired")
    return (
        PersonKey(organisation=member.organisation, employee_number=member.employee_number),
        ClearanceGrant(
            id=f"demo-{member.organisation}-{member.employee_number}-{level}",
            level=LevelId(level),
            granting_body=body,
            sponsor=member.organisation,
            granted_on=granted_on,
            expires_on=expires_on,
            review_due_on=None,
            status=_STANDINGS.get(standing, GrantStatus.GRANTED),
        ),
    )


def _dates(
    level: str, seeded: random.Random, today: date, *, expired: bool
) -> tuple[date, date | None]:
    years = years_of(level)
    if years is None:
        return today - timedelta(days=seeded.randint(30, 2400)), None
    days = years * 365
    age = days + seeded.randint(1, 200) if expired else seeded.randint(1, days - 10)
    granted_on = today - timedelta(days=age)
    return granted_on, granted_on + timedelta(days=days)


def _employment(account: Account, left_days: int, today: date) -> Membership:
    return Membership(
        person=f"demo-{account.username}",
        key=_key(account),
        starts_on=today - timedelta(days=EMPLOYED_DAYS),
        ends_on=today + timedelta(days=left_days),
    )


def _roles(account: Account) -> Iterator[Appointment]:
    for role in account.appointments:
        # Well in the past, so that it holds whatever day the demo is looked at for.
        yield Appointment(role=Role(role), starts_on=date(2026, 1, 1))


def _key(account: Account) -> PersonKey:
    return PersonKey(organisation=account.organisation, employee_number=account.employee_number)
