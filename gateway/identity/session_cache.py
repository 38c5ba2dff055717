"""The live sessions in one worker's memory, so that a request costs no look at the database.

1. `get` is for the event loop: one look into a dictionary and two comparisons.
2. On `MISS` the caller has a thread call `load`, which reads session, staff and register in one
   state of the database.
3. The bulletin drops what has changed (`apply`); a load that overlapped a change is done again and,
   failing that, used once and not kept.
4. What is kept is read anew after `SUBJECT_SECONDS`, and at once when a date in it takes effect.

When a session was last used is noted in memory and written by `flush` about once a minute.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

from sqlalchemy import Connection, Engine

from gateway.bulletin import ALL_SESSIONS, EVERYTHING
from gateway.errors import IdentityError, NotEmployed
from gateway.identity.session import Session
from gateway.identity.sessions import Sessions, is_token
from gateway.identity.staff import Staff, staff_by_id
from gateway.store import schema
from gateway.store.engine import reading
from policies.question import Subject

CAPACITY = 10_000
"""The most sessions in memory; each takes a few kilobytes, and 4,000 staff have fewer at a time."""

SUBJECT_SECONDS = 300
"""The longest that attributes are used unread, should a change ever go unannounced."""

TOUCH_SECONDS = 60
"""How far the noted time of use may lag; small against the shortest idle limit, 5 minutes."""

LOAD_TRIES = 3


class Miss(enum.Enum):
    """The one value that says: not in memory, ask the database."""

    MISS = "miss"


MISS: Final = Miss.MISS


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSubject:
    """A subject, and the first instant at which a date in the register changes it, if any."""

    subject: Subject
    stable_until: datetime | None


SubjectReader = Callable[[Connection, Staff, datetime], KnownSubject]
"""Builds the subject of a decision from a member of staff and the register."""


class ActorFacts(NamedTuple):
    """What an entry says of who acted, as text.

    Attributes:
        levels: levels held, separated by spaces.
        ends_on: the first day on which one of them ends, or empty.
        roles: appointments held, separated by spaces.
        address: `<username>@<organisation>`.
        session: the session's hash.
        factors: how they proved who they are, separated by commas.
    """

    levels: str
    ends_on: str
    roles: str
    address: str
    session: bytes
    factors: str


@dataclass(slots=True, kw_only=True, eq=False)
class LiveSession:
    """A session with whose it is. Nothing ever changes but `seen_us` and what was worked out of it.

    Attributes:
        session: as the database had it.
        staff: whose it is.
        subject: who asks, for the policies.
        usable_until_us: absolute limit, or when it must be read anew, whichever is first.
        seen_us: when this worker last saw it used; written by the event loop only.
        written_us: up to when its use is noted in the database; owned by `SessionCache.flush`.
    """

    session: Session
    staff: Staff
    subject: Subject
    usable_until_us: int
    seen_us: int
    written_us: int
    _facts: ActorFacts | None = None

    def facts(self, at: datetime) -> ActorFacts:
        """Give what the record says of the actor.

        Worked out once: within its use nothing in it changes, as `usable_until_us` is before that.
        """
        if self._facts is None:
            held = self.subject.clearance.held(at=at)
            ends = [grant.expires_on for grant in held if grant.expires_on is not None]
            self._facts = ActorFacts(
                levels=" ".join(grant.level for grant in held),
                ends_on=min(ends).isoformat() if ends else "",
                roles=" ".join(sorted(self.subject.appointments)),
                address=self.staff.address,
                session=self.session.hash.encode("ascii"),
                factors=",".join(sorted(self.session.factors)),
            )
        return self._facts


class SessionCache:
    """The live sessions of one worker. `get` is for the event loop, everything else for threads."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        subjects: SubjectReader,
        *,
        capacity: int = CAPACITY,
    ) -> None:
        """Start empty. Have a `BulletinReader` listen with `apply` before the first load."""
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
            return MISS if is_token(token) else None
        if at_us < live.usable_until_us and at_us - live.seen_us < live.session.idle_us:
            live.seen_us = at_us
            return live
        # Another worker may have seen it since, or the register must be read anew: ask the
        # database.
        return MISS

    def load(self, token: str, *, at: datetime) -> LiveSession | None:
        """Read a session from the database and keep it (blocks).

        Returns:
            The session, or None if there is none, it was ended, or has reached a limit.

        Raises:
            StoreUnavailable: if the database does not answer; nothing may be permitted then.
            IdentityError: if the session's member of staff is missing.
        """
        if not is_token(token):
            return None
        live: LiveSession | None = None
        for _ in range(LOAD_TRIES):
            changes = self._changes
            live = self._read(token, at)
            with self._lock:
                if changes != self._changes:
                    continue  # something was dropped meanwhile: this may be what it was before
                if live is None:
                    self._drop(token)
                else:
                    self._keep(token, live)
                return live
        return live

    def apply(self, subjects: frozenset[str]) -> None:
        """Drop what the bulletin says has changed."""
        if subjects & {EVERYTHING, ALL_SESSIONS}:
            with self._lock:
                self._changes += 1
                for token in tuple(self._live):
                    self._drop(token)
            return
        by_kind: dict[str, set[str]] = {}
        for subject in subjects:
            kind, _, name = subject.partition(":")
            by_kind.setdefault(kind, set()).add(name)
        people = by_kind.get("person", set())
        staff_ids = by_kind.get("staff", set())
        organisations = by_kind.get("organisation", set())
        hashes = by_kind.get("session", set())
        if not (people or staff_ids or organisations or hashes):
            return
        with self._lock:
            self._changes += 1
            gone = [self._tokens[each] for each in hashes if each in self._tokens]
            if people or staff_ids or organisations:
                gone += [
                    token
                    for token, live in self._live.items()
                    if live.staff.person in people
                    or live.staff.staff_id in staff_ids
                    or live.staff.organisation in organisations
                ]
            for token in gone:
                self._drop(token)

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

    def _read(self, token: str, at: datetime) -> LiveSession | None:
        at_us = schema.microseconds(at)
        with reading(self._engine) as connection:
            session = self._sessions.read(connection, token)
            if session is None:
                return None
            staff = staff_by_id(connection, session.staff_id)
            if staff is None:
                message = "sessions: a session belongs to nobody"
                raise IdentityError(message)
            try:
                known = self._subjects(connection, staff, at)
            except NotEmployed:
                return None  # they have left since: whatever session there is ends here
        # What this worker saw and has not written yet counts too.
        held = self._live.get(token)
        seen_us = max(
            session.last_seen_at_us,
            held.seen_us if held else 0,
            self._unwritten.get(session.hash, 0),
        )
        if at_us >= session.ends_at_us or at_us - seen_us >= session.idle_us:
            return None
        usable_until_us = min(session.ends_at_us, at_us + SUBJECT_SECONDS * 1_000_000)
        if known.stable_until is not None:
            usable_until_us = min(usable_until_us, schema.microseconds(known.stable_until))
        return LiveSession(
            session=session,
            staff=staff,
            subject=known.subject,
            usable_until_us=usable_until_us,
            seen_us=max(seen_us, at_us),
            written_us=session.last_seen_at_us,
        )

    def _keep(self, token: str, live: LiveSession) -> None:
        if len(self._live) >= self._capacity and token not in self._live:
            # Dropping an eighth at a time makes the sort cheap, and no order is kept on each hit.
            oldest = sorted(self._live, key=lambda each: self._live[each].seen_us)
            for each in oldest[: max(1, self._capacity // 8)]:
                self._drop(each)
        self._live[token] = live
        self._tokens[live.session.hash] = token

    def _drop(self, token: str) -> None:
        live = self._live.pop(token, None)
        if live is None:
            return
        self._tokens.pop(live.session.hash, None)
        if live.seen_us > live.written_us:
            self._unwritten[live.session.hash] = live.seen_us
