"""Fills the host's vetting register for the demo.

On the first start: everybody's grants by the mixes of the founding documents, and the appointments
of the four officers. On the first start of each later day: the grants of the role accounts, whose
dates count from today. Whatever else was changed in the register meanwhile is kept.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from deploy.demo.accounts import Account, Accounts
from deploy.demo.staff import StaffMember, granting_body
from vetting.appointments import Appointment, Role
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.person import PersonKey
from vetting.register import Register

BY = "demo set-up"
PAGE = 500  # the most people the register lists at a time
ROLE_GRANT = "demo-role-"
# Years a level holds here: data of the demo, not of the product.
YEARS = {"RV": 10, "MV": 7, "N1": 3, "N2A": 3, "N2F": 3}
Row = tuple[PersonKey, ClearanceGrant]


def london_day(at: datetime) -> date:
    """Give the day it is in London."""
    return at.astimezone(ZoneInfo("Europe/London")).date()


def fill(
    register: Register,
    connection: Connection,
    staff: tuple[StaffMember, ...],
    accounts: Accounts,
    at: datetime,
) -> int:
    """Fill the register afresh; gives the number of grants."""
    today = london_day(at)
    rows = [*_role_grants(accounts, today), *_bulk(staff, today)]
    appointments = [(_key(account), role) for account in accounts.each for role in _roles(account)]
    register.replace_all(connection, rows, appointments=appointments, by=BY, at=at)
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
                    sponsor=account.organisation,
                    granted_on=dated.granted_on(today),
                    expires_on=dated.expires_on(today),
                    review_due_on=None,
                    status=GrantStatus.GRANTED,
                ),
            )


def _bulk(staff: tuple[StaffMember, ...], today: date) -> Iterator[Row]:
    for member in staff:
        if member.account is None and member.holds is not None:
            yield from _grants_of(member, today)


def _grants_of(member: StaffMember, today: date) -> Iterator[Row]:
    level, _, standing = (member.holds or "").partition(" ")
    seeded = random.Random(f"grants of {member.organisation}/{member.employee_number}")
    levels = [level]
    # The host's vetting of a partner's staff stands beside what their employer checked.
    if member.organisation != "cheshire-police" and level == "N2F":
        levels.append("DBSB")
    for one in levels:
        expired = standing == "expired" and one == level
        granted_on, expires_on = _dates(one, seeded, today, expired=expired)
        requested = standing == "requested" and one == level
        yield (
            PersonKey(organisation=member.organisation, employee_number=member.employee_number),
            ClearanceGrant(
                id=f"demo-{member.organisation}-{member.employee_number}-{one}",
                level=LevelId(one),
                granting_body=granting_body(one, member.organisation),
                sponsor=member.organisation,
                granted_on=granted_on,
                expires_on=expires_on,
                review_due_on=None,
                status=GrantStatus.REQUESTED if requested else GrantStatus.GRANTED,
            ),
        )


def _dates(
    level: str, seeded: random.Random, today: date, *, expired: bool
) -> tuple[date, date | None]:
    years = YEARS.get(level)
    if years is None:
        return today - timedelta(days=seeded.randint(30, 2400)), None
    days = years * 365
    age = days + seeded.randint(1, 200) if expired else seeded.randint(1, days - 10)
    granted_on = today - timedelta(days=age)
    return granted_on, granted_on + timedelta(days=days)


def _roles(account: Account) -> Iterator[Appointment]:
    for role in account.appointments:
        # Well in the past, so that it holds whatever day the demo is looked at for.
        yield Appointment(role=Role(role), starts_on=date(2026, 1, 1))


def _key(account: Account) -> PersonKey:
    return PersonKey(organisation=account.organisation, employee_number=account.employee_number)
