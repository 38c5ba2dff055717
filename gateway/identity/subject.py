"""The subject of decisions: what a directory and the host's register say about a person.

Who somebody is, their post, unit and team come from their own organisation's directory; clearance
and appointments come from the host's register and from nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from gateway.errors import IdentityError
from gateway.identity.session_cache import KnownSubject, SubjectReader
from gateway.identity.staff import Staff
from policies.question import Subject
from vetting.clearance import Clearance
from vetting.days import day_ends_at, day_of
from vetting.person import PersonKey


class RegisterReader(Protocol):
    """What is read from the host's register; `vetting.register.Register` does it."""

    def clearance_of(self, connection: Connection, person: PersonKey) -> Clearance:
        """Read what a person is cleared to; of an unknown person, nothing."""
        ...

    def appointments_of(
        self, connection: Connection, person: PersonKey, *, at: datetime
    ) -> frozenset[str]:
        """Read to which roles a person is appointed at an instant."""
        ...


def subject_reader(register: RegisterReader, kinds: Mapping[str, str]) -> SubjectReader:
    """Make the function that builds subjects.

    Args:
        register: the host's register.
        kinds: organisation id to its kind (`police`, `fire` ...), for those that may sign in.
    """

    def read(connection: Connection, staff: Staff, at: datetime) -> KnownSubject:
        kind = kinds.get(staff.organisation)
        if kind is None:
            # It was taken out of the settings while somebody of it was signed in.
            message = f"subject: organisation `{staff.organisation[:40]}` is not known any more"
            raise IdentityError(message)
        person = PersonKey(organisation=staff.organisation, employee_number=staff.employee_number)
        subject = Subject(
            staff_id=staff.staff_id,
            organisation=staff.organisation,
            organisation_kind=kind,
            employee_number=staff.employee_number,
            name=staff.name,
            posts=staff.posts,
            unit=staff.unit,
            team=staff.team,
            appointments=register.appointments_of(connection, person, at=at),
            clearance=register.clearance_of(connection, person),
        )
        # A clearance answers for any instant. Appointments were read for this one, and begin and
        # end by themselves only where a day does; every other change is announced.
        return KnownSubject(subject=subject, stable_until=day_ends_at(day_of(at)))

    return read
