"""The subject of decisions: what a directory and the host's register say about a person.

Who somebody is, their post, unit and team come from their own organisation's directory; clearance
and appointments come from the host's register and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from gateway.errors import IdentityError, NotEmployed
from gateway.identity.sessions.live_session import KnownSubject, SubjectReader
from gateway.identity.staff import Staff
from policies.question import Subject
from vetting.days import day_ends_at, day_of
from vetting.membership import employed
from vetting.person import PersonKey
from vetting.register_reading import RegisteredPerson

_NONE: frozenset[str] = frozenset()
"""One object for what most people have; workers hold thousands of them."""


class RegisterReader(Protocol):
    """What is read from the host's register; `vetting.register.Register` does it."""

    def read(self, connection: Connection, person: PersonKey) -> RegisteredPerson:
        """Read what the register has of a person; of an unknown one, nothing."""
        ...


def subject_reader(
    register: RegisterReader, kinds: Mapping[str, str], kept_here: frozenset[str] = frozenset()
) -> SubjectReader:
    """Make the function that builds subjects.

    It raises `NotEmployed` for somebody whose membership is not in force: an account that was left
    in the old directory is nobody any more, and one made early is nobody yet.

    Args:
        register: the host's register.
        kinds: organisation id to its kind (`police`, `fire` ...), for those that may sign in.
        kept_here: the organisations that keep memberships in the register, so that somebody
            without one is nobody; for the others their directory suffices.
    """

    def read(connection: Connection, staff: Staff, at: datetime) -> KnownSubject:
        kind = kinds.get(staff.organisation)
        if kind is None:
            # It was taken out of the settings while somebody of it was signed in.
            message = f"subject: organisation `{staff.organisation[:40]}` is not known any more"
            raise IdentityError(message)
        person = PersonKey(organisation=staff.organisation, employee_number=staff.employee_number)
        known = register.read(connection, person)
        required = staff.organisation in kept_here
        if not employed(known.memberships, at=at, required=required):
            message = f"subject: `{person}` has no membership that is in force"
            raise NotEmployed(message)
        subject = Subject(
            staff_id=staff.staff_id,
            organisation=staff.organisation,
            organisation_kind=kind,
            employee_number=staff.employee_number,
            name=staff.name,
            posts=staff.posts,
            unit=staff.unit,
            team=staff.team,
            appointments=frozenset(
                each.role.value for each in known.appointments if each.holds(at=at)
            )
            or _NONE,
            clearance=known.clearance,
            trainings=frozenset(each.course for each in known.trainings if each.holds(at=at))
            or _NONE,
        )
        # A clearance answers for any instant. Appointments, memberships and trainings were read for
        # this one, and begin and end by themselves only where a day does; every other change is
        # announced.
        return KnownSubject(subject=subject, stable_until=day_ends_at(day_of(at)))

    return read
