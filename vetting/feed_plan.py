"""What an export changes: new, changed and missing grants, and which of it loosens.

A feed owns the grants whose ids begin with its own, and no others. Rules, in this order:

1. What tightens (a status that no longer counts, a sooner last day, fewer functions, a lower level)
   may be made at once.
2. What loosens may be made at once only where the source has proved itself, and never where an
   officer was the last to change the grant: an export written before a suspension must not undo it.
3. A grant that the export no longer has is terminated.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, func, insert, select

from vetting.errors import GrantError, RegisterError, quoted
from vetting.grants import STANDING_OF, ClearanceGrant, GrantStatus
from vetting.register_fill import write_rows
from vetting.register_history import ChangeKind, RowChange, append_changes
from vetting.register_tables import (
    AnyRow,
    Row,
    feed_import,
    from_microseconds,
    grant_from_row,
    grant_to_row,
    register_change,
    to_microseconds,
    vetting_grant,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    from vetting.feed_file import FeedFile
    from vetting.levels import LevelOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPlan:
    """What an export would change.

    Attributes:
        new: how many grants it has that the register has not.
        changed: how many differ.
        missing: how many of the register's it has no more.
        unchanged: how many are the same.
        present: how many of the feed's grants the register has that are not over.
        tightening: the changes that take something away, or change nothing of what counts.
        loosening: those that give something.
        held: those that would undo what an officer did.
    """

    new: int
    changed: int
    missing: int
    unchanged: int
    present: int
    tightening: tuple[RowChange, ...]
    loosening: tuple[RowChange, ...]
    held: tuple[RowChange, ...]

    @property
    def drop_percent(self) -> float:
        """How much of what the register has would be lost as missing."""
        return 100 * self.missing / self.present if self.present else 0.0


def plan_feed(connection: Connection, feed: str, export: FeedFile, order: LevelOrder) -> FeedPlan:
    """Compare an export with what the register has of its feed."""
    old = {row["id"]: dict(row) for row in connection.execute(_rows_of_feed(feed)).mappings()}
    new = {grant.id: grant_to_row(person, grant) for person, grant in export.rows}
    added = [
        RowChange(kind=ChangeKind.GRANT_ADDED, before=None, after=row)
        for key, row in new.items()
        if key not in old
    ]
    changed = [
        RowChange(kind=ChangeKind.GRANT_CHANGED, before=old[key], after=row)
        for key, row in new.items()
        if key in old and old[key] != row
    ]
    over = GrantStatus.TERMINATED.value
    missing = [
        RowChange(kind=ChangeKind.GRANT_CHANGED, before=row, after=row | {"status": over})
        for key, row in old.items()
        if key not in new and row["status"] != over
    ]
    by_officers = _people_changed_by_others(connection, feed) if changed else set()
    tightening, loosening, held = list(missing), list[RowChange](), list[RowChange]()
    for change in (*added, *changed):
        if not _loosens(change, order):
            tightening.append(change)
        elif _touched(connection, change, feed, by_officers):
            held.append(change)
        else:
            loosening.append(change)
    return FeedPlan(
        new=len(added),
        changed=len(changed),
        missing=len(missing),
        unchanged=len(new) - len(added) - len(changed),
        present=sum(row["status"] != over for row in old.values()),
        tightening=tuple(tightening),
        loosening=tuple(loosening),
        held=tuple(held),
    )


def make_changes(
    connection: Connection, changes: tuple[RowChange, ...], *, by: str, at: datetime
) -> None:
    """Write changes with their history; each must find its row as it was planned.

    Raises:
        RegisterError: a row has been changed meanwhile; nothing was written.
    """
    ids = {str((change.before or change.after or {})["id"]) for change in changes}
    present: dict[str, Row] = {}
    for some in _in_parts(sorted(ids)):
        rows = connection.execute(select(vetting_grant).where(vetting_grant.c.id.in_(some)))
        present |= {row["id"]: dict(row) for row in rows.mappings()}
    for change in changes:
        key = str((change.before or change.after or {})["id"])
        if present.get(key) != change.before:
            raise RegisterError(
                f"change register: grant {quoted(key)} was changed since this was proposed;"
                " import again"
            )
    append_changes(connection, changes, by=by, at=at)
    write_rows(connection, vetting_grant, list(changes))


def newest_export(connection: Connection, feed: str) -> datetime | None:
    """Tell when the newest export that was imported had been written; None if none was."""
    column = feed_import.c.exported_at_us
    found = connection.execute(select(func.max(column)).where(feed_import.c.feed == feed)).scalar()
    return None if found is None else from_microseconds(found)


def newest_digest(connection: Connection, feed: str) -> str | None:
    """Give the SHA-256 of the newest export that was imported; None if none was."""
    table = feed_import
    return connection.execute(
        select(table.c.digest)
        .where(table.c.feed == feed)
        .order_by(table.c.exported_at_us.desc(), table.c.id.desc())
        .limit(1)
    ).scalar_one_or_none()


def note_import(
    connection: Connection, feed: str, *, exported_at: datetime, digest: str, by: str, at: datetime
) -> None:
    """Note an import, so that neither this export nor an older one is imported again.

    Raises:
        RegisterError: a newer one came while this one was compared; the caller must undo what it
            has made of it.
    """
    newest = newest_export(connection, feed)
    if newest is not None and exported_at <= newest:
        raise RegisterError(
            f"import: this export is of {exported_at}, and one of {newest} was imported meanwhile;"
            " only a newer one can be"
        )
    connection.execute(
        insert(feed_import).values(
            feed=feed,
            exported_at_us=to_microseconds(exported_at),
            digest=digest,
            at_us=to_microseconds(at),
            by=by,
        )
    )


def changes_to_text(changes: tuple[RowChange, ...]) -> str:
    """Write changes down, for a proposal."""
    return json.dumps([[change.kind.value, change.before, change.after] for change in changes])


def changes_from_text(text: str) -> tuple[RowChange, ...]:
    """Read changes that were written down.

    Raises:
        RegisterError: they cannot be read.
    """
    try:
        return tuple(
            RowChange(kind=ChangeKind(kind), before=before, after=after)
            for kind, before, after in json.loads(text)
        )
    except (ValueError, TypeError) as error:
        raise RegisterError("read proposal: its rows cannot be read") from error


def _rows_of_feed(feed: str) -> Select[Any]:
    # Ids of a feed begin with its name and a slash; `0` is the character after the slash.
    column = vetting_grant.c.id
    return select(vetting_grant).where(column >= f"{feed}/", column < f"{feed}0")


def _people_changed_by_others(connection: Connection, feed: str) -> set[tuple[str, str]]:
    table = register_change
    rows = connection.execute(
        select(table.c.organisation, table.c.employee_number)
        .where(~table.c.by.startswith(_by(feed), autoescape=True))
        .distinct()
    )
    return {(row[0], row[1]) for row in rows}


def _touched(
    connection: Connection, change: RowChange, feed: str, by_officers: set[tuple[str, str]]
) -> bool:
    """Tell whether somebody else than the feed was the last to change the grant."""
    row = change.before
    if row is None or (row["organisation"], row["employee_number"]) not in by_officers:
        return False
    table = register_change
    lines = connection.execute(
        select(table.c.by, table.c.after)
        .where(
            table.c.organisation == row["organisation"],
            table.c.employee_number == row["employee_number"],
            table.c.kind.in_([ChangeKind.GRANT_ADDED, ChangeKind.GRANT_CHANGED]),
        )
        .order_by(table.c.sequence.desc())
    )
    for by, after in lines:
        if json.loads(after or "{}").get("id") == row["id"]:
            return not str(by).startswith(_by(feed))
    return True  # no history at all: not by the feed


def _by(feed: str) -> str:
    return f"feed {feed},"


def _loosens(change: RowChange, order: LevelOrder) -> bool:
    after = _grant(change.after, order)
    if after is None or not STANDING_OF[after.status].counts:
        return False
    before = _grant(change.before, order)
    if before is None or not STANDING_OF[before.status].counts:
        return True
    same = ("organisation", "employee_number", "granting_body", "sponsor")
    rows = change.before or {}, change.after or {}
    return not (
        all(rows[0][name] == rows[1][name] for name in same)
        and order.dominates(before.level, after.level)
        and after.granted_on >= before.granted_on
        and _ends_no_later(after.ends_on, before.ends_on)
        and (not before.functions or (after.functions and after.functions <= before.functions))
        and (not before.contract or after.contract == before.contract)
    )


def _ends_no_later(after: date | None, before: date | None) -> bool:
    return before is None or (after is not None and after <= before)


def _grant(row: AnyRow | None, order: LevelOrder) -> ClearanceGrant | None:
    try:
        return None if row is None else grant_from_row(row, order)
    except GrantError:
        return None


def _in_parts(keys: list[str], size: int = 5_000) -> list[list[str]]:
    return [keys[at : at + size] for at in range(0, len(keys), size)]
