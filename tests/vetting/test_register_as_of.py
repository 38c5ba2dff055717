"""What held at any moment, by replay of the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, delete, update

from vetting.errors import RegisterError, VettingError
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId, LevelOrder
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register import Register, metadata
from vetting.register_as_of import follows_from_history
from vetting.register_membership import begin, end
from vetting.register_tables import register_change, vetting_grant

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register_reading import RegisteredPerson

FIRST = datetime(2026, 5, 1, 8, tzinfo=UTC)
ANN = PersonKey(organisation="cheshire-fire", employee_number="40011")
ORDER = LevelOrder.shipped()
GRANT = ClearanceGrant(
    id="g1",
    level=LevelId("N2F"),
    granting_body="cheshire-police",
    sponsor="cheshire-fire",
    granted_on=date(2025, 1, 1),
    expires_on=date(2027, 12, 31),
    review_due_on=None,
    status=GrantStatus.GRANTED,
)


def test_what_was_she_cleared_to_on_3_may_at_nine(
    register: Register, connection: Connection
) -> None:
    nine = datetime(2026, 5, 3, 8, tzinfo=UTC)  # 09:00 in London
    register.grant(connection, ANN, GRANT, by="officer", at=FIRST)
    suspended, restored = GrantStatus.SUSPENDED, GrantStatus.GRANTED
    register.change_status(connection, "g1", suspended, by="o", at=nine)
    register.change_status(connection, "g1", restored, by="o", at=nine + timedelta(hours=1))

    def cleared(at: datetime) -> bool:
        then = register.as_of(connection, ANN, at=at)
        return then.clearance.satisfies("N2F", at=at)

    assert not cleared(FIRST - timedelta(microseconds=1))
    assert cleared(FIRST)
    assert cleared(nine - timedelta(microseconds=1))
    assert not cleared(nine)
    assert not cleared(nine + timedelta(minutes=59))
    assert cleared(nine + timedelta(hours=1))


def act(register: Register, connection: Connection, kind: int, at: datetime) -> None:
    """Do one of the things that officers do, as far as it can be done just now."""
    statuses = list(GrantStatus)
    key = f"g{kind % 3}"
    match kind % 7:
        case 0:
            register.grant(connection, ANN, replace(GRANT, id=key), by="o", at=at)
        case 1 | 2:
            functions = frozenset({"a"})
            status = statuses[kind % len(statuses)]
            register.change_status(connection, key, status, by="o", at=at, functions=functions)
        case 3:
            register.appoint(
                connection, ANN, "auditor", starts_on=date(2026, 1, kind % 28 + 1), by="o", at=at
            )
        case 4:
            register.withdraw_appointment(connection, ANN, "auditor", by="o", at=at)
        case 5:
            day = date(2026, 1, 1) + timedelta(days=kind)
            begin(connection, Membership(person="p", key=ANN, starts_on=day), by="o", at=at)
        case _:
            end(connection, ANN, ends_on=date(2026, 3, 1), by="o", at=at)


def content(person: RegisteredPerson) -> tuple[object, ...]:
    return (
        sorted(person.clearance.grants, key=lambda each: each.id),
        sorted(map(str, person.appointments)),
        sorted(map(str, person.memberships)),
    )


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(-5, 500)), max_size=14))
@settings(deadline=None, max_examples=60)
def test_the_replay_gives_what_was_read_at_the_time(steps: list[tuple[int, int]]) -> None:
    """After every change, also when the clock was set back, and with changes at one instant."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    register = Register(ORDER, accepted=frozenset({"cheshire-police"}))
    at, seen = FIRST, dict[datetime, tuple[object, ...]]()
    with engine.begin() as connection:
        for kind, seconds in steps:
            at += timedelta(seconds=seconds)
            try:
                act(register, connection, kind, at)
            except VettingError:
                continue
            (*_, last) = register.history(connection, ANN)
            seen[last.at] = content(register.read(connection, ANN))
        for moment, expected in seen.items():
            assert content(register.as_of(connection, ANN, at=moment)) == expected
        assert follows_from_history(connection, ANN, at=at + timedelta(days=1))
    engine.dispose()


def test_what_was_changed_past_the_register_is_noticed(
    register: Register, connection: Connection
) -> None:
    """Somebody with the database file may write a grant, but not without it being seen."""
    register.grant(connection, ANN, GRANT, by="officer", at=FIRST)
    assert follows_from_history(connection, ANN, at=FIRST)

    connection.execute(update(vetting_grant).values(level="MV"))
    assert not follows_from_history(connection, ANN, at=FIRST)
    connection.execute(delete(vetting_grant))
    assert not follows_from_history(connection, ANN, at=FIRST)


def test_a_history_with_a_hole_is_refused(register: Register, connection: Connection) -> None:
    register.grant(connection, ANN, GRANT, by="officer", at=FIRST)
    register.change_status(connection, "g1", GrantStatus.SUSPENDED, by="o", at=FIRST)
    connection.execute(delete(register_change).where(register_change.c.sequence == 1))

    with pytest.raises(RegisterError, match="line `2` of cheshire-fire/40011 does not follow"):
        register.as_of(connection, ANN, at=FIRST)
    assert not follows_from_history(connection, ANN, at=FIRST)


def test_a_clock_that_was_set_back_does_not_rewrite_the_past(
    register: Register, connection: Connection
) -> None:
    register.grant(connection, ANN, GRANT, by="officer", at=FIRST)
    earlier = FIRST - timedelta(hours=1)
    register.change_status(connection, "g1", GrantStatus.SUSPENDED, by="o", at=earlier)

    assert register.as_of(connection, ANN, at=earlier).clearance.grants == ()
    (held,) = register.as_of(connection, ANN, at=FIRST).clearance.grants
    assert held.status is GrantStatus.SUSPENDED
