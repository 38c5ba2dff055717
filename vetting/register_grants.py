"""Changes to grants of clearance, each checked whole and written with its line in the history."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select, update

from vetting.errors import GrantError, RegisterError, quoted
from vetting.grants import STANDING_OF, ClearanceGrant, GrantStatus
from vetting.person import PersonKey
from vetting.register_history import ChangeKind, RowChange, append_changes
from vetting.register_tables import (
    Row,
    check_against_levels,
    grant_from_row,
    grant_to_row,
    vetting_grant,
)

if TYPE_CHECKING:
    from datetime import datetime

    from vetting.levels import LevelId, LevelOrder


def add_grant(
    connection: Connection,
    order: LevelOrder,
    person: PersonKey,
    grant: ClearanceGrant,
    *,
    by: str,
    at: datetime,
) -> None:
    """Add a grant; see `Register.grant`."""
    try:
        check_against_levels(grant, order)
    except GrantError as error:
        raise RegisterError(f"change register: {error}") from error
    taken = select(vetting_grant.c.id).where(vetting_grant.c.id == grant.id)
    if connection.execute(taken).first() is not None:
        raise RegisterError(f"change register: grant {quoted(grant.id)} is already there")
    row = grant_to_row(person, grant)
    change = RowChange(kind=ChangeKind.GRANT_ADDED, before=None, after=row)
    append_changes(connection, [change], by=by, at=at)
    connection.execute(insert(vetting_grant), row)


def read_grant(
    connection: Connection, order: LevelOrder, grant_id: str
) -> tuple[Row, ClearanceGrant]:
    """Read one grant; gives its row too.

    Raises:
        RegisterError: there is no such grant, or its row is broken.
    """
    found = connection.execute(select(vetting_grant).where(vetting_grant.c.id == grant_id))
    row = found.mappings().first()
    if row is None:
        raise RegisterError(f"change register: grant {quoted(grant_id)} is not there")
    try:
        return dict(row), grant_from_row(row, order)
    except GrantError as error:
        raise RegisterError(f"change register: {error}") from error


def change_grant(
    connection: Connection,
    order: LevelOrder,
    grant_id: str,
    changes: dict[str, Any],
    *,
    by: str,
    at: datetime,
) -> tuple[PersonKey, ClearanceGrant]:
    """Change attributes of a grant.

    Args:
        connection: the caller's, in a transaction.
        order: the levels.
        grant_id: which.
        changes: attributes of `ClearanceGrant` with their new values.
        by: who does it.
        at: the instant, with a time zone.

    Returns:
        Whose grant it is, and it as it was.

    Raises:
        RegisterError: there is no such grant, its row is broken, it would contradict itself, or
            nobody is named; nothing was written.
    """
    row, before = read_grant(connection, order, grant_id)
    try:
        grant = replace(before, **changes)
        check_against_levels(grant, order)
    except GrantError as error:
        raise RegisterError(f"change register: {error}") from error
    person = PersonKey(organisation=row["organisation"], employee_number=row["employee_number"])
    after = grant_to_row(person, grant)
    change = RowChange(kind=ChangeKind.GRANT_CHANGED, before=row, after=after)
    append_changes(connection, [change], by=by, at=at)
    connection.execute(update(vetting_grant).where(vetting_grant.c.id == grant_id).values(after))
    return person, before


def downgrade_grant(
    connection: Connection,
    order: LevelOrder,
    grant_id: str,
    level: LevelId,
    *,
    new_id: str,
    by: str,
    at: datetime,
) -> PersonKey:
    """Take a level away and keep a lower one; see `Register.downgrade`."""
    lost = {"status": GrantStatus.DOWNGRADED}
    person, before = change_grant(connection, order, grant_id, lost, by=by, at=at)
    lower = order.knows(level) and level != before.level
    if not lower or not order.dominates(before.level, level):
        raise RegisterError(f"change register: {quoted(level)} is not lower than {before.level}")
    if not STANDING_OF[before.status].counts:
        raise RegisterError(f"change register: grant {quoted(grant_id)} is {before.status}")
    kept = replace(before, id=new_id, level=level, reference="")  # sealed for the other grant
    add_grant(connection, order, person, kept, by=by, at=at)
    return person
