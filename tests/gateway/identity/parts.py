"""What tests of sessions and sign-in put together: a real store, bulletin and register."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from gateway.bulletin import Bulletin, BulletinReader
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.sessions.session import Session, SessionLimits
from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.session_limits import SessionRules
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import SessionTokens
from gateway.identity.staff import remember
from gateway.identity.subject import subject_reader
from gateway.store.engine import writing
from gateway.store.schema import microseconds
from tests.doubles.stores import new_store
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register import Register

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
FIRE = "cheshire-fire"
KINDS = {FIRE: "fire", "nwas": "ambulance"}
PASSWORD = frozenset({"password"})


def later(**passed: float) -> datetime:
    """Give an instant after `AT`."""
    return AT + timedelta(**passed)


def us(at: datetime) -> int:
    """Give an instant in microseconds."""
    return microseconds(at)


class Parts:
    """One worker's sessions, and another worker's cache beside it."""

    def __init__(self, store: Engine, folder: Path) -> None:
        self.store = store
        self.bulletin = Bulletin(folder)
        self.limits = SessionLimits()
        self.sessions = Sessions(
            store, self.bulletin, SessionRules(everybody=self.limits), SessionTokens(bytes(32))
        )
        self.register = Register(LevelOrder.shipped(), accepted=frozenset({"cheshire-police"}))
        self.subjects = subject_reader(self.register, KINDS)
        self.cache, self.reader = self.worker()

    def worker(self, capacity: int = 100) -> tuple[SessionCache, BulletinReader]:
        """Make a worker's cache and the reader that keeps it in step."""
        cache = SessionCache(self.store, self.sessions, self.subjects, capacity=capacity)
        reader = BulletinReader(self.store, self.bulletin)
        reader.listen(cache.apply)
        reader.read()
        return cache, reader

    def sign_in(
        self,
        name: str = "alice",
        number: str = "40011",
        *,
        organisation: str = FIRE,
        at: datetime = AT,
        replaces: str | None = None,
    ) -> tuple[str, Session]:
        """Open a session for somebody whom their directory vouches for."""
        person = DirectoryPerson(
            directory_id=f"id-{name}", username=name, name=name.title(), employee_number=number
        )
        with writing(self.store) as connection:
            staff = remember(connection, organisation, person, at)
            opened = self.sessions.open(
                connection,
                staff_id=staff.staff_id,
                organisation=organisation,
                directory=organisation,
                factors=PASSWORD,
                at=at,
                replaces=replaces,
            )
        self.bulletin.ring()
        return opened

    def appoint(
        self, number: str = "40011", *, ends_on: date | None = None, role: str = "auditor"
    ) -> None:
        """Appoint somebody of the fire service, without announcing it."""
        person = PersonKey(organisation=FIRE, employee_number=number)
        with writing(self.store) as connection:
            self.register.appoint(
                connection,
                person,
                role,
                starts_on=date(2026, 1, 1),
                ends_on=ends_on,
                by="test",
                at=AT,
            )


@contextmanager
def new_parts(folder: Path) -> Iterator[Parts]:
    """Give everything on a database of its own."""
    with new_store(folder) as store:
        parts = Parts(store, folder)
        yield parts
        parts.bulletin.close()
