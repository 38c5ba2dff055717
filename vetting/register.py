"""The host's vetting register: who holds which grants of clearance and which appointments.

This is the only source of what a person is cleared to. The register has no engine and no clock:
every method works on the connection (and within the transaction) of its caller, who announces the
change.

Rules, in this order:

1. A row that cannot be read is no grant and no appointment. It is never an exception on the way to
   a decision and takes nothing from any other row; `broken_rows` tells of it.
2. A change is written together with its history: who, when, the row before and the row after.
3. All or nothing: what a change holds is checked before the first row is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert

from vetting.appointments import Appointment, Role
from vetting.errors import RegisterError, quoted
from vetting.person import PersonKey
from vetting.register_as_of import person_as_of
from vetting.register_fill import Replacement, replace_everything
from vetting.register_grants import (
    add_grant,
    change_grant,
    downgrade_grant,
    read_grant,
)
from vetting.register_history import (
    ChangeKind,
    RegisterChange,
    RowChange,
    append_changes,
    changes_of,
    end_rows,
)
from vetting.register_reading import (
    BrokenRow,
    RegisteredPerson,
    count_people,
    find_broken_rows,
    list_people,
    read_people,
    rows_of,
)
from vetting.register_tables import (
    appointment,
    appointment_to_row,
    metadata,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from vetting.clearance import Clearance
    from vetting.grants import ClearanceGrant, GrantStatus
    from vetting.levels import LevelId, LevelOrder

__all__ = [
    "BrokenRow",
    "PersonKey",
    "Register",
    "RegisterChange",
    "RegisteredPerson",
    "Replacement",
    "metadata",
]


class Register:
    """Reads and changes the vetting register."""

    __slots__ = ("_accepted", "_order")

    def __init__(self, order: LevelOrder, *, accepted: frozenset[str]) -> None:
        """Read by these levels.

        Args:
            order: the levels.
            accepted: the bodies whose vetting the host accepts in general, itself among them.
        """
        self._order = order
        self._accepted = accepted

    def read(self, connection: Connection, person: PersonKey) -> RegisteredPerson:
        """Read what the register has of a person; of an unknown one, nothing."""
        (found,) = self.read_all(connection, [person])
        return found

    def read_all(
        self, connection: Connection, people: Sequence[PersonKey]
    ) -> tuple[RegisteredPerson, ...]:
        """Read what the register has of some people, in their order."""
        return read_people(connection, people, self._order, accepted=self._accepted)

    def as_of(self, connection: Connection, person: PersonKey, *, at: datetime) -> RegisteredPerson:
        """Replay what the register had of a person at a moment.

        Raises:
            RegisterError: the instant has no time zone, or the history does not hold together.
        """
        return person_as_of(connection, person, at=at, order=self._order, accepted=self._accepted)

    def clearance_of(self, connection: Connection, person: PersonKey) -> Clearance:
        """Read what a person is cleared to; of an unknown person, nothing."""
        return self.read(connection, person).clearance

    def appointments_of(
        self, connection: Connection, person: PersonKey, *, at: datetime
    ) -> frozenset[str]:
        """Read to which roles a person is appointed.

        Args:
            connection: the caller's.
            person: whose.
            at: the instant, with a time zone.

        Returns:
            Values of `Role`.
        """
        held = self.read(connection, person).appointments
        return frozenset(value.role.value for value in held if value.holds(at=at))

    def people(
        self,
        connection: Connection,
        *,
        organisation: str | None = None,
        offset: int = 0,
        limit: int = 50,
    ) -> tuple[RegisteredPerson, ...]:
        """List the people of the register, by organisation and employee number.

        Args:
            connection: the caller's.
            organisation: only this organisation's; None for all.
            offset: how many to skip.
            limit: how many to list.

        Raises:
            RegisterError: the offset is negative or the limit not within 1 to 500.
        """
        listed = list_people(connection, organisation=organisation, offset=offset, limit=limit)
        return self.read_all(connection, listed)

    def count(self, connection: Connection, *, organisation: str | None = None) -> int:
        """Count the people of the register; None for all organisations."""
        return count_people(connection, organisation=organisation)

    def history(self, connection: Connection, person: PersonKey) -> tuple[RegisterChange, ...]:
        """List the changes to a person's rows, the earliest first.

        Raises:
            RegisterError: a line of the history cannot be read.
        """
        return changes_of(connection, person)

    def broken_rows(self, connection: Connection) -> tuple[BrokenRow, ...]:
        """Tell of every row that counts for nothing because it cannot be read."""
        return find_broken_rows(connection, self._order)

    def grant(
        self,
        connection: Connection,
        person: PersonKey,
        grant: ClearanceGrant,
        *,
        by: str,
        at: datetime,
    ) -> None:
        """Add a grant of clearance.

        Args:
            connection: the caller's, in a transaction.
            person: to whom.
            grant: what; its id must be new.
            by: who does it.
            at: the instant, with a time zone.

        Raises:
            RegisterError: the id is taken, the level is unknown, a vetting level has no end, or
                nobody is named; nothing was written.
        """
        add_grant(connection, self._order, person, grant, by=by, at=at)

    def grant_of(self, connection: Connection, grant_id: str) -> ClearanceGrant:
        """Read one grant.

        Raises:
            RegisterError: there is no such grant, or its row is broken.
        """
        return read_grant(connection, self._order, grant_id)[1]

    def change_status(
        self,
        connection: Connection,
        grant_id: str,
        status: GrantStatus,
        *,
        by: str,
        at: datetime,
        functions: frozenset[str] | None = None,
    ) -> PersonKey:
        """Change the status of a grant.

        Args:
            connection: the caller's, in a transaction.
            grant_id: which.
            status: the new status.
            by: who does it.
            at: the instant, with a time zone.
            functions: the only functions it counts for from now on; None leaves that as it is, so a
                restriction is lifted only by saying so.

        Returns:
            Whose grant it is.

        Raises:
            RegisterError: there is no such grant, its row is broken, it would be restricted to
                nothing, or nobody is named; nothing was written.
        """
        changes: dict[str, Any] = {"status": status}
        if functions is not None:
            changes["functions"] = functions
        return change_grant(connection, self._order, grant_id, changes, by=by, at=at)[0]

    def change_dates(
        self,
        connection: Connection,
        grant_id: str,
        *,
        expires_on: date | None,
        review_due_on: date | None,
        by: str,
        at: datetime,
    ) -> PersonKey:
        """Give a grant other last days, as after a renewal or a review.

        Returns:
            Whose grant it is.

        Raises:
            RegisterError: there is no such grant, its row is broken, a day is before it began, a
                vetting level would have no end, or nobody is named; nothing was written.
        """
        changes = {"expires_on": expires_on, "review_due_on": review_due_on}
        return change_grant(connection, self._order, grant_id, changes, by=by, at=at)[0]

    def downgrade(
        self,
        connection: Connection,
        grant_id: str,
        level: LevelId,
        *,
        new_id: str,
        by: str,
        at: datetime,
    ) -> PersonKey:
        """Take a level away and keep a lower one, with the same dates and restrictions.

        Args:
            connection: the caller's, in a transaction.
            grant_id: which.
            level: what is kept; the grant's own level must satisfy it.
            new_id: the id of the grant that is kept.
            by: who does it.
            at: the instant, with a time zone.

        Returns:
            Whose grant it is.

        Raises:
            RegisterError: there is no such grant, it does not count, or the level is not lower.
        """
        return downgrade_grant(
            connection, self._order, grant_id, level, new_id=new_id, by=by, at=at
        )

    def appoint(
        self,
        connection: Connection,
        person: PersonKey,
        role: str,
        *,
        starts_on: date,
        ends_on: date | None = None,
        by: str,
        at: datetime,
    ) -> None:
        """Appoint a person to a role in the gate.

        Args:
            connection: the caller's, in a transaction.
            person: whom.
            role: a value of `Role`.
            starts_on: first day.
            ends_on: last day; None for until withdrawn.
            by: who does it.
            at: the instant, with a time zone.

        Raises:
            RegisterError: the role is none, the dates are out of order, or nobody is named.
        """
        value = Appointment(role=_role(role), starts_on=starts_on, ends_on=ends_on)
        row = appointment_to_row(person, value)
        change = RowChange(kind=ChangeKind.APPOINTED, before=None, after=row)
        append_changes(connection, [change], by=by, at=at)
        connection.execute(insert(appointment), row)

    def withdraw_appointment(
        self, connection: Connection, person: PersonKey, role: str, *, by: str, at: datetime
    ) -> None:
        """End every appointment of a person to a role, those that have not begun included.

        Raises:
            RegisterError: there is none, the role is none, or nobody is named.
        """
        rows = connection.execute(
            rows_of(appointment, [person]).where(
                appointment.c.role == _role(role).value, appointment.c.withdrawn_at_us.is_(None)
            )
        ).mappings()
        kind, column = ChangeKind.APPOINTMENT_WITHDRAWN, "withdrawn_at_us"
        if not end_rows(connection, appointment, rows, kind=kind, column=column, by=by, at=at):
            raise RegisterError(f"change register: {person} is not appointed {quoted(role)}")

    def replace_all(
        self,
        connection: Connection,
        rows: Iterable[tuple[PersonKey, ClearanceGrant]],
        *,
        appointments: Iterable[tuple[PersonKey, Appointment]] | None = None,
        by: str,
        at: datetime,
    ) -> Replacement:
        """Make the given grants (and appointments) the only ones; several thousand a second.

        Args:
            connection: the caller's, in a transaction.
            rows: every grant of everyone.
            appointments: every appointment of everyone; None leaves them as they are.
            by: who does it.
            at: the instant, with a time zone.

        Returns:
            How many rows of grants were added, changed, removed and left alone.

        Raises:
            RegisterError: something comes twice, a grant cannot be held, or nobody is named;
                nothing was written.
        """
        return replace_everything(connection, rows, appointments, self._order, by=by, at=at)


def _role(role: str) -> Role:
    try:
        return Role(role)
    except ValueError as error:
        raise RegisterError(f"change register: {quoted(role)} is no role") from error
