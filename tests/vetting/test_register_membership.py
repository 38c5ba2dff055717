"""Who begins, ends and moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from vetting.errors import RegisterError
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_history import ChangeKind
from vetting.register_membership import begin, end, move
from vetting.register_tables import membership

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2018, 3, 1, 12, tzinfo=UTC)
FIRE = PersonKey(organisation="cheshire-fire", employee_number="40011")
POLICE = PersonKey(organisation="cheshire-police", employee_number="70123")
EMPLOYED = Membership(person="p1", key=FIRE, starts_on=date(2010, 1, 1))
TRANSFERRED = Membership(person="p1", key=POLICE, starts_on=date(2018, 4, 1))


def grant(level: str, key: PersonKey, body: str, granted_on: date) -> ClearanceGrant:
    return ClearanceGrant(
        id=f"{key}-{level}",
        level=LevelId(level),
        granting_body=body,
        sponsor=key.organisation,
        granted_on=granted_on,
        expires_on=date(2027, 12, 31),
        review_due_on=None,
        status=GrantStatus.GRANTED,
    )


def test_who_moves_keeps_nothing_and_brings_nothing_along(
    register: Register, connection: Connection
) -> None:
    """TUPE: the contract moves with the job, vetting does not; the new one may wait already."""
    police = "cheshire-police"
    begin(connection, EMPLOYED, by="officer", at=AT)
    nppv = grant("N2F", FIRE, police, date(2016, 1, 1))
    vetted = grant("RV", POLICE, police, date(2018, 3, 1))
    register.grant(connection, FIRE, nppv, by="officer", at=AT)
    register.grant(connection, POLICE, vetted, by="officer", at=AT)

    move(connection, FIRE, TRANSFERRED, by="officer", at=AT)

    before = datetime(2018, 3, 31, 22, 59, 59, tzinfo=UTC)
    turn = datetime(2018, 3, 31, 23, tzinfo=UTC)
    old, new = register.read(connection, FIRE), register.read(connection, POLICE)
    assert old.clearance.satisfies("N2F", at=before)
    assert not new.clearance.satisfies("RV", at=before)
    assert old.clearance.reach(at=turn) == 0
    assert new.clearance.satisfies("RV", at=turn)
    assert [each.holds(at=turn) for each in (*old.memberships, *new.memberships)] == [False, True]
    assert [change.kind for change in register.history(connection, FIRE)][-1] is (
        ChangeKind.MEMBERSHIP_ENDED
    )


def test_a_number_is_never_given_to_somebody_else(connection: Connection) -> None:
    begin(connection, replace(EMPLOYED, ends_on=date(2017, 1, 1)), by="officer", at=AT)

    with pytest.raises(RegisterError, match="never given to somebody else"):
        begin(connection, replace(EMPLOYED, person="p2", starts_on=AT.date()), by="o", at=AT)
    with pytest.raises(RegisterError, match="is not `p2`"):
        move(connection, FIRE, replace(TRANSFERRED, person="p2"), by="o", at=AT)


def test_memberships_of_a_number_do_not_overlap(connection: Connection) -> None:
    begin(connection, EMPLOYED, by="officer", at=AT)

    with pytest.raises(RegisterError, match="is a member from 2010-01-01"):
        begin(connection, replace(EMPLOYED, starts_on=date(2019, 1, 1)), by="o", at=AT)
    end(connection, FIRE, ends_on=date(2018, 12, 31), by="o", at=AT)
    begin(connection, replace(EMPLOYED, starts_on=date(2019, 1, 1)), by="o", at=AT)


def test_an_end_can_only_come_sooner(connection: Connection) -> None:
    begin(connection, EMPLOYED, by="officer", at=AT)

    assert end(connection, FIRE, ends_on=date(2018, 6, 1), by="o", at=AT).ends_on == date(
        2018, 6, 1
    )
    for day in (date(2018, 6, 1), date(2019, 1, 1), date(2009, 1, 1)):
        with pytest.raises(RegisterError, match="has no membership"):
            end(connection, FIRE, ends_on=day, by="o", at=AT)
    sooner = date(2018, 5, 1)
    assert end(connection, FIRE, ends_on=sooner, by="o", at=AT).ends_on == sooner


def test_a_membership_that_cannot_be_read_frees_nobody(
    register: Register, connection: Connection
) -> None:
    """Left out, it would leave the person as free as somebody who never had one."""
    begin(connection, EMPLOYED, by="officer", at=AT)
    screened = replace(grant("DBSB", FIRE, "cheshire-fire", date(2016, 1, 1)), expires_on=None)
    register.grant(connection, FIRE, screened, by="officer", at=AT)
    assert register.read(connection, FIRE).clearance.satisfies("BASE", at=AT)

    connection.execute(update(membership).values(ends_on="never"))

    known = register.read(connection, FIRE)
    assert known.clearance.reach(at=AT) == 0
    assert not any(each.holds(at=AT) for each in known.memberships)
    assert [row.table for row in register.broken_rows(connection)] == ["membership"]
