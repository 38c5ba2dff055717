"""Replacing what the register holds."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, update

from vetting.appointments import Appointment, Role
from vetting.errors import RegisterError
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.person import PersonKey
from vetting.register_fill import Replacement
from vetting.register_history import ChangeKind
from vetting.register_tables import register_change, vetting_grant

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
FIRE = "cheshire-fire"


def person(number: int) -> PersonKey:
    return PersonKey(organisation=FIRE, employee_number=str(40_000 + number))


def grant(number: int, level: str = "N2F") -> ClearanceGrant:
    return ClearanceGrant(
        id=f"g{number}",
        level=LevelId(level),
        granting_body="cheshire-police",
        sponsor=FIRE,
        granted_on=date(2025, 1, 1),
        expires_on=date(2027, 12, 31),
        review_due_on=None,
        status=GrantStatus.GRANTED,
    )


def fill(
    register: Register,
    connection: Connection,
    *grants: tuple[PersonKey, ClearanceGrant],
    appointments: list[tuple[PersonKey, Appointment]] | None = None,
) -> Replacement:
    return register.replace_all(connection, grants, appointments=appointments, by="demo", at=AT)


def history_lines(connection: Connection) -> int:
    query = select(func.count()).select_from(register_change)
    return int(connection.execute(query).scalar_one())


def test_the_new_list_is_the_whole_register(register: Register, connection: Connection) -> None:
    fill(register, connection, *((person(n), grant(n)) for n in range(3)))
    changed = replace(grant(1), status=GrantStatus.SUSPENDED)

    done = fill(
        register, connection, (person(0), grant(0)), (person(1), changed), (person(9), grant(9))
    )

    assert done == Replacement(added=1, changed=1, removed=1, unchanged=1)
    held = {n: register.clearance_of(connection, person(n)).grants for n in (0, 1, 2, 9)}
    assert held == {0: (grant(0),), 1: (changed,), 2: (), 9: (grant(9),)}
    assert [change.kind for change in register.history(connection, person(1))] == [
        ChangeKind.GRANT_ADDED,
        ChangeKind.GRANT_CHANGED,
    ]
    assert register.history(connection, person(2))[-1].kind is ChangeKind.GRANT_REMOVED


def test_the_same_list_again_changes_nothing(register: Register, connection: Connection) -> None:
    held = [(person(1), Appointment(role=Role.AUDITOR, starts_on=date(2026, 1, 1)))]
    fill(register, connection, (person(1), grant(1)), appointments=held)
    lines = history_lines(connection)

    done = fill(register, connection, (person(1), grant(1)), appointments=held)

    assert done == Replacement(added=0, changed=0, removed=0, unchanged=1)
    assert history_lines(connection) == lines == 2
    assert register.appointments_of(connection, person(1), at=AT) == {"auditor"}


def test_appointments_stay_unless_a_list_of_them_is_given(
    register: Register, connection: Connection
) -> None:
    held = (person(1), Appointment(role=Role.AUDITOR, starts_on=date(2026, 1, 1)))
    fill(register, connection, appointments=[held])

    fill(register, connection, (person(1), grant(1)))
    assert register.appointments_of(connection, person(1), at=AT) == {"auditor"}
    fill(register, connection, (person(1), grant(1)), appointments=[])
    assert register.appointments_of(connection, person(1), at=AT) == frozenset()
    assert register.history(connection, person(1))[-1].kind is ChangeKind.APPOINTMENT_REMOVED


def test_a_broken_row_is_replaced_like_any_other(
    register: Register, connection: Connection
) -> None:
    fill(register, connection, (person(1), grant(1)), (person(2), grant(2)))
    connection.execute(update(vetting_grant).values(expires_on="never"))

    done = fill(register, connection, (person(1), grant(1)))

    assert done == Replacement(added=0, changed=1, removed=1, unchanged=0)
    assert register.broken_rows(connection) == ()


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ((person(2), grant(1)), "grant `g1` comes twice"),
        ((person(2), grant(2, "N9")), "cheshire-fire/40002: .*`N9` is no level"),
        ((person(2), replace(grant(2), expires_on=None)), "expires_on is missing"),
    ],
)
def test_a_list_with_one_fault_is_refused_whole(
    register: Register,
    connection: Connection,
    second: tuple[PersonKey, ClearanceGrant],
    told: str,
) -> None:
    fill(register, connection, (person(7), grant(7)))

    with pytest.raises(RegisterError, match=told):
        fill(register, connection, (person(1), grant(1)), second)

    assert [listed.person for listed in register.people(connection)] == [person(7)]
    assert history_lines(connection) == 1


def test_a_fault_among_the_appointments_leaves_the_grants_alone(
    register: Register, connection: Connection
) -> None:
    held = (person(1), Appointment(role=Role.AUDITOR, starts_on=date(2026, 1, 1)))

    with pytest.raises(RegisterError, match="an appointment comes twice"):
        fill(register, connection, (person(1), grant(1)), appointments=[held, held])

    assert register.people(connection) == ()


def test_six_thousand_people_are_filled_in_about_a_second(
    register: Register, connection: Connection
) -> None:
    """The bound is loose for a busy machine; row by row it would take many times as long."""
    everyone = [(person(n), grant(n)) for n in range(6000)]
    started = time.process_time()

    done = fill(register, connection, *everyone)

    assert done.added == 6000
    assert time.process_time() - started < 3
    assert register.count(connection) == 6000
