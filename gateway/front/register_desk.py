"""Finding people of the vetting register, for the desk that shows it.

The register knows organisations and employee numbers, the staff table the names of those who have
signed in. A text is looked for in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import or_, select, union

from gateway.identity.names import fold_name
from gateway.identity.staff import staff_by_person
from gateway.pages.register_services import HistoryBrokenError, NamedLapse, RegisterPerson
from gateway.store import schema
from gateway.store.engine import reading
from vetting.errors import RegisterError, VettingError
from vetting.lapses import lapses_within
from vetting.person import PersonKey
from vetting.register_tables import appointment, membership, training, vetting_grant

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine, Select, Table

    from vetting.register import Register, RegisterChange
    from vetting.register_reading import RegisteredPerson

_MOST_LAPSES: Final = 200  # on one page; the command line and its CSV give all of them
_MOST: Final = 500  # matches of a text; somebody who sees more should type more


class RegisterSearch:
    """Looks people up. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, register: Callable[[], Register]) -> None:
        """Read from this store, by this register."""
        self._engine = engine
        self._register = register

    def people(
        self, *, text: str, organisation: str, offset: int, limit: int, at: datetime
    ) -> tuple[tuple[RegisterPerson, ...], int]:
        """Find people by name or employee number, by organisation, or all (empty texts).

        Returns:
            At most `limit` people from `offset` on, in a steady order, and how many there are.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with reading(self._engine) as connection:
            if text.strip():
                keys = self._matching(connection, text.strip(), organisation)
                chosen, count = keys[offset : offset + limit], len(keys)
                listed = self._register().read_all(connection, chosen)
            else:
                only = organisation or None
                listed = self._register().people(
                    connection, organisation=only, offset=offset, limit=limit
                )
                count = self._register().count(connection, organisation=only)
            return tuple(_found(connection, each, at) for each in listed), count

    def person(
        self, *, organisation: str, employee_number: str, at: datetime
    ) -> RegisterPerson | None:
        """Give one person, or None when the register does not know them.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        try:
            person = PersonKey(organisation=organisation, employee_number=employee_number)
        except VettingError:
            return None
        with reading(self._engine) as connection:
            registered = self._register().read(connection, person)
            found = _found(connection, registered, at)
        known = (registered.appointments, registered.memberships, registered.trainings)
        return found if found.clearance.grants or any(known) else None

    def history(self, *, organisation: str, employee_number: str) -> tuple[RegisterChange, ...]:
        """List what changed for one person, the earliest first.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        person = PersonKey(organisation=organisation, employee_number=employee_number)
        with reading(self._engine) as connection:
            return self._register().history(connection, person)

    def as_of(
        self, *, organisation: str, employee_number: str, at: datetime
    ) -> RegisterPerson | None:
        """Replay what the register had of a person; see `register_services.RegisterDesk`.

        Raises:
            HistoryBrokenError: rows were changed past the register.
            StoreUnavailable: the database does not answer.
        """
        person = PersonKey(organisation=organisation, employee_number=employee_number)
        with reading(self._engine) as connection:
            try:
                then = self._register().as_of(connection, person, at=at)
            except RegisterError as error:
                raise HistoryBrokenError(str(error)) from error
            found = _found(connection, then, at)
        known = (then.appointments, then.memberships, then.trainings)
        return found if found.clearance.grants or any(known) else None

    def lapses(
        self, *, organisation: str, days: int, at: datetime
    ) -> tuple[tuple[NamedLapse, ...], int]:
        """List what ends soon; see `register_services.RegisterDesk`.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with reading(self._engine) as connection:
            found = lapses_within(
                connection, self._register(), at=at, days=days, organisation=organisation or None
            )
            shown = tuple(
                NamedLapse(lapse=each, name=_name(connection, each.person))
                for each in found[:_MOST_LAPSES]
            )
        return shown, len(found)

    def _matching(
        self, connection: Connection, text: str, organisation: str
    ) -> Sequence[PersonKey]:
        staff = schema.staff
        folded = fold_name(text)
        named = select(staff.c.organisation, staff.c.employee_number).where(
            or_(
                staff.c.name.icontains(text, autoescape=True),
                staff.c.username_key.contains(folded, autoescape=True),
            )
        )
        both = union(
            named,
            _numbered(vetting_grant, text),
            _numbered(appointment, text),
            _numbered(membership, text),
            _numbered(training, text),
        ).subquery()
        statement = select(both).order_by(*both.c).limit(_MOST)
        if organisation:
            statement = statement.where(both.c.organisation == organisation)
        return [
            PersonKey(organisation=row[0], employee_number=row[1])
            for row in connection.execute(statement)
        ]


def _found(connection: Connection, registered: RegisteredPerson, at: datetime) -> RegisterPerson:
    person = registered.person
    return RegisterPerson(
        organisation=person.organisation,
        employee_number=person.employee_number,
        name=_name(connection, person),
        clearance=registered.clearance,
        appointments=frozenset(
            each.role.value for each in registered.appointments if each.holds(at=at)
        ),
        trainings=registered.trainings,
    )


def _name(connection: Connection, person: PersonKey) -> str | None:
    known = staff_by_person(connection, str(person))
    return known.name if known else None


def _numbered(table: Table, text: str) -> Select[tuple[str, str]]:
    matches = table.c.employee_number.startswith(text, autoescape=True)
    return select(table.c.organisation, table.c.employee_number).where(matches)
