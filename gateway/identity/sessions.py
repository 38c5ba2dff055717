"""Sessions: who is signed in, kept on the server and known to the browser by a random token alone.

1. A token is 32 random bytes in base64url. The database holds only its SHA-256, so that a copy of
   the database lets nobody in.
2. A session lives until it is ended, has been idle too long, or has reached its absolute limit.
3. A sign-in always makes a new token; the session that the browser showed at sign-in is ended.
4. Ending goes through the bulletin, so it holds at the next request in every worker.

`gateway.identity.session_cache` keeps the live ones in a worker's memory.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from gateway.bulletin import (
    ALL_SESSIONS,
    Bulletin,
    organisation_subject,
    person_subject,
    session_subject,
)
from gateway.identity.staff import staff_by_person
from gateway.store import schema
from gateway.store.engine import reading, writing

TOKEN_BYTES = 32
# 43 characters; the last carries four bits, so only 16 letters can end a token that we made.
TOKEN = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")

KEEP_ENDED = timedelta(days=1)
"""How long the row of an ended session is kept, so that why it ended can still be told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """How long a session may be idle, and how long it may last at all."""

    idle: timedelta = timedelta(minutes=30)
    absolute: timedelta = timedelta(hours=10)

    def __post_init__(self) -> None:
        """Refuse limits that would never, or always, end a session."""
        if not timedelta(0) < self.idle <= self.absolute:
            message = "sessions: the idle limit must be above zero and within the absolute one"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as the database has it.

    Attributes:
        hash: SHA-256 of the token, 64 hexadecimal digits.
        staff_id: whose it is.
        organisation: of which organisation they are.
        factors: how they proved who they are, such as `password`.
        started_at_us: when it was opened, microseconds since 1970 UTC.
        last_seen_at_us: when it was last used, up to a minute behind.
        idle_us: how long it may be idle.
        ends_at_us: when it ends however much it is used.
    """

    hash: str
    staff_id: str
    organisation: str
    factors: frozenset[str]
    started_at_us: int
    last_seen_at_us: int
    idle_us: int
    ends_at_us: int

    def lives_at(self, at_us: int) -> bool:
        """Tell whether neither limit has been reached."""
        return at_us < self.ends_at_us and at_us - self.last_seen_at_us < self.idle_us


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token, without looking it up."""
    return TOKEN.fullmatch(text) is not None


def token_hash(token: str) -> str:
    """Give the hash under which the session of a token is kept."""
    return hashlib.sha256(token.encode("ascii", "replace")).hexdigest()


class Sessions:
    """The sessions in the database. Every method blocks; safe to use from several threads."""

    def __init__(self, engine: Engine, bulletin: Bulletin, limits: SessionLimits) -> None:
        """Keep sessions in this store, within these limits."""
        self._engine = engine
        self._bulletin = bulletin
        self.limits = limits

    def open(
        self,
        connection: Connection,
        *,
        staff_id: str,
        organisation: str,
        factors: frozenset[str],
        at: datetime,
        replaces: str | None = None,
    ) -> tuple[str, Session]:
        """Open a session inside the caller's transaction, ending the one it replaces.

        The caller commits and then rings the bulletin; only then may the token leave the process.

        Args:
            connection: a writing connection.
            staff_id: who signed in; remembered in the same transaction or before.
            organisation: whose staff they are.
            factors: how they proved it; never empty.
            at: when.
            replaces: the token that the browser showed at sign-in, if any.

        Returns:
            The token, which is kept nowhere, and the session.
        """
        if not factors:
            message = "sessions: nobody is signed in without having proved anything"
            raise ValueError(message)
        if replaces is not None and is_token(replaces):
            self._end(connection, token_hash(replaces), at=at, reason="replaced")
        token = base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()
        at_us = schema.microseconds(at)
        session = Session(
            hash=token_hash(token),
            staff_id=staff_id,
            organisation=organisation,
            factors=factors,
            started_at_us=at_us,
            last_seen_at_us=at_us,
            idle_us=self.limits.idle // schema.MICROSECOND,
            ends_at_us=at_us + self.limits.absolute // schema.MICROSECOND,
        )
        connection.execute(
            insert(schema.session).values(
                hash=session.hash,
                staff_id=staff_id,
                organisation=organisation,
                factors=",".join(sorted(factors)),
                started_at_us=at_us,
                last_seen_at_us=at_us,
                idle_us=session.idle_us,
                ends_at_us=session.ends_at_us,
            )
        )
        return token, session

    def find(self, token: str, *, at: datetime) -> Session | None:
        """Find the living session of a token; a token of wrong form is not looked up at all.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        if not is_token(token):
            return None
        with reading(self._engine) as connection:
            session = self.read(connection, token)
        return session if session and session.lives_at(schema.microseconds(at)) else None

    def read(self, connection: Connection, token: str) -> Session | None:
        """Read the session of a token unless it was ended; the caller sees to its limits."""
        table = schema.session
        row = connection.execute(
            select(table).where(table.c.hash == token_hash(token), table.c.ended_at_us.is_(None))
        ).one_or_none()
        if row is None:
            return None
        return Session(
            hash=row.hash,
            staff_id=row.staff_id,
            organisation=row.organisation,
            factors=frozenset(row.factors.split(",")),
            started_at_us=row.started_at_us,
            last_seen_at_us=row.last_seen_at_us,
            idle_us=row.idle_us,
            ends_at_us=row.ends_at_us,
        )

    def end(self, session_hash: str, *, at: datetime, reason: str = "signed-out") -> bool:
        """End one session, in every worker at its next request.

        Returns:
            Whether it was there and had not been ended.

        Raises:
            StoreUnavailable: if the database does not answer; the session may live on then.
        """
        with writing(self._engine) as connection:
            ended = self._end(connection, session_hash, at=at, reason=reason)
        self._bulletin.ring()
        return ended

    def end_all(
        self,
        *,
        at: datetime,
        reason: str,
        person: str | None = None,
        organisation: str | None = None,
        everyone: bool = False,
    ) -> int:
        """End every session of a person, of an organisation, or of everyone.

        Args:
            at: when.
            reason: why, a short code.
            person: `<organisation>/<employee number>`.
            organisation: the organisation's id.
            everyone: must be said, so that leaving an argument out does not sign out the whole
                service.

        Returns:
            How many were ended.

        Raises:
            ValueError: unless exactly one of the three is given.
            StoreUnavailable: if the database does not answer.
        """
        if (person is not None) + (organisation is not None) + everyone != 1:
            message = "sessions: say whose sessions are to end"
            raise ValueError(message)
        table = schema.session
        with writing(self._engine) as connection:
            statement = update(table).where(table.c.ended_at_us.is_(None))
            if person is not None:
                staff = staff_by_person(connection, person)
                statement = statement.where(table.c.staff_id == (staff.staff_id if staff else ""))
                subject = person_subject(person)
            elif organisation is not None:
                statement = statement.where(table.c.organisation == organisation)
                subject = organisation_subject(organisation)
            else:
                subject = ALL_SESSIONS
            result = connection.execute(
                statement.values(ended_at_us=schema.microseconds(at), end_reason=reason)
            )
            _empty_jars(connection)
            self._bulletin.announce(connection, subject, at)
        self._bulletin.ring()
        return result.rowcount

    def touch(self, seen: Mapping[str, int]) -> None:
        """Note when sessions were last used.

        Args:
            seen: hash to microseconds since 1970 UTC. An older time than the one noted changes
                nothing.

        Raises:
            StoreUnavailable: if the database does not answer; the caller keeps them for the next
            time.
        """
        if not seen:
            return
        table = schema.session
        with writing(self._engine) as connection:
            for session_hash, seen_us in seen.items():
                connection.execute(
                    update(table)
                    .where(table.c.hash == session_hash, table.c.last_seen_at_us < seen_us)
                    .values(last_seen_at_us=seen_us)
                )

    def purge(self, *, at: datetime) -> int:
        """Remove sessions that have reached a limit, and ended ones after `KEEP_ENDED`.

        Returns:
            How many were removed.
        """
        table = schema.session
        at_us = schema.microseconds(at)
        with writing(self._engine) as connection:
            result = connection.execute(
                delete(table).where(
                    or_(
                        table.c.ends_at_us <= at_us,
                        # Workers note use up to a minute late, so idle ones are given two.
                        table.c.last_seen_at_us + table.c.idle_us + 120_000_000 <= at_us,
                        table.c.ended_at_us <= schema.microseconds(at - KEEP_ENDED),
                    )
                )
            )
        return result.rowcount

    def _end(self, connection: Connection, session_hash: str, *, at: datetime, reason: str) -> bool:
        table = schema.session
        result = connection.execute(
            update(table)
            .where(table.c.hash == session_hash, table.c.ended_at_us.is_(None))
            .values(ended_at_us=schema.microseconds(at), end_reason=reason)
        )
        if result.rowcount:
            _empty_jars(connection)
            self._bulletin.announce(connection, session_subject(session_hash), at)
        return bool(result.rowcount)


def _empty_jars(connection: Connection) -> None:
    """Drop what the back office keeps with sessions that have ended: it still lets somebody in."""
    session, jar = schema.session, schema.upstream_cookie
    ended = select(session.c.hash).where(session.c.ended_at_us.is_not(None))
    connection.execute(delete(jar).where(jar.c.session_hash.in_(ended)))
