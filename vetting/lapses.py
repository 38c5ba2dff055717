"""What lapses when, and who is to be told of it.

A grant lapses on the earlier of its last valid day and the day by which it must be reviewed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, or_, select

from vetting.days import day_of
from vetting.person import PersonKey
from vetting.register_tables import reminder, to_microseconds, vetting_grant

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from vetting.register import Register

_AT_ONCE = 400  # people read in one go


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """A grant that counts now and soon will not.

    Attributes:
        person: whose.
        grant_id: which.
        title: the level in words.
        sponsor: the organisation for whose work it was granted.
        ends_on: the last day on which it counts.
        by_review: whether an overdue review ends it, not its own date.
    """

    person: PersonKey
    grant_id: str
    title: str
    sponsor: str
    ends_on: date
    by_review: bool

    def days_left(self, *, at: datetime) -> int:
        """Tell how many days are left, 0 on the last one."""
        return (self.ends_on - day_of(at)).days


@dataclass(frozen=True, slots=True, kw_only=True)
class DueReminder:
    """One reminder that has not been sent.

    Attributes:
        lapse: of what.
        days: the mark it has come to, such as 30 days before.
        told: whom: `person` or `sponsor`.
    """

    lapse: Lapse
    days: int
    told: str


def lapses_within(
    connection: Connection,
    register: Register,
    *,
    at: datetime,
    days: int,
    organisation: str | None = None,
) -> tuple[Lapse, ...]:
    """List what lapses within so many days, the soonest first.

    Args:
        connection: the caller's.
        register: reads people by its levels.
        at: now.
        days: how far to look.
        organisation: only this organisation's people; None for all.
    """
    first, last = day_of(at), day_of(at) + timedelta(days=days)
    table = vetting_grant.c
    bounds = first.isoformat(), last.isoformat()
    keys = select(table.organisation, table.employee_number).where(
        or_(table.expires_on.between(*bounds), table.review_due_on.between(*bounds))
    )
    if organisation is not None:
        keys = keys.where(table.organisation == organisation)
    people = [
        PersonKey(organisation=row[0], employee_number=row[1])
        for row in connection.execute(keys.distinct())
    ]
    found: list[Lapse] = []
    for start in range(0, len(people), _AT_ONCE):
        for known in register.read_all(connection, people[start : start + _AT_ONCE]):
            for grant in known.clearance.held(at=at):
                ends_on = grant.ends_on
                if ends_on is not None and first <= ends_on <= last:
                    found.append(
                        Lapse(
                            person=known.person,
                            grant_id=grant.id,
                            title=known.clearance.describe(grant, at=at).title,
                            sponsor=grant.sponsor,
                            ends_on=ends_on,
                            by_review=ends_on != grant.expires_on,
                        )
                    )
    return tuple(sorted(found, key=lambda each: (each.ends_on, str(each.person), each.grant_id)))


def due_reminders(
    connection: Connection, lapses: Iterable[Lapse], marks: Sequence[int], *, at: datetime
) -> tuple[DueReminder, ...]:
    """Tell which reminders are due: of the marks that a lapse has passed the last, once each.

    Args:
        connection: the caller's.
        lapses: what lapses.
        marks: days before, such as 90, 30, 7.
        at: now.
    """
    table = reminder.c
    sent = {
        tuple(row)
        for row in connection.execute(select(table.grant_id, table.ends_on, table.days, table.told))
    }
    due: list[DueReminder] = []
    for lapse in lapses:
        passed = [mark for mark in marks if lapse.days_left(at=at) <= mark]
        due += [
            DueReminder(lapse=lapse, days=min(passed), told=told)
            for told in (("person", "sponsor") if passed else ())
            if (lapse.grant_id, lapse.ends_on.isoformat(), min(passed), told) not in sent
        ]
    return tuple(due)


def note_reminders(connection: Connection, sent: Iterable[DueReminder], *, at: datetime) -> None:
    """Note that reminders were sent, so that none is sent twice."""
    rows = [
        {
            "grant_id": each.lapse.grant_id,
            "ends_on": each.lapse.ends_on.isoformat(),
            "days": each.days,
            "told": each.told,
            "at_us": to_microseconds(at),
        }
        for each in sent
    ]
    if rows:
        connection.execute(insert(reminder), rows)
