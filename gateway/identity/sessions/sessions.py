"""Sessions: who is signed in, kept on the server and known to the browser by a random token alone.

1. The database holds only the SHA-256 of a token (`sessions.tokens`), so that a copy of the
   database lets nobody in.
2. A session lives until it is ended, has been idle too long, or has reached its absolute limit.
3. A sign-in always makes a new token; the session that the browser showed at sign-in is ended. Who
   has as many sessions as one person may have loses the oldest.
4. Ending goes through the bulletin, so it holds at the next request in every worker
   (`gateway.identity.sessions.session_ending`).

`gateway.identity.sessions.session_cache` keeps the live ones in a worker's memory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from gateway.bulletin import Bulletin, session_subject
from gateway.errors import IdentityError
from gateway.identity.sessions.session import Session, SessionLimits, session_row, to_session
from gateway.identity.sessions.session_ending import (
    Whose,
    end_session,
    end_sessions,
    living,
    owe_sign_outs,
    past_limits,
)
from gateway.identity.sessions.session_limits import SessionRules, limits_in_us
from gateway.identity.sessions.tokens import SessionTokens, token_hash
from gateway.store import schema
from gateway.store.engine import reading, writing
from policies.question import Subject

SECOND_FACTOR = "second-factor"
SOURCE_LENGTH = 64
AGENT_LENGTH = 120

KEEP_ENDED = timedelta(days=1)
"""How long the row of an ended session is kept, so that why it ended can still be told."""

TOUCHED_AT_ONCE = 2_000
"""Sessions whose use is noted in one transaction, some milliseconds: others wait to write."""

# Made once: making a statement costs more than it does.
_BY_HASH = select(schema.session).where(
    schema.session.c.hash == bindparam("hash"), schema.session.c.ended_at_us.is_(None)
)
_TOUCH = (
    update(schema.session)
    .where(
        schema.session.c.hash == bindparam("of"),
        schema.session.c.last_seen_at_us < bindparam("seen_us"),
    )
    .values(last_seen_at_us=bindparam("seen_us"))
)


class SessionOver(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """The session is not there any more, or was ended."""


class Sessions:
    """The sessions in the database. Every method blocks; safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        bulletin: Bulletin,
        rules: SessionRules | None = None,
        tokens: SessionTokens | None = None,
    ) -> None:
        """Keep sessions in this store.

        Args:
            engine: the store.
            bulletin: where endings are announced.
            rules: how long sessions last.
            tokens: makes tokens; needed by whoever opens or finds sessions.
        """
        self._engine = engine
        self._bulletin = bulletin
        self.rules = rules or SessionRules()
        self.tokens = tokens or SessionTokens()

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
        vouched_at: datetime | None = None,
        source: str = "",
        agent: str = "",
        subject: Subject | None = None,
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
            vouched_at: when the directory vouched for them; `at` if that was just now.
            source: the address they came from.
            agent: what their browser calls itself.
            subject: who they are, as their limits follow from it.
            limits: tighter ones, for a session that is nobody's everyday one.
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
        if replaces is not None and self.tokens.is_ours(replaces):
            self.end_within(connection, token_hash(replaces), at=at, reason="replaced")
        displaced = self._displace(connection, staff_id, at)
        if second_factor_at is None and SECOND_FACTOR in factors:
            second_factor_at = at
        shown_us = None if second_factor_at is None else schema.microseconds(second_factor_at)
        idle_us, absolute_us = limits_in_us(self.rules.limits_of(subject, at=at))
        if limits is not None:
            idle_us, absolute_us = map(min, limits_in_us(limits), (idle_us, absolute_us))
        at_us = schema.microseconds(at)
        token = self.tokens.new()
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
            idle_us=idle_us,
            ends_at_us=at_us + absolute_us,
            vouched_at_us=at_us if vouched_at is None else schema.microseconds(vouched_at),
            displaced=displaced,
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
        at_us = schema.microseconds(at)
        before = self.read_hash(connection, session_hash)
        if before is None or not before.lives_at(at_us):
            message = "sessions: it was over before it could be strengthened"
            raise SessionOver(message)
        token = self.tokens.new()
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
        """Find the living session of a token; what is no token of ours is not looked up at all.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        if not self.tokens.is_ours(token):
            return None
        with reading(self._engine) as connection:
            session = self.read(connection, token)
        return session if session and session.lives_at(schema.microseconds(at)) else None

    def read(self, connection: Connection, token: str) -> Session | None:
        """Read the session of a token unless it was ended; the caller sees to its limits."""
        return self.read_hash(connection, token_hash(token))

    def read_hash(self, connection: Connection, session_hash: str) -> Session | None:
        """Read a session by its hash unless it was ended; the caller sees to its limits."""
        row = connection.execute(_BY_HASH, {"hash": session_hash}).one_or_none()
        return None if row is None else to_session(row)

    def why_over(self, connection: Connection, token: str) -> str:
        """Give the code of why a session that cannot be read was ended; empty if it is unknown."""
        table = schema.session
        return str(
            connection.execute(
                select(table.c.end_reason).where(table.c.hash == token_hash(token))
            ).scalar_one_or_none()
            or ""
        )

    def ring(self) -> None:
        """Have every worker look at the bulletin, after a commit."""
        self._bulletin.ring()

    def end(self, session_hash: str, *, at: datetime, reason: str = "signed-out") -> bool:
        """End one session, in every worker at its next request.

        Returns:
            Whether it was there and had not been ended.

        Raises:
            StoreUnavailable: if the database does not answer; the session may live on then.
        """
        with writing(self._engine) as connection:
            ended = self.end_within(connection, session_hash, at=at, reason=reason)
        self._bulletin.ring()
        return ended

    def end_all(self, whose: Whose, *, at: datetime, reason: str, keep: str | None = None) -> int:
        """End every session of a person, an organisation, a directory, or of everyone.

        Args:
            whose: which ones.
            at: when.
            reason: why, a short code.
            keep: hash of the one session that is to live on.

        Returns:
            How many were ended.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        with writing(self._engine) as connection:
            ended = end_sessions(connection, self._bulletin, whose, at=at, reason=reason, keep=keep)
        self._bulletin.ring()
        return len(ended)

    def end_all_within(
        self, connection: Connection, whose: Whose, *, at: datetime, reason: str
    ) -> int:
        """End them inside the caller's transaction; it commits, and then calls `ring`."""
        return len(end_sessions(connection, self._bulletin, whose, at=at, reason=reason))

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
        told = [{"of": session_hash, "seen_us": seen_us} for session_hash, seen_us in seen.items()]
        for start in range(0, len(told), TOUCHED_AT_ONCE):
            with writing(self._engine) as connection:
                connection.execute(_TOUCH, told[start : start + TOUCHED_AT_ONCE])

    def note_pause(self, session_hash: str, pause_us: int, *, at: datetime) -> None:
        """Keep with a session that it was not used for so long, for every worker to know.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        table = schema.session
        with writing(self._engine) as connection:
            changed = connection.execute(
                update(table)
                .where(table.c.hash == session_hash, table.c.rested_us < pause_us)
                .values(rested_us=pause_us, last_seen_at_us=schema.microseconds(at))
            ).rowcount
            if changed:
                self._bulletin.announce(connection, session_subject(session_hash), at)
        self._bulletin.ring()

    def purge(self, *, at: datetime) -> int:
        """Remove sessions that have reached a limit, and ended ones after `KEEP_ENDED`.

        Returns:
            How many were removed.
        """
        table = schema.session
        over = past_limits(schema.microseconds(at))
        with writing(self._engine) as connection:
            owe_sign_outs(connection, over, at=at)
            result = connection.execute(
                delete(table).where(
                    over | (table.c.ended_at_us <= schema.microseconds(at - KEEP_ENDED))
                )
            )
        return result.rowcount

    def _displace(self, connection: Connection, staff_id: str, at: datetime) -> int:
        """End the oldest sessions of a person who has as many as one may have."""
        table = schema.session
        alive = living(schema.microseconds(at)) & (table.c.staff_id == staff_id)
        count = connection.execute(select(func.count()).where(alive)).scalar_one()
        surplus = count - self.rules.at_most + 1
        if surplus <= 0:
            return 0
        oldest = select(table.c.hash).where(alive).order_by(table.c.started_at_us, table.c.hash)
        for each in connection.execute(oldest.limit(surplus)).scalars().all():
            self.end_within(connection, each, at=at, reason="too-many-sessions")
        return surplus

    def end_within(
        self, connection: Connection, session_hash: str, *, at: datetime, reason: str
    ) -> bool:
        """End one session inside the caller's transaction; it commits, and then calls `ring`."""
        return end_session(connection, self._bulletin, session_hash, at=at, reason=reason)
