"""The vetting register."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, insert, select, update

from vetting.appointments import Appointment, Role
from vetting.errors import RegisterError
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.person import PersonKey
from vetting.register_history import ChangeKind
from vetting.register_tables import (
    appointment,
    grant_to_row,
    metadata,
    register_change,
    vetting_grant,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
FIRE = "cheshire-fire"
POLICE = "cheshire-police"
ANN = PersonKey(organisation=FIRE, employee_number="40011")
BOB = PersonKey(organisation=FIRE, employee_number="40012")
PAT = PersonKey(organisation=POLICE, employee_number="40011")  # the same number elsewhere


def grant(key: str = "g1", level: str = "N2F", **changes: Any) -> ClearanceGrant:
    value = ClearanceGrant(
        id=key,
        level=LevelId(level),
        granting_body=POLICE,
        sponsor=FIRE,
        granted_on=date(2025, 1, 1),
        expires_on=date(2027, 12, 31),
        review_due_on=None,
        status=GrantStatus.GRANTED,
    )
    return replace(value, **changes)


def dbs(key: str) -> ClearanceGrant:
    return grant(key, "DBSB", granting_body=FIRE, expires_on=None)


def add(
    register: Register, connection: Connection, person: PersonKey, *grants: ClearanceGrant
) -> None:
    for value in grants:
        register.grant(connection, person, value, by="officer", at=AT)


def rows(connection: Connection, name: str) -> int:
    table = metadata.tables[name]
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_what_was_granted_is_what_a_person_is_cleared_to(
    register: Register, connection: Connection
) -> None:
    value = grant(review_due_on=date(2027, 1, 1), reference=f"v1.k1.{'A' * 32}")
    add(register, connection, ANN, value, dbs("g2"))

    clearance = register.clearance_of(connection, ANN)

    assert clearance.grants == (value, dbs("g2"))
    assert clearance.organisation == FIRE
    assert clearance.satisfies("N2F and BASE", at=AT)


def test_nobody_is_cleared_by_the_grants_of_another(
    register: Register, connection: Connection
) -> None:
    add(register, connection, ANN, grant())

    for other in (BOB, PAT):
        assert register.clearance_of(connection, other).grants == ()
    assert not register.clearance_of(connection, PAT).satisfies("BASE", at=AT)


def test_a_grant_with_a_taken_id_an_unknown_level_or_no_end_is_refused(
    register: Register, connection: Connection
) -> None:
    add(register, connection, ANN, grant())

    for person, value, told in [
        (BOB, grant(), "grant `g1` is already there"),
        (ANN, grant("g2", "N9"), "`N9` is no level"),
        (ANN, grant("g2", expires_on=None), "expires_on is missing"),
    ]:
        with pytest.raises(RegisterError, match=told):
            register.grant(connection, person, value, by="officer", at=AT)
    assert rows(connection, "vetting_grant") == rows(connection, "register_change") == 1


@pytest.mark.parametrize("by", ["", "  ", "x" * 201])
def test_a_change_names_who_made_it(register: Register, connection: Connection, by: str) -> None:
    with pytest.raises(RegisterError, match="names nobody"):
        register.grant(connection, ANN, grant(), by=by, at=AT)
    with pytest.raises(RegisterError, match="no time zone"):
        register.grant(connection, ANN, grant(), by="officer", at=AT.replace(tzinfo=None))

    assert rows(connection, "vetting_grant") == 0


def test_a_suspension_ends_the_reach_and_is_kept_in_the_history(
    register: Register, connection: Connection
) -> None:
    add(register, connection, ANN, grant())
    suspended = GrantStatus.SUSPENDED

    whose = register.change_status(connection, "g1", suspended, by="second", at=LATER)

    assert whose == ANN
    assert register.clearance_of(connection, ANN).reach(at=LATER) == 0
    first, second = register.history(connection, ANN)
    assert (first.kind, first.by, first.at) == (ChangeKind.GRANT_ADDED, "officer", AT)
    assert (second.kind, second.by, second.at) == (ChangeKind.GRANT_CHANGED, "second", LATER)
    assert (second.item, second.level) == ("g1", "N2F")
    assert second.changed == (("status", "granted", "suspended"),)


def test_a_restriction_is_lifted_only_by_saying_so(
    register: Register, connection: Connection
) -> None:
    add(register, connection, ANN, grant())

    def change(status: GrantStatus, functions: frozenset[str] | None = None) -> bool:
        register.change_status(connection, "g1", status, by="o", at=AT, functions=functions)
        return register.clearance_of(connection, ANN).satisfies("N2F", at=AT)

    assert not change(GrantStatus.RESTRICTED, frozenset({"pay.slip"}))
    assert not change(GrantStatus.SUSPENDED)
    assert not change(GrantStatus.GRANTED)
    assert change(GrantStatus.GRANTED, frozenset())


def test_a_status_of_no_grant_or_a_restriction_to_nothing_is_refused(
    register: Register, connection: Connection
) -> None:
    add(register, connection, ANN, grant())

    with pytest.raises(RegisterError, match="`g9` is not there"):
        register.change_status(connection, "g9", GrantStatus.SUSPENDED, by="o", at=AT)
    with pytest.raises(RegisterError, match="restricted, but to no function"):
        register.change_status(connection, "g1", GrantStatus.RESTRICTED, by="o", at=AT)
    assert len(register.history(connection, ANN)) == 1


def test_the_history_is_the_persons_own(register: Register, connection: Connection) -> None:
    add(register, connection, ANN, grant())
    add(register, connection, PAT, dbs("g2"))

    assert [change.item for change in register.history(connection, PAT)] == ["g2"]


BROKEN = [
    {"granted_on": "yesterday"},
    {"expires_on": "2026-13-01"},
    {"status": "grantd"},
    {"level": "N9"},
    {"functions": "{"},
    {"sponsor": ""},
]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_row_is_no_grant_and_takes_nothing_from_anyone(
    register: Register, connection: Connection, broken: dict[str, str]
) -> None:
    add(register, connection, ANN, grant("g1", "RV"), dbs("g2"))
    add(register, connection, BOB, grant("g3"))
    connection.execute(update(vetting_grant).where(vetting_grant.c.id == "g1").values(broken))

    assert register.clearance_of(connection, ANN).grants == (dbs("g2"),)
    assert register.clearance_of(connection, BOB).grants == (grant("g3"),)
    people = register.people(connection, limit=10)
    assert [len(listed.clearance.grants) for listed in people] == [1, 1]
    (told,) = register.broken_rows(connection)
    assert (told.table, told.row_id) == ("vetting_grant", "g1")
    assert told.message


def test_a_row_of_nobody_is_told_and_listed_as_nobody(
    register: Register, connection: Connection
) -> None:
    nobody = grant_to_row(ANN, grant("g9")) | {"organisation": "cheshire-fire/40011"}
    connection.execute(insert(vetting_grant), nobody)
    add(register, connection, ANN, grant())

    assert [listed.person for listed in register.people(connection)] == [ANN]
    assert [row.row_id for row in register.broken_rows(connection)] == ["g9"]


def test_a_broken_grant_cannot_be_revived(register: Register, connection: Connection) -> None:
    add(register, connection, ANN, grant())
    connection.execute(update(vetting_grant).values(expires_on="never"))

    with pytest.raises(RegisterError, match="expires_on `never` is no date"):
        register.change_status(connection, "g1", GrantStatus.GRANTED, by="o", at=AT)


def test_people_are_listed_in_pages_and_counted(register: Register, connection: Connection) -> None:
    add(register, connection, PAT, dbs("g1"))
    add(register, connection, BOB, dbs("g2"), grant("g3"))
    add(register, connection, ANN, dbs("g4"))
    auditor = PersonKey(organisation=POLICE, employee_number="7")
    register.appoint(connection, auditor, "auditor", starts_on=AT.date(), by="o", at=AT)

    listed = register.people(connection, limit=10)

    assert [entry.person for entry in listed] == [ANN, BOB, PAT, auditor]
    assert listed[1].clearance == register.clearance_of(connection, BOB)
    assert [value.role for value in listed[3].appointments] == [Role.AUDITOR]
    assert [entry.person for entry in register.people(connection, offset=1, limit=2)] == [BOB, PAT]
    of_police = register.people(connection, organisation=POLICE)
    assert [entry.person for entry in of_police] == [PAT, auditor]
    assert register.people(connection, organisation="nwas") == ()
    assert register.count(connection) == 4
    assert register.count(connection, organisation=FIRE) == 2


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (0, 0), (0, 501)])
def test_a_page_out_of_bounds_is_refused(
    register: Register, connection: Connection, offset: int, limit: int
) -> None:
    with pytest.raises(RegisterError, match="out of bounds"):
        register.people(connection, offset=offset, limit=limit)


def test_an_appointment_holds_within_its_dates_until_withdrawn(
    register: Register, connection: Connection
) -> None:
    register.appoint(
        connection,
        PAT,
        "vetting-officer",
        starts_on=date(2026, 6, 1),
        ends_on=date(2026, 6, 30),
        by="o",
        at=AT,
    )
    register.appoint(connection, PAT, "auditor", starts_on=date(2026, 7, 1), by="o", at=AT)

    def roles(at: datetime) -> frozenset[str]:
        return register.appointments_of(connection, PAT, at=at)

    assert roles(AT) == {"vetting-officer"}
    assert roles(AT + timedelta(days=60)) == {"auditor"}
    assert roles(AT - timedelta(days=60)) == frozenset()
    assert register.appointments_of(connection, ANN, at=AT) == frozenset()
    register.withdraw_appointment(connection, PAT, "vetting-officer", by="second", at=LATER)
    assert roles(LATER - timedelta(microseconds=1)) == {"vetting-officer"}
    assert roles(LATER) == frozenset()
    assert roles(AT + timedelta(days=60)) == {"auditor"}


def test_appointments_are_kept_in_the_history(register: Register, connection: Connection) -> None:
    register.appoint(connection, PAT, "auditor", starts_on=AT.date(), by="o", at=AT)
    register.withdraw_appointment(connection, PAT, "auditor", by="second", at=LATER)

    appointed, withdrawn = register.history(connection, PAT)

    assert (appointed.kind, appointed.item) == (ChangeKind.APPOINTED, "auditor")
    assert (withdrawn.kind, withdrawn.by) == (ChangeKind.APPOINTMENT_WITHDRAWN, "second")
    assert [name for name, _, _ in withdrawn.changed] == ["withdrawn_at_us"]


def test_what_is_no_role_and_what_is_not_held_is_refused(
    register: Register, connection: Connection
) -> None:
    with pytest.raises(RegisterError, match="`superuser` is no role"):
        register.appoint(connection, PAT, "superuser", starts_on=AT.date(), by="o", at=AT)
    with pytest.raises(RegisterError, match="not appointed `auditor`"):
        register.withdraw_appointment(connection, PAT, "auditor", by="o", at=AT)
    assert rows(connection, "appointment") == rows(connection, "register_change") == 0


def test_a_broken_appointment_is_none_and_takes_nothing_from_anyone(
    register: Register, connection: Connection
) -> None:
    for role in ("auditor", "security-officer"):
        register.appoint(connection, PAT, role, starts_on=AT.date(), by="o", at=AT)
    connection.execute(
        update(appointment).where(appointment.c.role == "auditor").values(ends_on="x")
    )

    assert register.appointments_of(connection, PAT, at=AT) == {"security-officer"}
    assert [row.table for row in register.broken_rows(connection)] == ["appointment"]


def test_a_role_misspelt_in_the_table_appoints_nobody(
    register: Register, connection: Connection
) -> None:
    register.appoint(connection, PAT, "auditor", starts_on=AT.date(), by="o", at=AT)
    connection.execute(update(appointment).values(role="Auditor"))

    assert register.appointments_of(connection, PAT, at=AT) == frozenset()


def test_the_caller_decides_whether_a_change_lasts(
    register: Register, connection: Connection
) -> None:
    point = connection.begin_nested()
    add(register, connection, ANN, grant())
    point.rollback()

    assert register.clearance_of(connection, ANN).grants == ()
    assert rows(connection, "register_change") == 0


def test_a_broken_line_of_the_history_is_told_and_not_hidden(
    register: Register, connection: Connection
) -> None:
    add(register, connection, ANN, grant())
    connection.execute(update(register_change).values(after="{"))

    with pytest.raises(RegisterError, match="line `1` is broken"):
        register.history(connection, ANN)


def test_appointments_may_be_replaced_with_the_grants(
    register: Register, connection: Connection
) -> None:
    held = Appointment(role=Role.SECURITY_OFFICER, starts_on=AT.date())
    register.replace_all(
        connection, [(PAT, dbs("g1"))], appointments=[(PAT, held)], by="demo", at=AT
    )

    assert register.appointments_of(connection, PAT, at=AT) == {"security-officer"}
