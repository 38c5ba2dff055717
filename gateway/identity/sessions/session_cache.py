"""The live sessions in one worker's memory, so that a request costs no look at the database.

1. `get` is for the event loop: one look into a dictionary and two comparisons.
2. On `MISS` the caller has a thread call `load`, which reads session, staff and register in one
   state of the database.
3. The bulletin drops what has changed (`apply`); a load that overlapped a change is done again and,
   failing that, used once and not kept.
4. What is kept is read anew after `SUBJECT_SECONDS`, and at once when a date in it takes effect.
   What nobody has used by then leaves the memory, which so holds those in use, however many live.
5. A token that belongs to nobody is remembered for some seconds, so that whoever goes on sending it
   costs no look at the database either (`gateway.identity.sessions.ended_tokens`).
6. Where a directory is asked again whether its people are still there (`sessions.recheck`),
   a session lives on for a while without an answer, and is then refused until there is one.

When a session was last used is noted in memory and written by `flush` about once a minute. A pause
that matters to some function (`gateway.identity.sessions.presence`) is written at once.
"""

from __future__ import annotations

import enum
import threading
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final, Literal
from weakref import WeakValueDictionary

from sqlalchemy import Connection, Engine

from gateway.errors import IdentityError, NotEmployed
from gateway.identity.sessions.changed_sessions import ChangedSessions
from gateway.identity.sessions.ended_tokens import EndedTokens
from gateway.identity.sessions.live_session import DirectoryAway, LiveSession, SubjectReader
from gateway.identity.sessions.presence import Presence
from gateway.identity.sessions.session import Session
from gateway.identity.sessions.session_limits import Vouching, limits_in_us
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import token_hash
from gateway.identity.staff import staff_by_id
from gateway.pace import PersonPaces
from gateway.store import schema
from gateway.store.engine import reading

CAPACITY = 120_000
"""The most sessions in memory, each some two kilobytes: those in use within five minutes."""

SUBJECT_SECONDS = 300
"""The longest that attributes are used unread, should a change ever go unannounced."""

TOUCH_SECONDS = 60
"""How far the noted time of use may lag; small against the shortest idle limit, 5 minutes."""

LOAD_TRIES = 3


class Miss(enum.Enum):
    """The one value that says: not in memory, ask the database."""

    MISS = "miss"


MISS: Final = Miss.MISS


class SessionCache:
    """The live sessions of one worker. `get` is for the event loop, everything else for threads."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        subjects: SubjectReader,
        *,
        presence: Presence | None = None,
        vouching: Vouching | None = None,
        paces: PersonPaces | None = None,
        capacity: int = CAPACITY,
    ) -> None:
        """Start empty. Have a `BulletinReader` listen with `apply` before the first load.

        Args:
            engine: the store.
            sessions: reads them.
            subjects: reads the register.
            presence: which pauses matter.
            vouching: which directories must vouch again.
            paces: how fast each person's requests may come.
            capacity: the most in memory.
        """
        self._alert_us = (presence or Presence()).shortest_us
        self._vouching, self._paces = vouching or Vouching(), paces or PersonPaces()
        self._engine = engine
        self._sessions = sessions
        self._subjects = subjects
        self._capacity = capacity
        self._lock = (
            threading.Lock()
        )  # owns everything below; `get` only reads and pops, without it
        self._live: dict[str, LiveSession] = {}  # by token
        self._tokens: dict[str, str] = {}  # hash to token
        self._unwritten: dict[str, int] = {}  # hash to seen_us, of sessions no longer in memory
        # By hash: what was looked at again for something that runs, as long as that holds it.
        self._followed: WeakValueDictionary[str, LiveSession] = WeakValueDictionary()
        self._ended = EndedTokens()
        self._changes = 0  # how often something was dropped; a load compares before and after

    def __len__(self) -> int:
        """Count the sessions in memory."""
        return len(self._live)

    def get(self, token: str, at_us: int) -> LiveSession | Literal[Miss.MISS] | None:
        """Give the live session of a token, from memory alone.

        Args:
            token: what the cookie holds, untrusted.
            at_us: now, microseconds since 1970 UTC.

        Returns:
            The session; `MISS` if the database must be asked; None if no session can have this
            token.
        """
        live = self._live.get(token)
        if live is None:
            if not self._sessions.tokens.is_ours(token):
                return None
            return None if self._ended.holds(token, at_us) else MISS
        if live.take(at_us):
            return live
        # Another worker may have seen it since, or the register must be read anew: ask the
        # database.
        return MISS

    def load(self, token: str, *, at: datetime) -> LiveSession | None:
        """Read a session from the database and keep it (blocks). Counts as use.

        Returns:
            The session, or None if there is none, it was ended, or has reached a limit.

        Raises:
            StoreUnavailable: if the database does not answer; nothing may be permitted then.
            DirectoryAway: its directory has not vouched for the person for too long.
            IdentityError: if the session's member of staff is missing.
        """
        if not self._sessions.tokens.is_ours(token):
            return None
        live: LiveSession | None = None
        for _ in range(LOAD_TRIES):
            changes = self._changes
            live, why = self._read(token, at)
            with self._lock:
                if changes != self._changes:
                    continue  # something was dropped meanwhile: this may be what it was before
                if live is None:
                    self._drop(token_hash(token))
                    self._ended.add(token, why, schema.microseconds(at))
                else:
                    self._keep(token, live)
                return live
        if live is not None:
            live.dropped = True  # good for this once: nobody would hear of what changes
        return live

    def look_again(self, live: LiveSession, *, at: datetime) -> LiveSession | None:
        """Read the session of something that still runs (blocks). Does not count as use.

        It is told of changes like one in memory, as long as somebody holds it.

        Returns:
            The session as it is now, or None if it is over.

        Raises:
            StoreUnavailable: if the database does not answer.
            DirectoryAway: as `load`.
        """
        seen_us = max(live.seen_us, self._seen_us(live.session.hash))
        changes = self._changes
        with reading(self._engine) as connection:
            session = self._sessions.read_hash(connection, live.session.hash)
            if session is None:
                return None
            found = self._describe(connection, session, at, seen_us)
        if found is None:
            return None
        found.seen_us = max(seen_us, session.last_seen_at_us)
        with self._lock:
            found.dropped = changes != self._changes  # this may be what it was before
            self._followed[session.hash] = found
        return found

    def describe(
        self, connection: Connection, session: Session, at: datetime
    ) -> LiveSession | None:
        """Say whose a session is, for who does not use it (blocks); None if it reached a limit.

        Raises:
            DirectoryAway: as `load`.
            IdentityError: it belongs to nobody any more.
        """
        return self._describe(connection, session, at, self._seen_us(session.hash))

    def why_over(self, token: str) -> str:
        """Give why a session was ended, as far as it is remembered; for the event loop."""
        return self._ended.why(token)

    def apply(self, subjects: frozenset[str]) -> None:
        """Drop what the bulletin says has changed."""
        changed = ChangedSessions(subjects)
        if not changed:
            return
        with self._lock:
            self._changes += 1
            self._ended.forget()
            gone = changed.among(chain(self._live.values(), self._followed.values()))
            for session_hash in (*changed.hashes, *(live.session.hash for live in gone)):
                self._drop(session_hash)

    def flush(self, *, at: datetime, everything: bool = False) -> int:
        """Write when sessions were last used, at most once a minute for each (blocks).

        Args:
            at: now.
            everything: also what is younger than a minute; for a worker that stops.

        Returns:
            How many were written.

        Raises:
            StoreUnavailable: if the database does not answer; nothing is lost, call again.
        """
        late_us = schema.microseconds(at - timedelta(seconds=0 if everything else TOUCH_SECONDS))
        with self._lock:
            due = [
                (live, live.seen_us)
                for live in self._live.values()
                if live.seen_us > live.written_us and (everything or live.written_us <= late_us)
            ]
            departed, self._unwritten = self._unwritten, {}
        seen = {**departed, **{live.session.hash: seen_us for live, seen_us in due}}
        try:
            self._sessions.touch(seen)
        except BaseException:
            with self._lock:
                self._unwritten = {**departed, **self._unwritten}
            raise
        for live, seen_us in due:
            live.written_us = seen_us
        return len(seen)

    def tidy(self, *, at: datetime) -> frozenset[str]:
        """Drop what would have to be read anew at its next use, as all that is over must be.

        So the memory holds the sessions in use, however many live.

        Returns:
            The hashes of the sessions in memory: what else is kept for sessions may go.
        """
        at_us = schema.microseconds(at)
        with self._lock:
            gone = [
                session_hash
                for session_hash, token in self._tokens.items()
                if self._live[token].usable_until_us <= at_us
            ]
            for session_hash in gone:
                self._drop(session_hash)
            self._ended.forget_past(at_us)
            return frozenset(self._tokens)

    def _read(self, token: str, at: datetime) -> tuple[LiveSession | None, str]:
        """Give the living session of a token, or why there is none."""
        at_us = schema.microseconds(at)
        with reading(self._engine) as connection:
            session = self._sessions.read(connection, token)
            if session is None:
                return None, self._sessions.why_over(connection, token)
            live = self.describe(connection, session, at)
        if live is None:
            return None, "limit"
        pause_us = at_us - live.seen_us
        if pause_us >= self._alert_us and pause_us > session.rested_us:
            self._sessions.note_pause(session.hash, pause_us, at=at)
            live.session = replace(session, rested_us=pause_us)
        live.seen_us = max(live.seen_us, at_us)
        return live, ""

    def _seen_us(self, session_hash: str) -> int:
        """Give when this worker saw a session used, as far as it may not be written yet; else 0."""
        with self._lock:
            held = self._live.get(self._tokens.get(session_hash, ""))
            return max(held.seen_us if held else 0, self._unwritten.get(session_hash, 0))

    def _describe(
        self, connection: Connection, session: Session, at: datetime, seen_us: int
    ) -> LiveSession | None:
        """Say whose a session is and how long it lasts; None if it has reached a limit."""
        at_us = schema.microseconds(at)
        staff = staff_by_id(connection, session.staff_id)
        if staff is None:
            message = "sessions: a session belongs to nobody"
            raise IdentityError(message)
        try:
            known = self._subjects(connection, staff, at)
        except NotEmployed:
            return None  # they have left since: whatever session there is ends here
        idle_us, absolute_us = limits_in_us(self._sessions.rules.limits_of(known.subject, at=at))
        idle_us = min(idle_us, session.idle_us)
        ends_at_us = min(session.ends_at_us, session.started_at_us + absolute_us)
        seen_us = max(seen_us, session.last_seen_at_us)
        if at_us >= ends_at_us or at_us - seen_us >= idle_us:
            return None
        usable_until_us = min(ends_at_us, at_us + SUBJECT_SECONDS * 1_000_000)
        if known.stable_until is not None:
            usable_until_us = min(usable_until_us, schema.microseconds(known.stable_until))
        live = LiveSession(
            session=session,
            staff=staff,
            subject=known.subject,
            idle_us=idle_us,
            ends_at_us=ends_at_us,
            usable_until_us=usable_until_us,
            alert_us=min(idle_us, self._alert_us),
            seen_us=seen_us,
            written_us=session.last_seen_at_us,
            under_review=known.subject.clearance.under_review(at=at),
            pace=self._paces.of(session.staff_id),
        )
        if session.directory in self._vouching.directories:
            vouched_until_us = session.vouched_at_us + self._vouching.grace // schema.MICROSECOND
            if at_us >= vouched_until_us:
                raise DirectoryAway(live)
            live.usable_until_us = min(usable_until_us, vouched_until_us)
        return live

    def _keep(self, token: str, live: LiveSession) -> None:
        if len(self._live) >= self._capacity and token not in self._live:
            # Dropping an eighth at a time makes the sort cheap, and no order is kept on each hit.
            oldest = sorted(self._live, key=lambda each: self._live[each].seen_us)
            for each in oldest[: max(1, self._capacity // 8)]:
                self._drop(self._live[each].session.hash)
        before = self._live.get(token)
        if before is not None:
            before.dropped = True
        self._live[token] = live
        self._tokens[live.session.hash] = token

    def _drop(self, session_hash: str) -> None:
        followed = self._followed.pop(session_hash, None)
        if followed is not None:
            followed.dropped = True
        live = self._live.pop(self._tokens.pop(session_hash, ""), None)
        if live is None:
            return
        live.dropped = True
        if live.seen_us > live.written_us:
            self._unwritten[session_hash] = live.seen_us
