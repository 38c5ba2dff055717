"""Changes to memberships: who begins, ends and moves, each with its line in the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, update

from vetting.errors import RegisterError, quoted
from vetting.register_history import ChangeKind, RowChange, append_changes
from vetting.register_reading import rows_of
from vetting.register_tables import membership, membership_from_row, membership_to_row

if TYPE_CHECKING:
    from datetime import datetime

    from vetting.membership import Membership
    from vetting.person import PersonKey


def begin(connection: Connection, value: Membership, *, by: str, at: datetime) -> None:
    """Add a membership.

    Raises:
        RegisterError: it overlaps another of the same key, the key belongs to somebody else, or
            nobody is named; nothing was written.
    """
    for held in connection.execute(rows_of(membership, [value.key])).mappings():
        other = membership_from_row(held)
        if other.person != value.person:
            raise RegisterError(
                f"change register: {value.key} is {quoted(other.person)}; an employee number is"
                " never given to somebody else"
            )
        if _overlap(value, other):
            raise RegisterError(
                f"change register: {value.key} is a member from {other.starts_on} to"
                f" {other.ends_on or 'no end'} already"
            )
    row = membership_to_row(value)
    change = RowChange(kind=ChangeKind.MEMBERSHIP_ADDED, before=None, after=row)
    append_changes(connection, [change], by=by, at=at)
    connection.execute(insert(membership), row)


def end(
    connection: Connection, key: PersonKey, *, ends_on: date, by: str, at: datetime
) -> Membership:
    """End the membership of a key; it can only be made shorter.

    Args:
        connection: the caller's, in a transaction.
        key: whose.
        ends_on: last day.
        by: who does it.
        at: the instant.

    Returns:
        It, as it is now.

    Raises:
        RegisterError: there is none that lasts so long, or nobody is named.
    """
    for found in connection.execute(rows_of(membership, [key])).mappings():
        row = dict(found)
        value = membership_from_row(row)
        if value.starts_on > ends_on or (value.ends_on or date.max) <= ends_on:
            continue
        ended = replace(value, ends_on=ends_on)
        after = row | membership_to_row(ended)
        change = RowChange(kind=ChangeKind.MEMBERSHIP_ENDED, before=row, after=after)
        append_changes(connection, [change], by=by, at=at)
        connection.execute(
            update(membership).where(membership.c.id == row["id"]).values(ends_on=after["ends_on"])
        )
        return ended
    raise RegisterError(f"change register: {key} has no membership that lasts beyond {ends_on}")


def move(connection: Connection, old: PersonKey, new: Membership, *, by: str, at: datetime) -> None:
    """Move a person: the old membership ends on the day before the new one starts.

    Vetting does not move with them: what they hold with the old employer counts no more, and the
    new one grants its own, which may be in the register before the day.

    Raises:
        RegisterError: the old one is another person's or has ended, or the new one cannot begin.
    """
    for row in connection.execute(rows_of(membership, [old])).mappings():
        if membership_from_row(row).person != new.person:
            raise RegisterError(f"change register: {old} is not {quoted(new.person)}")
    end(connection, old, ends_on=new.starts_on - timedelta(days=1), by=by, at=at)
    begin(connection, new, by=by, at=at)


def _overlap(one: Membership, other: Membership) -> bool:
    first, second = sorted((one, other), key=lambda each: each.starts_on)
    return first.ends_on is None or first.ends_on >= second.starts_on
