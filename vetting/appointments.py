"""Appointments: the roles *in the gate* that the host gave to a person, from when to when.

They come from the host's register only; a directory cannot appoint anyone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from vetting.days import LAST_YEAR, day_begins_at, day_ends_at
from vetting.errors import RegisterError, quoted


class Role(StrEnum):
    """What a person can be appointed to."""

    SECURITY_OFFICER = "security-officer"
    VETTING_OFFICER = "vetting-officer"
    AUDITOR = "auditor"
    ORGANISATION_ADMINISTRATOR = "organisation-administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """One appointment of one person.

    Attributes:
        role: to what.
        starts_on: first day, in London.
        ends_on: last day; None for until withdrawn.
        withdrawn_at: the instant (UTC) from which it no longer holds, if it was withdrawn.
    """

    role: Role
    starts_on: date
    ends_on: date | None = None
    withdrawn_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse an appointment that contradicts itself.

        Raises:
            RegisterError: the role is none, or a date is none or out of order.
        """
        role: object = self.role
        if not isinstance(role, Role):
            raise RegisterError(f"read appointment: {quoted(role)} is no role")
        days: tuple[object, ...] = (self.starts_on, self.ends_on or self.starts_on)
        for day in days:
            if not isinstance(day, date) or isinstance(day, datetime) or day.year > LAST_YEAR:
                raise RegisterError(f"read appointment: {quoted(day)} is no date")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise RegisterError("read appointment: it ends before it starts")
        if self.withdrawn_at is not None and self.withdrawn_at.tzinfo is None:
            raise RegisterError("read appointment: the instant has no time zone")

    def holds(self, *, at: datetime) -> bool:
        """Tell whether it is in force.

        Args:
            at: the instant, with a time zone.

        Raises:
            RegisterError: the instant has no time zone.
        """
        if at.tzinfo is None:
            raise RegisterError("read appointment: the instant has no time zone")
        if at < day_begins_at(self.starts_on):
            return False
        if self.ends_on is not None and at >= day_ends_at(self.ends_on):
            return False
        return self.withdrawn_at is None or at < self.withdrawn_at
