"""Who is signed in, for programs that ask about them: read anew each time, never counted as use.

Of somebody with several sessions the newest counts that lives. Whoever may not use any, because
their directory has not vouched for them lately or their organisation is gone, is not signed in.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import select

from gateway.errors import IdentityError
from gateway.identity.sessions.session import to_session
from gateway.identity.sessions.session_ending import living
from gateway.store import schema
from gateway.store.engine import reading

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine

    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.session import Session
    from gateway.identity.sessions.session_cache import SessionCache


class SignedInStaff:
    """Reads who is signed in. Every method blocks, so it is for threads."""

    def __init__(self, engine: Engine, cache: SessionCache) -> None:
        """Read from the store, and from what this worker has not written there yet.

        Args:
            engine: the store.
            cache: the worker's sessions; says whose a session is, and when it was last used.
        """
        self._engine = engine
        self._cache = cache

    def find(self, staff_id: str, *, at: datetime) -> LiveSession | None:
        """Give the newest session of somebody, None where they are not signed in.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with reading(self._engine) as connection:
            found = self._read(connection, schema.session.c.staff_id == staff_id, at)
        return next(iter(found), None)

    def portion(
        self, organisations: Collection[str], after: str, *, most: int, at: datetime
    ) -> tuple[tuple[LiveSession, ...], str]:
        """Give the newest session of each of some people, in the order of their ids.

        Args:
            organisations: whose staff.
            after: the id that theirs come after; empty for the first.
            most: how many people are looked at.
            at: now.

        Returns:
            The sessions, and the id after which the next ones come; empty where nobody is left.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        table = schema.session
        ids = (
            select(table.c.staff_id)
            .distinct()
            .where(
                living(schema.microseconds(at)),
                table.c.organisation.in_(organisations),
                table.c.staff_id > after,
            )
            .order_by(table.c.staff_id)
            .limit(most + 1)
        )
        with reading(self._engine) as connection:
            people = [str(each) for each in connection.execute(ids).scalars()]
            left, people = len(people) > most, people[:most]
            found = self._read(connection, table.c.staff_id.in_(people), at)
        return found, people[-1] if left else ""

    def _read(
        self, connection: Connection, whose: ColumnElement[bool], at: datetime
    ) -> tuple[LiveSession, ...]:
        table, at_us = schema.session, schema.microseconds(at)
        statement = (
            select(table)
            .where(living(at_us), whose)
            .order_by(table.c.staff_id, table.c.started_at_us.desc(), table.c.hash)
        )
        rows = [to_session(row) for row in connection.execute(statement)]
        newest = (
            self._newest(connection, sessions, at, at_us)
            for _, sessions in groupby(rows, key=lambda each: each.staff_id)
        )
        return tuple(live for live in newest if live is not None)

    def _newest(
        self, connection: Connection, sessions: Iterable[Session], at: datetime, at_us: int
    ) -> LiveSession | None:
        for session in sessions:
            # One whose directory is away, or that belongs to nobody any more, is no session.
            with suppress(IdentityError):
                live = self._cache.describe(connection, session, at)
                if live is not None:
                    # As their next request would find it; noted only then.
                    rested_us = max(session.rested_us, at_us - live.seen_us)
                    live.session = replace(session, rested_us=rested_us)
                    return live
        return None
