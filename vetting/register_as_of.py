"""The register as it was at any moment, by replay of its history.

Exact, or refused: a line that does not follow from those before it means that rows were changed
past the register, and then nobody can say what held. What the levels dominate and whose vetting is
accepted are as they are now: they belong to the policy set, which has versions of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, Table, select

from vetting.errors import RegisterError, quoted
from vetting.register_history import ChangeKind, row_from_text
from vetting.register_reading import RegisteredPerson, registered, rows_of
from vetting.register_tables import (
    AnyRow,
    Row,
    appointment,
    membership,
    register_change,
    to_microseconds,
    training,
    vetting_grant,
)

if TYPE_CHECKING:
    from datetime import datetime

    from vetting.levels import LevelOrder
    from vetting.person import PersonKey

_TABLE_OF: dict[ChangeKind, Table] = {
    ChangeKind.GRANT_ADDED: vetting_grant,
    ChangeKind.GRANT_CHANGED: vetting_grant,
    ChangeKind.GRANT_REMOVED: vetting_grant,
    ChangeKind.APPOINTED: appointment,
    ChangeKind.APPOINTMENT_WITHDRAWN: appointment,
    ChangeKind.APPOINTMENT_REMOVED: appointment,
    ChangeKind.MEMBERSHIP_ADDED: membership,
    ChangeKind.MEMBERSHIP_ENDED: membership,
    ChangeKind.TRAINING_ADDED: training,
    ChangeKind.TRAINING_ENDED: training,
}


def person_as_of(
    connection: Connection,
    person: PersonKey,
    *,
    at: datetime,
    order: LevelOrder,
    accepted: frozenset[str],
) -> RegisteredPerson:
    """Give what the register had of a person at a moment.

    Args:
        connection: the caller's.
        person: whom.
        at: the moment; changes made at it have been made.
        order: the levels.
        accepted: the bodies whose vetting the host accepts.

    Raises:
        RegisterError: the instant has no time zone, or the history does not hold together.
    """
    rows = rows_as_of(connection, person, at=at)
    return registered(
        person,
        rows[vetting_grant],
        rows[appointment],
        rows[membership],
        rows[training],
        order=order,
        accepted=accepted,
    )


def rows_as_of(
    connection: Connection, person: PersonKey, *, at: datetime
) -> dict[Table, list[Row]]:
    """Replay a person's history up to a moment; gives the rows of each table.

    Raises:
        RegisterError: the instant has no time zone, or a line does not follow from those before.
    """
    state: dict[Table, list[Row]] = {table: [] for table in _TABLE_OF.values()}
    table = register_change
    lines = connection.execute(
        select(table)
        .where(
            table.c.organisation == person.organisation,
            table.c.employee_number == person.employee_number,
            table.c.at_us <= to_microseconds(at),
        )
        .order_by(table.c.sequence)
    ).mappings()
    for line in lines:
        try:
            rows = state[_TABLE_OF[ChangeKind(line["kind"])]]
            before, after = row_from_text(line["before"]), row_from_text(line["after"])
            if before:
                rows.remove(_comparable(before))
        except ValueError as error:
            raise RegisterError(
                f"read history: line {quoted(line['sequence'])} of {person} does not follow from"
                " those before it; rows were changed past the register"
            ) from error
        if after:
            rows.append(_comparable(after))
    return state


def follows_from_history(connection: Connection, person: PersonKey, *, at: datetime) -> bool:
    """Tell whether the rows of a person are those that their history leads to.

    Args:
        connection: the caller's.
        person: whom.
        at: now.
    """
    try:
        replayed = rows_as_of(connection, person, at=at)
    except RegisterError:
        return False
    for table, rows in replayed.items():
        present = [_comparable(row) for row in _rows(connection, table, person)]
        if len(present) != len(rows) or any(row not in present for row in rows):
            return False
    return True


def _rows(connection: Connection, table: Table, person: PersonKey) -> list[AnyRow]:
    return list(connection.execute(rows_of(table, [person])).mappings())


def _comparable(row: AnyRow) -> Row:
    """Leave out what a row has only once it is in its table, and what older lines did not have.

    The number of an appointment or membership is given by the table; that of a grant is its own.
    """
    kept = {name: value for name, value in row.items() if name != "id" or isinstance(value, str)}
    if "level" in kept:
        kept.setdefault("contract", "")
    return kept
