"""Asks directories again whether the people who are signed in are still there.

1. One worker at a time does it (`identity.sessions.lease`), one thread for each directory, so that
   one that hangs holds up no other's people.
2. Whoever has not been vouched for lately is looked up by the directory's own id, within the
   places and the time that a sign-in there has.
3. Gone, closed, or under another number: their sessions end. Otherwise posts, unit and team are
   taken over, and the sessions are vouched for from now.
4. A directory that does not answer vouches for nobody: its sessions live on for the grace that
   `session_cache` bears, and are then refused until it answers.

A locked account ends no session: anybody can lock an account by trying passwords.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from sqlalchemy import Engine, func, select, update

from gateway.bulletin import Bulletin, staff_subject
from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    IdentityChanged,
)
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    DirectoryPerson,
    EntryIncomplete,
    PersonGone,
)
from gateway.identity.directories.door import GRACE_SECONDS
from gateway.identity.sessions.lease import Lease
from gateway.identity.sessions.session_ending import Whose, living
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.staff import Staff, remember, staff_by_id
from gateway.store import schema
from gateway.store.engine import reading, writing

_log = structlog.get_logger("recheck")

LEASE = "directory-recheck"
LEASE_SPAN = timedelta(seconds=20)
ROUND_SECONDS = 5.0
PER_ROUND = 500
"""The most people of one directory looked up in a round: a bound on what a directory is asked."""

TOGETHER = 25
"""How many people are vouched for in one transaction; a commit costs a flush of the disk."""

_CLOSED = frozenset({AccountState.DISABLED, AccountState.EXPIRED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Somebody whose sessions a re-check has ended, for the record.

    Attributes:
        staff: whose.
        code: `person-gone`, `account-closed`, `identity-changed`.
        count: how many sessions.
        at: when.
    """

    staff: Staff
    code: str
    count: int
    at: datetime


class LooksUp(Protocol):
    """Looks people up by their directory's own id."""

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson | None:
        """Describe somebody; None for somebody who is there, and of whom no more is said."""


class Asked(Protocol):
    """A directory that is asked again: with the places at it and the time it may take."""

    @property
    def directory(self) -> LooksUp:
        """To ask."""

    @property
    def bulkhead(self) -> Bulkhead:
        """The places at it."""

    @property
    def budget_seconds(self) -> float:
        """What looking somebody up may take."""


class Recheck:
    """Runs on threads of its own between `start` and `close`. One a worker."""

    def __init__(
        self,
        *,
        engine: Engine,
        bulletin: Bulletin,
        sessions: Sessions,
        directories: Mapping[str, Asked],
        every: timedelta,
        report: Callable[[Ended], None],
        clock: Callable[[], datetime],
        round_seconds: float = ROUND_SECONDS,
    ) -> None:
        """Take what is needed.

        Args:
            engine: the store.
            bulletin: where changed people are announced.
            sessions: ends them.
            directories: those that are asked again, by id.
            every: how old a vouching may become.
            report: is told of ended sessions, on one of these threads.
            clock: the present instant.
            round_seconds: how long to rest between rounds.
        """
        self._engine = engine
        self._bulletin = bulletin
        self._sessions = sessions
        self._directories = dict(directories)
        self._every = every
        self._report = report
        self._clock = clock
        self._round_seconds = min(round_seconds, every.total_seconds() / 6)
        self._lease = Lease(engine, LEASE, span=LEASE_SPAN)
        self._silent: set[str] = set()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._threads = ThreadPoolExecutor(
            max(1, len(self._directories)), thread_name_prefix="recheck"
        )
        self._running: dict[str, Future[None]] = {}

    def start(self) -> None:
        """Begin; a worker without directories to ask does nothing."""
        if self._directories:
            self._thread = threading.Thread(target=self._run, name="recheck", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop. A look-up that hangs is left to end by itself."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopping.wait(self._round_seconds):
            try:
                self.round()
            except Exception as error:  # noqa: BLE001  # the store is away: the next round may do better
                _log.error("round failed", error=type(error).__name__)
        if not any(not job.done() for job in self._running.values()):
            try:
                self._lease.release()
            except GatewayError:
                return  # it runs out by itself

    def round(self) -> None:
        """Begin to ask every directory that is not being asked already, if it is our turn."""
        if not self._lease.hold(at=self._clock()):
            return
        for name in self._directories:
            job = self._running.get(name)
            if job is None or job.done():
                self._running[name] = self._threads.submit(self._check, name)

    def wait(self, seconds: float) -> None:
        """Wait until what this round began is over, for tests."""
        for job in self._running.values():
            job.result(seconds)

    def _check(self, name: str) -> None:
        try:
            self.check(name)
        except Exception as error:  # noqa: BLE001  # one directory's fault must not stop the others
            _log.error("re-check failed", directory=name, error=type(error).__name__)

    def check(self, name: str) -> None:
        """Ask one directory about everybody who is due (blocks)."""
        door = self._directories[name]
        confirmed: list[tuple[Staff, DirectoryPerson | None]] = []
        for staff, directory_id in self._due(name):
            if self._stopping.is_set():
                break
            try:
                person = self._ask(door, directory_id)
            except PersonGone:
                self._end(staff, "person-gone")
            except AccountClosed as closed:
                if closed.state in _CLOSED:
                    self._end(staff, "account-closed")
                else:
                    confirmed.append((staff, None))  # there, and only kept from signing in
            except EntryIncomplete:
                self._end(staff, "identity-changed")
            except (DirectoryUnavailable, DirectoryMisconfigured) as error:
                self._note_silence(name, error)
                break  # those that are left stay due; the next round asks again
            else:
                confirmed.append((staff, person))
                self._note_answer(name)
            if len(confirmed) >= TOGETHER:
                self._confirm(name, confirmed)
                confirmed = []
        self._confirm(name, confirmed)

    def _ask(self, door: Asked, directory_id: str) -> DirectoryPerson | None:
        return door.bulkhead.run(
            lambda: door.directory.look_up(directory_id, door.budget_seconds),
            timeout_seconds=door.budget_seconds + GRACE_SECONDS,
        )

    def _due(self, name: str) -> list[tuple[Staff, str]]:
        """List whoever is signed in through a directory and was not vouched for lately."""
        at = self._clock()
        # Sooner than the limit by what a round and its look-ups may take.
        before_us = schema.microseconds(at - self._every * 0.75)
        session, identity = schema.session, schema.staff_identity
        statement = (
            select(session.c.staff_id, func.min(session.c.vouched_at_us).label("oldest"))
            .where(
                living(schema.microseconds(at)),
                session.c.directory == name,
                session.c.vouched_at_us <= before_us,
            )
            .group_by(session.c.staff_id)
            .order_by("oldest")
            .limit(PER_ROUND)
        )
        found = []
        with reading(self._engine) as connection:
            for row in connection.execute(statement).all():
                staff = staff_by_id(connection, row.staff_id)
                if staff is None:
                    continue
                known = connection.execute(
                    select(identity.c.directory_id).where(
                        identity.c.staff_id == row.staff_id, identity.c.directory == name
                    )
                ).scalar_one_or_none()
                found.append((staff, known or staff.directory_id))
        return found

    def _confirm(self, name: str, confirmed: list[tuple[Staff, DirectoryPerson | None]]) -> None:
        if not confirmed:
            return
        at = self._clock()
        table = schema.session
        changed, moved = False, []
        with writing(self._engine) as connection:
            for staff, person in confirmed:
                if person is not None:
                    try:
                        now = remember(connection, staff.organisation, person, at, directory=name)
                    except (IdentityChanged, EntryIncomplete):
                        moved.append(staff)
                        continue
                    if now != staff:
                        self._bulletin.announce(connection, staff_subject(staff.staff_id), at)
                        changed = True
                connection.execute(
                    update(table)
                    .where(table.c.staff_id == staff.staff_id, table.c.directory == name)
                    .values(vouched_at_us=schema.microseconds(at))
                )
        if changed:
            self._bulletin.ring()
        for staff in moved:
            self._end(staff, "identity-changed")

    def _end(self, staff: Staff, code: str) -> None:
        at = self._clock()
        count = self._sessions.end_all(Whose(staff_id=staff.staff_id), at=at, reason=code)
        _log.info("sessions ended", code=code, count=count)
        if count:
            self._report(Ended(staff=staff, code=code, count=count, at=at))

    def _note_silence(self, name: str, error: GatewayError) -> None:
        if name not in self._silent:
            self._silent.add(name)
            _log.error(
                "directory does not vouch for anybody",
                alarm="directory-silent",
                directory=name,
                error=type(error).__name__,
            )

    def _note_answer(self, name: str) -> None:
        if name in self._silent:
            self._silent.discard(name)
            _log.info("directory answers again", directory=name)
