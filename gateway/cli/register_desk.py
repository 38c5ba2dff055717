"""Making a change to the host's register from the command line.

In order: the change is rehearsed in a transaction that is rolled back, so that what cannot be done
is refused before anything is recorded; it is recorded; it is made and announced in one transaction;
the bell is rung, so that it holds at the next request; who was suspended is signed out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, func, select

from gateway.audit.entry import Kind
from gateway.bulletin import EVERYTHING, Bulletin, person_subject
from gateway.cli.opening import current_instant, open_existing_store
from gateway.cli.operator_account import operator_account
from gateway.cli.operator_act import operator_act
from gateway.cli.register_change import CODES, SIGNS_OUT, RegisterChange
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.sessions.sessions import Sessions
from gateway.keys import KeyRing
from gateway.reference_seal import RegisterSeal, RingDataKeys
from gateway.store.engine import reading, writing
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register import Register
from vetting.register_tables import appointment, vetting_grant

if TYPE_CHECKING:
    from gateway.settings import Settings

# Beyond this many people everything is read anew, instead of each of them being named.
MOST_NAMED = 500


class RegisterDesk:
    """The register, with the record and the bulletin beside it.

    Attributes:
        seal: seals references with the newest key.
        store: the database.
        bulletin: to announce on.
        register: what is changed; it accepts nobody's vetting, as nothing is decided here.
    """

    def __init__(
        self, settings: Settings, store: Engine, ring: KeyRing, bulletin: Bulletin
    ) -> None:
        """Hold the parts; `open` makes them."""
        self._settings = settings
        self._ring = ring
        self.store = store
        self.bulletin = bulletin
        self.register = Register(LevelOrder.shipped(), accepted=frozenset())
        self.seal = RegisterSeal(RingDataKeys(ring.register_keys))

    @classmethod
    @contextmanager
    def open(cls, settings: Settings) -> Iterator[RegisterDesk]:
        """Open database, keys and bulletin for one command."""
        ring = KeyRing.open(settings.keys.directory)
        store = open_existing_store(settings)
        bulletin = Bulletin(settings.gateway.state_directory)
        try:
            yield cls(settings, store, ring, bulletin)
        finally:
            bulletin.close()
            store.dispose()

    def register_is_empty(self) -> bool:
        """Tell whether nobody holds anything yet, not even rows that cannot be read."""
        with reading(self.store) as connection:
            rows = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (vetting_grant, appointment)
            )
            return not any(rows)

    def rehearse(self, change: RegisterChange) -> tuple[PersonKey, ...]:
        """Make the change and take it back; raises what making it would raise."""
        at = current_instant()
        with writing(self.store) as connection:
            people = change.apply(self.register, connection, by="rehearsal", at=at)
            connection.rollback()
        return people

    def make(self, change: RegisterChange, *, by: str) -> str:
        """Record, make and announce a change; gives the reference of its entry."""
        whose = " ".join(map(str, self.rehearse(change)[:1]))
        with self._recorded(CODES[change.act], change, whose, by) as (reference, at):
            with writing(self.store) as connection:
                people = change.apply(self.register, connection, by=by, at=at)
                self.announce(connection, map(str, people), at)
            self.bulletin.ring()
            if change.act in SIGNS_OUT:
                self.sign_out(map(str, people), at)
        return reference

    def announce(self, connection: Connection, people: Iterable[str], at: datetime) -> None:
        """Announce whose rows were changed; of very many, that everything is to be read anew."""
        named = sorted(set(people))
        subjects = [person_subject(person) for person in named]
        for subject in subjects if len(named) <= MOST_NAMED else [EVERYTHING]:
            self.bulletin.announce(connection, subject, at)

    def sign_out(self, people: Iterable[str], at: datetime) -> None:
        """Sign people out from whom something was taken away."""
        sessions = Sessions(self.store, self.bulletin)
        for person in sorted(set(people)):
            sessions.end_all(Whose(person=person), at=at, reason="vetting-ended")

    def note(self, code: str, change: RegisterChange, *, by: str) -> str:
        """Record what changes nothing yet, such as a proposal; gives the reference of its entry."""
        with self._recorded(code, change, change.person, by) as (reference, _):
            return reference

    @contextmanager
    def recorded(
        self, code: str, detail: Mapping[str, object], *, by: str, person: str = ""
    ) -> Iterator[tuple[str, datetime]]:
        """Have an act on the record before it happens; gives reference and instant."""
        at = current_instant()
        with operator_act(
            self._settings,
            self._ring,
            kind=Kind.VETTING_CHANGE,
            code=code,
            operator=by,
            at=at,
            subject=person,
            detail={"account": operator_account(), **detail},
        ) as entry:
            yield entry.reference, at

    @contextmanager
    def _recorded(
        self, code: str, change: RegisterChange, person: str, by: str
    ) -> Iterator[tuple[str, datetime]]:
        detail = {"act": change.act, "person": person, **change.told}
        with self.recorded(code, detail, by=by, person=person) as recorded:
            yield recorded
