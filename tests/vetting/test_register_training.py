"""Trainings in the register: entered, ended, replayed; a row that cannot be read is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from vetting.errors import RegisterError
from vetting.person import PersonKey
from vetting.register_as_of import follows_from_history
from vetting.register_history import ChangeKind
from vetting.register_tables import training
from vetting.register_training import add_training, end_training
from vetting.training import Training

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(days=10)
FIRE = PersonKey(organisation="cheshire-fire", employee_number="40011")
COURSE = Training(
    course="custody.safety",
    completed_on=date(2026, 10, 1),
    expires_on=date(2027, 9, 30),
    awarding_body="College of Policing",
)


def held(register: Register, connection: Connection, at: datetime = LATER) -> set[str]:
    trainings = register.read(connection, FIRE).trainings
    return {each.course for each in trainings if each.holds(at=at)}


def test_what_is_entered_counts_until_it_lapses_or_is_ended(
    register: Register, connection: Connection
) -> None:
    add_training(connection, FIRE, COURSE, by="officer", at=AT)

    assert held(register, connection) == {"custody.safety"}
    assert held(register, connection, datetime(2027, 10, 1, tzinfo=UTC)) == set()

    end_training(connection, FIRE, "custody.safety", by="officer", at=LATER)
    assert held(register, connection) == set()
    assert register.count(connection) == 1


def test_any_moment_is_replayed_and_every_change_is_in_the_history(
    register: Register, connection: Connection
) -> None:
    add_training(connection, FIRE, COURSE, by="m.jones, approved by a.khan", at=AT)
    end_training(connection, FIRE, "custody.safety", by="a.khan", at=LATER)
    before = register.as_of(connection, FIRE, at=AT - timedelta(seconds=1))
    between = register.as_of(connection, FIRE, at=AT)
    after = register.as_of(connection, FIRE, at=LATER)

    assert before.trainings == ()
    assert between.trainings == (COURSE,)
    assert after.trainings == (replace(COURSE, ended_at=LATER),)
    assert [(each.kind, each.item, each.by) for each in register.history(connection, FIRE)] == [
        (ChangeKind.TRAINING_ADDED, "custody.safety", "m.jones, approved by a.khan"),
        (ChangeKind.TRAINING_ENDED, "custody.safety", "a.khan"),
    ]
    assert follows_from_history(connection, FIRE, at=LATER)


def test_the_same_is_not_entered_twice_and_nothing_ends_that_is_not_there(
    register: Register, connection: Connection
) -> None:
    add_training(connection, FIRE, COURSE, by="officer", at=AT)
    with pytest.raises(RegisterError, match="already"):
        add_training(connection, FIRE, COURSE, by="officer", at=AT)
    with pytest.raises(RegisterError, match="no training"):
        end_training(connection, FIRE, "driving", by="officer", at=AT)
    with pytest.raises(RegisterError, match="names nobody"):
        end_training(connection, FIRE, "custody.safety", by=" ", at=AT)

    assert held(register, connection) == {"custody.safety"}


def test_a_row_that_cannot_be_read_is_no_training_and_is_told(
    register: Register, connection: Connection
) -> None:
    add_training(connection, FIRE, COURSE, by="officer", at=AT)
    connection.execute(update(training).values(expires_on="never"))
    broken = register.broken_rows(connection)

    assert held(register, connection) == set()
    assert [each.table for each in broken] == ["training"]
    assert not follows_from_history(connection, FIRE, at=LATER)
