"""What lapses when, and who is to be told of it, once each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from vetting.grants import ClearanceGrant, GrantStatus
from vetting.lapses import Lapse, due_reminders, lapses_within, note_reminders
from vetting.levels import LevelId
from vetting.person import PersonKey

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
MARKS = (90, 30, 7)


def hold(
    register: Register,
    connection: Connection,
    number: int,
    days: int,
    *,
    review: int | None = None,
    status: GrantStatus = GrantStatus.GRANTED,
    organisation: str = "cheshire-fire",
) -> None:
    today = AT.date()
    grant = ClearanceGrant(
        id=f"g{number}",
        level=LevelId("N2F"),
        granting_body="cheshire-police",
        sponsor=organisation,
        granted_on=date(2024, 1, 1),
        expires_on=today + timedelta(days=days),
        review_due_on=None if review is None else today + timedelta(days=review),
        status=status,
    )
    key = PersonKey(organisation=organisation, employee_number=str(40000 + number))
    register.grant(connection, key, grant, by="officer", at=AT)


def within(register: Register, connection: Connection, days: int, at: datetime = AT) -> list[Lapse]:
    return list(lapses_within(connection, register, at=at, days=days))


def test_what_ends_within_the_days_is_listed_the_soonest_first(
    register: Register, connection: Connection
) -> None:
    hold(register, connection, 1, 30)
    hold(register, connection, 2, 0)
    hold(register, connection, 3, 400, review=10)
    hold(register, connection, 4, 31)
    hold(register, connection, 5, -1)
    hold(register, connection, 6, 5, status=GrantStatus.SUSPENDED)
    hold(register, connection, 7, 5, organisation="nwas")

    found = within(register, connection, 30)

    assert [each.grant_id for each in found] == ["g2", "g7", "g3", "g1"]
    assert [each.by_review for each in found] == [False, False, True, False]
    assert [each.days_left(at=AT) for each in found] == [0, 5, 10, 30]
    only = lapses_within(connection, register, at=AT, days=30, organisation="nwas")
    assert [str(each.person) for each in only] == ["nwas/40007"]


def test_each_mark_is_told_once_to_each_and_the_last_passed_alone(
    register: Register, connection: Connection
) -> None:
    """Who is first looked at a week before is not sent three mails."""
    hold(register, connection, 1, 95)
    told: list[tuple[int, int]] = []
    for day in range(97):
        at = AT + timedelta(days=day)
        due = due_reminders(connection, within(register, connection, 90, at), MARKS, at=at)
        told += [(95 - day, each.days) for each in due if each.told == "person"]
        assert [each.told for each in due] in ([], ["person", "sponsor"])
        note_reminders(connection, due, at=at)
    assert told == [(90, 90), (30, 30), (7, 7)]

    hold(register, connection, 2, 3)
    due = due_reminders(connection, within(register, connection, 90), MARKS, at=AT)
    assert {(each.lapse.grant_id, each.days) for each in due} == {("g2", 7)}


def test_a_renewed_grant_is_reminded_of_anew(register: Register, connection: Connection) -> None:
    hold(register, connection, 1, 5)
    due = due_reminders(connection, within(register, connection, 90), MARKS, at=AT)
    note_reminders(connection, due, at=AT)
    day = AT.date() + timedelta(days=60)
    register.change_dates(connection, "g1", expires_on=day, review_due_on=None, by="o", at=AT)

    (again, _) = due_reminders(connection, within(register, connection, 90), MARKS, at=AT)
    assert again.days == 90
