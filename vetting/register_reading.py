"""Reads the vetting register, so that one broken row costs nobody anything.

A row that cannot be read is no grant and no appointment; it is skipped where a decision may depend
on the answer, and told by `find_broken_rows` where somebody looks after the register.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    false,
    func,
    or_,
    select,
    union,
)

from vetting.clearance import Clearance
from vetting.errors import GrantError, RegisterError
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_tables import (
    AnyRow,
    appointment,
    appointment_from_row,
    grant_from_row,
    membership,
    membership_from_row,
    training,
    training_from_row,
    vetting_grant,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vetting.appointments import Appointment
    from vetting.grants import ClearanceGrant
    from vetting.levels import LevelOrder
    from vetting.training import Training

_TABLES = (vetting_grant, appointment, membership, training)
# Of one person, as sessions are read: making and compiling the statements anew each time cost
# several times what the database does.
_OF_ONE = tuple(
    select(table)
    .where(
        table.c.organisation == bindparam("organisation"),
        table.c.employee_number == bindparam("number"),
    )
    .order_by(table.c.id)
    for table in _TABLES
)
_PAST = date(1970, 1, 1)
MAX_PEOPLE_A_PAGE = 500  # a page is read by a person, and held in memory whole


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredPerson:
    """One person of the register.

    Attributes:
        person: whose rows these are.
        clearance: their grants, usable or not.
        appointments: all their appointments, past ones included.
        memberships: all their memberships under this key, past and future ones included.
        trainings: all their trainings, lapsed ones included.
    """

    person: PersonKey
    clearance: Clearance
    appointments: tuple[Appointment, ...]
    memberships: tuple[Membership, ...] = ()
    trainings: tuple[Training, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenRow:
    """A row that counts for nothing because it cannot be read.

    Attributes:
        table: where it is.
        row_id: its id as text.
        message: what is wrong with it.
    """

    table: str
    row_id: str
    message: str


def read_people(
    connection: Connection,
    people: Sequence[PersonKey],
    order: LevelOrder,
    *,
    accepted: frozenset[str],
) -> tuple[RegisteredPerson, ...]:
    """Read what the register has of some people, in their order; of an unknown person, nothing.

    Args:
        connection: the caller's.
        people: whom.
        order: the levels.
        accepted: the bodies whose vetting the host accepts.
    """
    rows: list[defaultdict[PersonKey, list[AnyRow]]] = []
    for table, of_one in zip(_TABLES, _OF_ONE, strict=True):
        found: defaultdict[PersonKey, list[AnyRow]] = defaultdict(list)
        if len(people) == 1:
            of = {"organisation": people[0].organisation, "number": people[0].employee_number}
            result = connection.execute(of_one, of)
        else:
            result = connection.execute(rows_of(table, people))
        for row in result.mappings():
            key = _person_or_none(row["organisation"], row["employee_number"])
            if key is not None:
                found[key].append(row)
        rows.append(found)
    grants, appointments, memberships, trainings = rows
    return tuple(
        registered(
            person,
            grants[person],
            appointments[person],
            memberships[person],
            trainings[person],
            order=order,
            accepted=accepted,
        )
        for person in people
    )


def registered(
    person: PersonKey,
    grants: Iterable[AnyRow],
    appointments: Iterable[AnyRow],
    memberships: Iterable[AnyRow],
    trainings: Iterable[AnyRow],
    *,
    order: LevelOrder,
    accepted: frozenset[str],
) -> RegisteredPerson:
    """Make one person of rows; a grant, appointment or training not to be read is left out.

    A membership that cannot be read is kept as one that never holds: left out, it would leave the
    person as free as somebody without any.
    """
    held = [_grant_or_none(row, order) for row in grants]
    appointed = [_appointment_or_none(row) for row in appointments]
    trained = [_training_or_none(row) for row in trainings]
    employed = tuple(_membership_or_past(row, person) for row in memberships)
    return RegisteredPerson(
        person=person,
        clearance=Clearance(
            grants=tuple(grant for grant in held if grant is not None),
            organisation=person.organisation,
            order=order,
            accepted=accepted,
            memberships=employed,
        ),
        appointments=tuple(value for value in appointed if value is not None),
        memberships=employed,
        trainings=tuple(value for value in trained if value is not None),
    )


def list_people(
    connection: Connection, *, organisation: str | None, offset: int, limit: int
) -> tuple[PersonKey, ...]:
    """List who is in the register, by organisation and employee number.

    Raises:
        RegisterError: the offset is negative or the limit not within 1 to 500.
    """
    if offset < 0 or not 1 <= limit <= MAX_PEOPLE_A_PAGE:
        raise RegisterError("list register: the page is out of bounds")
    keys = _keys(organisation)
    query = keys.order_by(*keys.selected_columns).offset(offset).limit(limit)
    people = [_person_or_none(*row) for row in connection.execute(query)]
    return tuple(person for person in people if person is not None)


def count_people(connection: Connection, *, organisation: str | None) -> int:
    """Count who is in the register."""
    query = select(func.count()).select_from(_keys(organisation).subquery())
    return int(connection.execute(query).scalar_one())


def find_broken_rows(connection: Connection, order: LevelOrder) -> tuple[BrokenRow, ...]:
    """Tell of every row that counts for nothing because it cannot be read."""
    broken: list[BrokenRow] = []
    readers: dict[Table, Callable[[AnyRow], object]] = {
        vetting_grant: lambda row: grant_from_row(row, order),
        appointment: appointment_from_row,
        membership: membership_from_row,
        training: training_from_row,
    }
    for table, read in readers.items():
        for row in connection.execute(select(table)).mappings():
            try:
                PersonKey(organisation=row["organisation"], employee_number=row["employee_number"])
                read(row)
            except (GrantError, RegisterError) as error:
                broken.append(
                    BrokenRow(table=table.name, row_id=str(row["id"]), message=str(error))
                )
    return tuple(broken)


def rows_of(table: Table, people: Sequence[PersonKey]) -> Select[Any]:
    """Select the rows that a table has of some people."""
    by_organisation: defaultdict[str, list[str]] = defaultdict(list)
    for person in people:
        by_organisation[person.organisation].append(person.employee_number)
    columns = table.c
    whose = (
        and_(columns.organisation == organisation, columns.employee_number.in_(numbers))
        for organisation, numbers in by_organisation.items()
    )
    return select(table).where(or_(false(), *whose)).order_by(columns.id)


def _grant_or_none(row: AnyRow, order: LevelOrder) -> ClearanceGrant | None:
    try:
        return grant_from_row(row, order)
    except GrantError:
        return None


def _appointment_or_none(row: AnyRow) -> Appointment | None:
    try:
        return appointment_from_row(row)
    except RegisterError:
        return None


def _training_or_none(row: AnyRow) -> Training | None:
    try:
        return training_from_row(row)
    except RegisterError:
        return None


def _membership_or_past(row: AnyRow, person: PersonKey) -> Membership:
    try:
        return membership_from_row(row)
    except RegisterError:
        return Membership(person="unreadable", key=person, starts_on=_PAST, ends_on=_PAST)


def _person_or_none(organisation: str, employee_number: str) -> PersonKey | None:
    try:
        return PersonKey(organisation=organisation, employee_number=employee_number)
    except RegisterError:
        return None


def _keys(organisation: str | None) -> Select[Any]:
    """Select the key of everyone who has a row."""
    both = union(*(select(t.c.organisation, t.c.employee_number) for t in _TABLES)).subquery()
    keys = select(both.c.organisation, both.c.employee_number)
    return keys if organisation is None else keys.where(both.c.organisation == organisation)
