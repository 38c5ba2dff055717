"""Who somebody is comes from their directory; what they may be trusted with, from the register."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.errors import IdentityError, NotEmployed
from gateway.identity.staff import Staff, staff_by_id
from gateway.identity.subject import subject_reader
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, FIRE, Parts
from vetting.days import day_ends_at, day_of
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_membership import begin
from vetting.register_training import add_training, end_training
from vetting.training import Training


def alice(parts: Parts) -> Staff:
    parts.sign_in()
    with reading(parts.store) as connection:
        staff = staff_by_id(connection, "cheshire-fire/id-alice")
    assert staff is not None
    return staff


def test_a_subject_has_both_halves(parts: Parts) -> None:
    staff = alice(parts)
    parts.appoint()
    grant = ClearanceGrant(
        id="g1",
        level=LevelId("N2F"),
        granting_body="cheshire-police",
        sponsor=FIRE,
        granted_on=date(2026, 1, 1),
        expires_on=date(2027, 1, 1),
        review_due_on=None,
        status=GrantStatus.GRANTED,
        functions=frozenset(),
    )
    with writing(parts.store) as connection:
        person = PersonKey(organisation=FIRE, employee_number="40011")
        parts.register.grant(connection, person, grant, by="test", at=AT)
    with reading(parts.store) as connection:
        subject = parts.subjects(connection, staff, AT).subject

    assert (subject.name, subject.organisation_kind) == ("Alice", "fire")
    assert subject.employee_number == "40011"
    assert subject.appointments == {"auditor"}
    assert [held.level for held in subject.clearance.held(at=AT)] == ["N2F"]


def test_somebody_not_in_the_register_holds_nothing(parts: Parts) -> None:
    staff = alice(parts)
    parts.appoint("40012")
    with reading(parts.store) as connection:
        subject = parts.subjects(connection, staff, AT).subject

    assert subject.appointments == frozenset()
    assert subject.clearance.held(at=AT) == ()


@pytest.mark.parametrize(
    ("at", "until"),
    [
        (datetime(2026, 11, 21, 12, tzinfo=UTC), datetime(2026, 11, 22, 0, tzinfo=UTC)),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 1, 23, tzinfo=UTC)),
        (datetime(2026, 7, 1, 23, tzinfo=UTC), datetime(2026, 7, 2, 23, tzinfo=UTC)),
    ],
    ids=["winter", "summer", "at midnight"],
)
def test_a_subject_holds_until_the_day_ends_in_london(
    parts: Parts, at: datetime, until: datetime
) -> None:
    """Appointments begin and end with days."""
    staff = alice(parts)
    with reading(parts.store) as connection:
        known = parts.subjects(connection, staff, at)

    assert known.stable_until == until


def test_staff_of_an_organisation_that_was_taken_out_are_nobody(parts: Parts) -> None:
    staff = alice(parts)
    read = subject_reader(parts.register, {"nwas": "ambulance"})
    with pytest.raises(IdentityError, match="cheshire-fire"), reading(parts.store) as connection:
        read(connection, staff, AT)


def test_who_has_moved_is_nobody_under_the_old_number(parts: Parts) -> None:
    """An account that was left active after a transfer gives no rights at all."""
    staff = alice(parts)
    key = PersonKey(organisation=FIRE, employee_number="40011")
    last = day_of(AT)
    old = Membership(person="p1", key=key, starts_on=date(2020, 1, 1), ends_on=last)
    with writing(parts.store) as connection:
        begin(connection, old, by="test", at=AT)

    with reading(parts.store) as connection:
        known = parts.subjects(connection, staff, AT)
        assert known.stable_until == day_ends_at(last)
        with pytest.raises(NotEmployed):
            parts.subjects(connection, staff, day_ends_at(last))


def test_an_organisation_may_keep_its_memberships_here(parts: Parts) -> None:
    """Then an account of its directory alone makes nobody staff; elsewhere it does."""
    staff = alice(parts)
    kept = subject_reader(parts.register, {FIRE: "fire"}, frozenset({FIRE}))

    with reading(parts.store) as connection:
        assert parts.subjects(connection, staff, AT).subject.organisation == FIRE
        with pytest.raises(NotEmployed):
            kept(connection, staff, AT)


def test_a_training_that_is_in_date_is_the_subjects_and_a_lapsed_one_is_not(parts: Parts) -> None:
    """A day's end is also where what was read is read anew."""
    staff = alice(parts)
    person = PersonKey(organisation=FIRE, employee_number="40011")
    days = {"lapsed": date(2026, 11, 20), "last-day": date(2026, 11, 21), "ended": None}
    with writing(parts.store) as connection:
        for course, last in days.items():
            value = Training(
                course=course,
                completed_on=date(2026, 1, 1),
                expires_on=last,
                awarding_body="College of Policing",
            )
            add_training(connection, person, value, by="test", at=AT)
        end_training(connection, person, "ended", by="test", at=AT)
    with reading(parts.store) as connection:
        known = parts.subjects(connection, staff, AT)

    assert known.subject.trainings == {"last-day"}
    assert known.stable_until == day_ends_at(day_of(AT))
