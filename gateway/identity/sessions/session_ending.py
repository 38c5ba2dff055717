"""Ending sessions: which ones, what is announced, and what the back office is owed.

Whatever ends a session (its owner, an officer, a directory, a limit), the jars of the back office's
cookies go from the session to the list of sign-outs owed (`gateway.backoffice.sign_out`), in the
same transaction: the back office still lets somebody in with them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    insert,
    literal,
    or_,
    select,
    update,
)

from gateway.bulletin import (
    ALL_SESSIONS,
    Bulletin,
    directory_subject,
    organisation_subject,
    person_subject,
    session_subject,
)
from gateway.identity.staff import staff_by_person
from gateway.store import schema
from gateway.store.schema_second_factor import sign_in_stage

LATE_US = 120_000_000
"""Workers note use up to a minute late, so a session that looks idle is given two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Whose sessions are meant: exactly one of these is given.

    Attributes:
        person: `<organisation>/<employee number>`.
        staff_id: a member of staff as a directory knows them.
        organisation: everybody of this organisation.
        directory: everybody for whom this directory has vouched.
        provider_session: one session of a provider, as directory and `sid`.
        everyone: must be said, so that leaving an argument out does not sign out the whole service.
    """

    person: str | None = None
    staff_id: str | None = None
    organisation: str | None = None
    directory: str | None = None
    provider_session: tuple[str, str] | None = None
    everyone: bool = False

    def __post_init__(self) -> None:
        """Refuse what could mean more, or other people, than was intended."""
        named = (self.person, self.staff_id, self.organisation, self.directory)
        given = sum(each is not None for each in (*named, self.provider_session)) + self.everyone
        empty = any(each == "" for each in (*named, *(self.provider_session or ())))
        if given != 1 or empty:
            message = "sessions: say whose sessions are to end"
            raise ValueError(message)

    def condition(self, connection: Connection) -> ColumnElement[bool]:
        """Give the condition that their sessions meet."""
        table = schema.session
        if self.person is not None:
            staff = staff_by_person(connection, self.person)
            return table.c.staff_id == (staff.staff_id if staff else "")
        if self.staff_id is not None:
            return table.c.staff_id == self.staff_id
        if self.organisation is not None:
            return table.c.organisation == self.organisation
        if self.directory is not None:
            return table.c.directory == self.directory
        if self.provider_session is not None:
            directory, sid = self.provider_session
            return (table.c.directory == directory) & (table.c.provider_session == sid)
        return literal(value=True)

    def begun(self, connection: Connection) -> ColumnElement[bool]:
        """Give the condition that their unfinished sign-ins meet."""
        table = sign_in_stage
        if self.person is not None:
            staff = staff_by_person(connection, self.person)
            return table.c.staff_id == (staff.staff_id if staff else "")
        if self.staff_id is not None:
            return table.c.staff_id == self.staff_id
        if self.organisation is not None:
            return table.c.staff_id.startswith(f"{self.organisation}/", autoescape=True)
        if self.directory is not None:
            return table.c.directory == self.directory
        if self.provider_session is not None:
            directory, sid = self.provider_session
            return (table.c.directory == directory) & (
                table.c.provider_session == provider_session_hash(sid)
            )
        return literal(value=True)

    @property
    def subject(self) -> str | None:
        """Give the one subject that names them all; None where each session is named."""
        if self.person is not None:
            return person_subject(self.person)
        if self.organisation is not None:
            return organisation_subject(self.organisation)
        if self.directory is not None:
            return directory_subject(self.directory)
        return ALL_SESSIONS if self.everyone else None


def provider_session_hash(session: str) -> str:
    """Give under what a sign-in keeps the session of its provider (`sid`); empty without one."""
    return hashlib.sha256(session.encode()).hexdigest() if session else ""


def end_sessions(
    connection: Connection,
    bulletin: Bulletin,
    whose: Whose,
    *,
    at: datetime,
    reason: str,
    keep: str | None = None,
) -> tuple[str, ...]:
    """End sessions, and sign-ins that are not finished, and announce it; the caller commits, rings.

    Args:
        connection: a writing connection.
        bulletin: where it is announced.
        whose: which ones.
        at: when.
        reason: why, a short code.
        keep: hash of the one session that is to live on.

    Returns:
        The hashes of those that were ended.
    """
    table = schema.session
    meant = whose.condition(connection) & table.c.ended_at_us.is_(None)
    if keep is not None:
        meant &= table.c.hash != keep
    ended = tuple(connection.execute(select(table.c.hash).where(meant)).scalars())
    connection.execute(
        update(table).where(meant).values(ended_at_us=schema.microseconds(at), end_reason=reason)
    )
    # What waits for a second factor would be a session in a moment.
    connection.execute(delete(sign_in_stage).where(whose.begun(connection)))
    if ended:
        owe_sign_outs(connection, table.c.ended_at_us.is_not(None), at=at)
    subject = whose.subject
    if subject is not None and keep is None:
        bulletin.announce(connection, subject, at)
    else:
        for each in ended:
            bulletin.announce(connection, session_subject(each), at)
    return ended


def end_session(
    connection: Connection, bulletin: Bulletin, session_hash: str, *, at: datetime, reason: str
) -> bool:
    """End one session and announce it; the caller commits and rings.

    Returns:
        Whether it was there and had not been ended.
    """
    table = schema.session
    result = connection.execute(
        update(table)
        .where(table.c.hash == session_hash, table.c.ended_at_us.is_(None))
        .values(ended_at_us=schema.microseconds(at), end_reason=reason)
    )
    if result.rowcount:
        owe_sign_outs(connection, table.c.hash == session_hash, at=at)
        bulletin.announce(connection, session_subject(session_hash), at)
    return bool(result.rowcount)


def living(at_us: int) -> ColumnElement[bool]:
    """Give the condition that living sessions meet."""
    table = schema.session
    return (
        table.c.ended_at_us.is_(None)
        & (table.c.ends_at_us > at_us)
        & (table.c.last_seen_at_us + table.c.idle_us > at_us)
    )


def past_limits(at_us: int) -> ColumnElement[bool]:
    """Give the condition that sessions meet that have reached a limit for certain."""
    table = schema.session
    return or_(
        table.c.ends_at_us <= at_us,
        table.c.last_seen_at_us + table.c.idle_us + LATE_US <= at_us,
    )


def owe_sign_outs(connection: Connection, which: ColumnElement[bool], *, at: datetime) -> None:
    """Turn the jars of sessions into sign-outs owed to the back office."""
    session, jar, owed = schema.session, schema.upstream_cookie, schema.upstream_sign_out
    kept: Select[tuple[object, ...]] = (
        select(
            session.c.hash,
            session.c.staff_id,
            session.c.organisation,
            jar.c.system,
            jar.c.jar,
            literal(schema.microseconds(at)),
        )
        .join(jar, jar.c.session_hash == session.c.hash)
        .where(which)
    )
    columns = ("session_hash", "staff_id", "organisation", "system", "jar", "at_us")
    connection.execute(insert(owed).from_select(columns, kept))
    hashes = select(session.c.hash).where(which)
    connection.execute(delete(jar).where(jar.c.session_hash.in_(hashes)))
