"""Notices of what happened to somebody's second factors: for themselves and their officers.

Whoever enrols a factor in another's name is seen by the person and by the security officers of
their organisation, on their pages. A notice is kept for thirty days; the record keeps it for good.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine, delete, insert, select

from gateway.store.engine import reading
from gateway.store.schema import instant, metadata, microseconds
from gateway.store.schema_second_factor import factor_notice

KEPT: Final = timedelta(days=30)
_MOST: Final = 100
_DETAIL_CHARACTERS: Final = 300


class NoticeCode(StrEnum):
    """What happened."""

    ADDED = "factor-added"
    REMOVED = "factor-removed"
    NEW_CODES = "recovery-codes-made"
    CODE_USED = "recovery-code-used"
    CODES_REFUSED = "codes-refused"
    KEY_COPIED = "key-copied"
    RESET_PROPOSED = "reset-proposed"
    RESET_DROPPED = "reset-dropped"
    RESET = "factors-reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice.

    Attributes:
        at: when it happened.
        code: what.
        detail: the name of the factor, or who did it; may be empty.
        staff_id: to whom.
        name: their name.
        person: the same as the register names them.
    """

    at: datetime
    code: NoticeCode
    detail: str
    staff_id: str
    name: str
    person: str


def give_notice(
    connection: Connection,
    staff_id: str,
    code: NoticeCode,
    at: datetime,
    *,
    detail: str = "",
) -> None:
    """Leave a notice, inside the transaction of what it is about."""
    connection.execute(
        insert(factor_notice).values(
            staff_id=staff_id,
            organisation=staff_id.partition("/")[0],
            at_us=microseconds(at),
            code=code,
            detail=detail[:_DETAIL_CHARACTERS],
        )
    )


def notices(
    engine: Engine,
    *,
    at: datetime,
    staff_id: str | None = None,
    organisation: str | None = None,
    within: timedelta = KEPT,
) -> tuple[Notice, ...]:
    """List the notices of a person, or of an organisation for its officers, the newest first."""
    table, staff = factor_notice, metadata.tables["staff"]
    statement = (
        select(table, staff.c.name, staff.c.organisation, staff.c.employee_number)
        .join(staff, staff.c.staff_id == table.c.staff_id)
        .where(table.c.at_us > microseconds(at - within))
        .order_by(table.c.number.desc())
        .limit(_MOST)
    )
    if staff_id is not None:
        statement = statement.where(table.c.staff_id == staff_id)
    if organisation is not None:
        statement = statement.where(table.c.organisation == organisation)
    with reading(engine) as connection:
        rows = connection.execute(statement).mappings().all()
    return tuple(
        Notice(
            at=instant(row["at_us"]),
            code=NoticeCode(row["code"]),
            detail=row["detail"],
            staff_id=row["staff_id"],
            name=row["name"],
            person=f"{row[staff.c.organisation]}/{row['employee_number']}",
        )
        for row in rows
    )


def purge_notices(connection: Connection, at: datetime) -> None:
    """Remove what is older than it is kept."""
    oldest = microseconds(at - KEPT)
    connection.execute(delete(factor_notice).where(factor_notice.c.at_us < oldest))
