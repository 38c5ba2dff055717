"""The history of the register: every change, with the row before and the row after.

Changes are only ever appended, and never carry an earlier instant than the one before, so that the
state at any moment is what a replay up to it gives (`vetting.register_as_of`). What is ended in all
tables alike, row and line together, is ended here. Nothing says why: reasons and findings are not
kept.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, insert, select, update

from vetting.errors import RegisterError, quoted
from vetting.register_tables import (
    Row,
    from_microseconds,
    register_change,
    to_microseconds,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from vetting.person import PersonKey
    from vetting.register_tables import AnyRow

MAX_OPERATOR_CHARACTERS = 200


class ChangeKind(StrEnum):
    """What was done to the register."""

    GRANT_ADDED = "grant-added"
    GRANT_CHANGED = "grant-changed"
    GRANT_REMOVED = "grant-removed"
    APPOINTED = "appointed"
    APPOINTMENT_WITHDRAWN = "appointment-withdrawn"
    APPOINTMENT_REMOVED = "appointment-removed"
    MEMBERSHIP_ADDED = "membership-added"
    MEMBERSHIP_ENDED = "membership-ended"
    TRAINING_ADDED = "training-added"
    TRAINING_ENDED = "training-ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterChange:
    """One change of the register.

    Attributes:
        sequence: ascending number.
        at: the instant (UTC).
        by: who did it.
        person: whose row it is.
        kind: what was done.
        item: the id of the grant, the role of the appointment, the course of the training, or the
            person of the membership.
        level: the level of the grant; empty for anything else.
        changed: the columns that differ, each with its text before and after ("" for none).
    """

    sequence: int
    at: datetime
    by: str
    person: PersonKey
    kind: ChangeKind
    item: str
    level: str
    changed: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """A row before and after; either may be missing."""

    kind: ChangeKind
    before: Row | None
    after: Row | None


def append_changes(
    connection: Connection, changes: Sequence[RowChange], *, by: str, at: datetime
) -> None:
    """Append to the history.

    Args:
        connection: the connection that makes the changes.
        changes: in the order in which they were made.
        by: who made them.
        at: the instant, with a time zone.

    Raises:
        RegisterError: nobody is named, or the instant has no time zone.
    """
    if not by.strip() or len(by) > MAX_OPERATOR_CHARACTERS:
        raise RegisterError(f"write register: {quoted(by)} names nobody")
    # A clock that was set back must not write into what was already the past.
    last = select(register_change.c.at_us).order_by(register_change.c.sequence.desc()).limit(1)
    at_us = max(to_microseconds(at), connection.execute(last).scalar() or 0)
    rows = []
    for change in changes:
        row = change.after or change.before or {}
        rows.append(
            {
                "at_us": at_us,
                "by": by,
                "organisation": str(row.get("organisation")),
                "employee_number": str(row.get("employee_number")),
                "kind": change.kind.value,
                "before": _to_text(change.before),
                "after": _to_text(change.after),
            }
        )
    if rows:
        connection.execute(insert(register_change), rows)


def end_rows(
    connection: Connection,
    table: Table,
    rows: Iterable[AnyRow],
    *,
    kind: ChangeKind,
    column: str,
    by: str,
    at: datetime,
) -> bool:
    """End rows at once, each with its line in the history; tells whether there were any.

    Args:
        connection: the caller's, in a transaction.
        table: whose rows they are; its key is `id`.
        rows: which.
        kind: what the history calls it.
        column: where a row says when it was ended.
        by: who does it.
        at: the instant, with a time zone.

    Raises:
        RegisterError: nobody is named, or the instant has no time zone.
    """
    ended, running = {column: to_microseconds(at)}, [dict(row) for row in rows]
    if not running:
        return False
    changes = [RowChange(kind=kind, before=row, after=row | ended) for row in running]
    append_changes(connection, changes, by=by, at=at)
    ids = [row["id"] for row in running]
    connection.execute(update(table).where(table.c.id.in_(ids)).values(ended))
    return True


def changes_of(connection: Connection, person: PersonKey) -> tuple[RegisterChange, ...]:
    """List the changes to one person's rows, the earliest first.

    Raises:
        RegisterError: a line of the history cannot be read.
    """
    table = register_change
    found = connection.execute(
        select(table)
        .where(
            table.c.organisation == person.organisation,
            table.c.employee_number == person.employee_number,
        )
        .order_by(table.c.sequence)
    )
    return tuple(_from_row(row, person) for row in found.mappings())


def _from_row(row: Any, person: PersonKey) -> RegisterChange:
    try:
        kind = ChangeKind(row["kind"])
        before, after = row_from_text(row["before"]), row_from_text(row["after"])
    except ValueError as error:
        raise RegisterError(f"read history: line {quoted(row['sequence'])} is broken") from error
    told = after or before
    columns = [name for name in told if before.get(name) != after.get(name)]
    return RegisterChange(
        sequence=row["sequence"],
        at=from_microseconds(row["at_us"]),
        by=row["by"],
        person=person,
        kind=kind,
        item=str(
            told.get("role") or told.get("course") or told.get("person") or told.get("id") or ""
        ),
        level=str(told.get("level") or ""),
        changed=tuple((name, _shown(before, name), _shown(after, name)) for name in columns),
    )


def _shown(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _to_text(row: Row | None) -> str | None:
    # `default=str`: a broken row may hold bytes, and its removal must be written down all the same.
    return None if row is None else json.dumps(row, sort_keys=True, default=str)


def row_from_text(text: str | None) -> Row:
    """Read a row as the history holds it; empty when there was none.

    Raises:
        ValueError: the text is no row.
    """
    row = {} if text is None else json.loads(text)
    if not isinstance(row, dict):
        raise ValueError("no row")  # noqa: TRY004 - caught by the caller with other broken text
    return row
