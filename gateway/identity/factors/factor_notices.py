"""Notices of what happened to somebody's second factors: for themselves and their officers.

Whoever enrols a factor in another's name is seen by the person and by the security officers of
their organisation: at the top of their portal until they say that they have seen it, then on their
pages. So is who opens the envelope of a break-glass account, by the host's officers. A notice is
kept for thirty days; the record keeps it for good.

Notices are numbered; whoever has seen one has seen those before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection, Engine, delete, func, insert, literal, select, update

from gateway.store.engine import reading, writing
from gateway.store.schema import instant, metadata, microseconds
from gateway.store.schema_second_factor import factor_notice, notice_seen

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
    BREAK_GLASS = "break-glass-used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice.

    Attributes:
        number: its own, greater than those of earlier ones.
        at: when it happened.
        code: what.
        detail: the name of the factor, or who did it; may be empty.
        staff_id: to whom.
        name: their name.
        person: the same as the register names them.
    """

    number: int
    at: datetime
    code: NoticeCode
    detail: str
    staff_id: str
    name: str
    person: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What somebody has not said yet that they have seen.

    Attributes:
        own: about themselves, the newest first.
        others: about others of their organisation, for its officers.
    """

    own: tuple[Notice, ...] = ()
    others: tuple[Notice, ...] = ()

    @property
    def up_to(self) -> int:
        """Give the number of the newest; 0 where there is none."""
        return max((each.number for each in (*self.own, *self.others)), default=0)


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
    unseen_by: str | None = None,
) -> tuple[Notice, ...]:
    """List the notices of a person, or of an organisation for its officers, the newest first.

    Args:
        engine: the store.
        at: now.
        staff_id: about whom.
        organisation: about whose staff.
        within: how old they may be.
        unseen_by: only those that this member of staff has not seen.
    """
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
    if unseen_by is not None:
        seen = select(notice_seen.c.number).where(notice_seen.c.staff_id == unseen_by)
        statement = statement.where(
            table.c.number > func.coalesce(seen.scalar_subquery(), literal(0))
        )
    with reading(engine) as connection:
        rows = connection.execute(statement).mappings().all()
    return tuple(
        Notice(
            number=row["number"],
            at=instant(row["at_us"]),
            code=NoticeCode(row["code"]),
            detail=row["detail"],
            staff_id=row["staff_id"],
            name=row["name"],
            person=f"{row[staff.c.organisation]}/{row['employee_number']}",
        )
        for row in rows
    )


def unseen(engine: Engine, *, at: datetime, staff_id: str, officer_of: str | None) -> Unseen:
    """List what somebody has not seen yet.

    Args:
        engine: the store.
        at: now.
        staff_id: who looks.
        officer_of: the organisation for whose staff they answer; None for nobody but themselves.
    """
    own = notices(engine, at=at, staff_id=staff_id, unseen_by=staff_id)
    if officer_of is None:
        return Unseen(own=own)
    found = notices(engine, at=at, organisation=officer_of, unseen_by=staff_id)
    return Unseen(own=own, others=tuple(each for each in found if each.staff_id != staff_id))


def mark_seen(engine: Engine, staff_id: str, number: int) -> None:
    """Note that somebody has seen the notices up to one that was given; others are not hidden."""
    seen = notice_seen
    with writing(engine) as connection:
        newest = connection.execute(select(func.max(factor_notice.c.number))).scalar() or 0
        number = min(number, newest)
        held = connection.execute(
            select(seen.c.number).where(seen.c.staff_id == staff_id)
        ).scalar_one_or_none()
        if held is None:
            connection.execute(insert(seen).values(staff_id=staff_id, number=number))
        elif held < number:
            connection.execute(
                update(seen).where(seen.c.staff_id == staff_id).values(number=number)
            )


def purge_notices(connection: Connection, at: datetime) -> None:
    """Remove what is older than it is kept."""
    oldest = microseconds(at - KEPT)
    connection.execute(delete(factor_notice).where(factor_notice.c.at_us < oldest))
