"""The living sessions with whose they are: for the person, officers and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from gateway.identity.sessions.session_ending import Whose, living
from gateway.store import schema

SHOWN_HASH = 12  # hexadecimal digits: enough to tell sessions apart, useless as a key to one


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSession:
    """One living session, as it is shown.

    Attributes:
        hash: of its token; opens nothing.
        person: `<organisation>/<employee number>`.
        staff_id: whose it is.
        name: of the person.
        username: as the directory spells it.
        organisation: whose staff they are.
        directory: which directory vouched for them.
        source: the address it was opened from.
        agent: what the browser called itself.
        factors: how they proved who they are.
        started_at: when it was opened.
        last_seen_at: when it was last used, up to a minute behind.
        ends_at: when it ends however much it is used.
    """

    hash: str
    person: str
    staff_id: str
    name: str
    username: str
    organisation: str
    directory: str
    source: str
    agent: str
    factors: frozenset[str]
    started_at: datetime
    last_seen_at: datetime
    ends_at: datetime

    @property
    def short(self) -> str:
        """The first digits of its hash, by which people name it."""
        return self.hash[:SHOWN_HASH]


def list_sessions(
    connection: Connection,
    whose: Whose,
    *,
    at: datetime,
    limit: int | None = None,
    also_organisation: str | None = None,
) -> tuple[ListedSession, ...]:
    """List living sessions, the newest first.

    Args:
        connection: to read with.
        whose: which ones.
        at: when.
        limit: the most that are given.
        also_organisation: only those of this organisation besides.
    """
    session, staff = schema.session, schema.staff
    statement = (
        select(session, staff.c.employee_number, staff.c.username, staff.c.name)
        .join(staff, staff.c.staff_id == session.c.staff_id)
        .where(living(schema.microseconds(at)), whose.condition(connection))
        .order_by(session.c.started_at_us.desc(), session.c.hash)
    )
    if also_organisation is not None:
        statement = statement.where(session.c.organisation == also_organisation)
    if limit is not None:
        statement = statement.limit(limit)
    return tuple(
        ListedSession(
            hash=row["hash"],
            person=f"{row['organisation']}/{row['employee_number']}",
            staff_id=row["staff_id"],
            name=row["name"],
            username=row["username"],
            organisation=row["organisation"],
            directory=row["directory"],
            source=row["source"],
            agent=row["agent"],
            factors=frozenset(row["factors"].split(",")),
            started_at=schema.instant(row["started_at_us"]),
            last_seen_at=schema.instant(row["last_seen_at_us"]),
            ends_at=schema.instant(row["ends_at_us"]),
        )
        for row in connection.execute(statement).mappings()
    )


def count_sessions(connection: Connection, whose: Whose, *, at: datetime) -> int:
    """Count living sessions."""
    statement = select(func.count()).where(
        living(schema.microseconds(at)), whose.condition(connection)
    )
    return int(connection.execute(statement).scalar_one())
