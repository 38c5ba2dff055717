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
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, delete, insert, or_, select, update

from gateway.bulletin import (
    ALL_SESSIONS,
    Bulletin,
    organisation_subject,
    person_subject,
    session_subject,
)
from gateway.errors import IdentityError
from gateway.identity.session import Session, SessionLimits, session_row, to_session
from gateway.identity.staff import staff_by_person
from gateway.store import schema
from gateway.store.engine import reading, writing

TOKEN_BYTES = 32
# 43 characters; the last carries four bits, so only 16 letters can end a token that we made.
TOKEN = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")

SECOND_FACTOR = "second-factor"
SOURCE_LENGTH = 64
AGENT_LENGTH = 120

KEEP_ENDED = timedelta(days=1)
"""How long the row of an ended session is kept, so that why it ended can still be told."""


class SessionOver(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """The session is not there any more, or was ended."""


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
        directory: str,
        factors: frozenset[str],
        at: datetime,
        provider_session: str = "",
        second_factor_at: datetime | None = None,
        source: str = "",
        agent: str = "",
        limits: SessionLimits | None = None,
        replaces: str | None = None,
    ) -> tuple[str, Session]:
        """Open a session inside the caller's transaction, ending the one it replaces.

        The caller commits and then rings the bulletin; only then may the token leave the process.

        Args:
            connection: a writing connection.
            staff_id: who signed in; remembered in the same transaction or before.
            organisation: whose staff they are.
            directory: the id of the directory that vouched for them.
            factors: how they proved it; never empty.
            at: when.
            provider_session: what the provider calls its own session (`sid`), if there is one.
            second_factor_at: when a second factor was shown; `at` if it is among the factors.
            source: the address they came from.
            agent: what their browser calls itself.
            limits: of this person; those of everybody if not given.
            replaces: the token that the browser showed at sign-in, if any.

        Returns:
            The token, which is kept nowhere, and the session.
        """
        if not factors:
            message = "sessions: nobody is signed in without having proved anything"
            raise ValueError(message)
        if not directory:
            message = "sessions: nobody is signed in without a directory that vouched for them"
            raise ValueError(message)
        if replaces is not None and is_token(replaces):
            self._end(connection, token_hash(replaces), at=at, reason="replaced")
        if second_factor_at is None and SECOND_FACTOR in factors:
            second_factor_at = at
        shown_us = None if second_factor_at is None else schema.microseconds(second_factor_at)
        limits = limits or self.limits
        at_us = schema.microseconds(at)
        token = new_token()
        session = Session(
            hash=token_hash(token),
            staff_id=staff_id,
            organisation=organisation,
            directory=directory,
            provider_session=provider_session,
            factors=factors,
            second_factor_at_us=shown_us,
            source=source[:SOURCE_LENGTH],
            agent=agent[:AGENT_LENGTH],
            started_at_us=at_us,
            last_seen_at_us=at_us,
            idle_us=limits.idle // schema.MICROSECOND,
            ends_at_us=at_us + limits.absolute // schema.MICROSECOND,
            vouched_at_us=at_us,
        )
        connection.execute(insert(schema.session).values(session_row(session)))
        return token, session

    def strengthen(
        self, connection: Connection, session_hash: str, *, factors: frozenset[str], at: datetime
    ) -> tuple[str, Session]:
        """Add factors to a session and give it a new token, inside the caller's transaction.

        Whoever knew the old token, such as by having planted it, does not know the new one. What
        refers to the session's hash in the database (its jars, its forms) follows by itself. The
        caller commits and then rings the bulletin.

        Args:
            connection: a writing connection.
            session_hash: of the session.
            factors: what the person has proved just now, such as `second-factor`.
            at: when.

        Returns:
            The new token, and the session as it is now.

        Raises:
            SessionOver: it was ended, or has reached a limit.
        """
        table = schema.session
        row = connection.execute(
            select(table).where(table.c.hash == session_hash, table.c.ended_at_us.is_(None))
        ).one_or_none()
        at_us = schema.microseconds(at)
        before = None if row is None else to_session(row)
        if before is None or not before.lives_at(at_us):
            message = "sessions: it was over before it could be strengthened"
            raise SessionOver(message)
        token = new_token()
        after = replace(
            before,
            hash=token_hash(token),
            factors=before.factors | factors,
            second_factor_at_us=at_us if SECOND_FACTOR in factors else before.second_factor_at_us,
            last_seen_at_us=max(at_us, before.last_seen_at_us),
            rested_us=0,
        )
        connection.execute(
            update(table).where(table.c.hash == session_hash).values(session_row(after))
        )
        self._bulletin.announce(connection, session_subject(session_hash), at)
        return token, after

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
        return None if row is None else to_session(row)

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


def new_token() -> str:
    """Make a token; it is kept nowhere."""
    return base64.urlsafe_b64encode(secrets.token_bytes(TOKEN_BYTES)).rstrip(b"=").decode()


def _empty_jars(connection: Connection) -> None:
    """Drop what the back office keeps with sessions that have ended: it still lets somebody in."""
    session, jar = schema.session, schema.upstream_cookie
    ended = select(session.c.hash).where(session.c.ended_at_us.is_not(None))
    connection.execute(delete(jar).where(jar.c.session_hash.in_(ended)))
