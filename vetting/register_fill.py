"""Replaces what the register holds by a complete new list, with its history.

Rows that stay the same are left alone and get no line in the history, so filling in the same list
twice changes nothing. Everything is checked before the first row is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select

from vetting.errors import GrantError, RegisterError, quoted
from vetting.register_history import ChangeKind, RowChange, append_changes
from vetting.register_tables import (
    Row,
    appointment,
    appointment_to_row,
    check_against_levels,
    grant_to_row,
    vetting_grant,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from vetting.appointments import Appointment
    from vetting.grants import ClearanceGrant
    from vetting.levels import LevelOrder
    from vetting.person import PersonKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """What a replacement changed, in rows."""

    added: int
    changed: int
    removed: int
    unchanged: int


def replace_everything(
    connection: Connection,
    grants: Iterable[tuple[PersonKey, ClearanceGrant]],
    appointments: Iterable[tuple[PersonKey, Appointment]] | None,
    order: LevelOrder,
    *,
    by: str,
    at: datetime,
) -> Replacement:
    """Make the given grants and appointments the only ones.

    Args:
        connection: the caller's, in a transaction.
        grants: every grant of everyone.
        appointments: every appointment of everyone; None leaves them as they are.
        order: the levels.
        by: who does it.
        at: the instant, with a time zone.

    Returns:
        What changed among the grants.

    Raises:
        RegisterError: something comes twice, a grant cannot be held, or nobody is named; nothing
            was written.
    """
    changes, total = _plan_grants(connection, grants, order)
    appointed = [] if appointments is None else _plan_appointments(connection, appointments)
    append_changes(connection, [*changes, *appointed], by=by, at=at)
    write_rows(connection, vetting_grant, changes)
    write_rows(connection, appointment, appointed)
    return _counted(changes, total=total)


def _plan_grants(
    connection: Connection,
    rows: Iterable[tuple[PersonKey, ClearanceGrant]],
    order: LevelOrder,
) -> tuple[list[RowChange], int]:
    new: dict[Any, Row] = {}
    for person, grant in rows:
        try:
            check_against_levels(grant, order)
        except GrantError as error:
            raise RegisterError(f"fill register: {person}: {error}") from error
        if grant.id in new:
            raise RegisterError(f"fill register: grant {quoted(grant.id)} comes twice")
        new[grant.id] = grant_to_row(person, grant)
    old = {row["id"]: dict(row) for row in connection.execute(select(vetting_grant)).mappings()}
    changes = [
        *(
            RowChange(kind=ChangeKind.GRANT_REMOVED, before=row, after=None)
            for key, row in old.items()
            if key not in new
        ),
        *(
            RowChange(kind=ChangeKind.GRANT_CHANGED, before=old[key], after=row)
            for key, row in new.items()
            if key in old and old[key] != row
        ),
        *(
            RowChange(kind=ChangeKind.GRANT_ADDED, before=None, after=row)
            for key, row in new.items()
            if key not in old
        ),
    ]
    return changes, len(new)


def _plan_appointments(
    connection: Connection, rows: Iterable[tuple[PersonKey, Appointment]]
) -> list[RowChange]:
    new: dict[tuple[Any, ...], Row] = {}
    for person, value in rows:
        row = appointment_to_row(person, value)
        if tuple(row.values()) in new:
            raise RegisterError(f"fill register: {person}: an appointment comes twice")
        new[tuple(row.values())] = row
    changes: list[RowChange] = []
    kept: set[tuple[Any, ...]] = set()
    for found in connection.execute(select(appointment)).mappings():
        row = dict(found)
        key = tuple(value for name, value in row.items() if name != "id")
        if key in new and key not in kept:
            kept.add(key)
        else:
            changes.append(RowChange(kind=ChangeKind.APPOINTMENT_REMOVED, before=row, after=None))
    changes += [
        RowChange(kind=ChangeKind.APPOINTED, before=None, after=row)
        for key, row in new.items()
        if key not in kept
    ]
    return changes


def write_rows(connection: Connection, table: Table, changes: list[RowChange]) -> None:
    """Write rows that were removed, changed or added; the history is the caller's."""
    gone = [{"gone": change.before["id"]} for change in changes if change.before is not None]
    if gone:
        connection.execute(delete(table).where(table.c.id == bindparam("gone")), gone)
    come = [change.after for change in changes if change.after is not None]
    if come:
        connection.execute(insert(table), come)


def _counted(changes: list[RowChange], *, total: int) -> Replacement:
    added = sum(change.before is None for change in changes)
    removed = sum(change.after is None for change in changes)
    changed = len(changes) - added - removed
    return Replacement(
        added=added, changed=changed, removed=removed, unchanged=total - added - changed
    )
