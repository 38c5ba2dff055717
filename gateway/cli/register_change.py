"""A change to the host's register from the command line: what it is, and making it.

In order: the change is rehearsed in a transaction that is rolled back, so that what cannot be done
is refused before anything is recorded; it is recorded; it is made and announced in one transaction;
the bell is rung, so that it holds at the next request.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, func, select

from gateway.audit.entry import Kind
from gateway.bulletin import Bulletin, person_subject
from gateway.cli.opening import current_instant, open_existing_store
from gateway.cli.operator_act import operator_act
from gateway.errors import CommandError
from gateway.keys import KeyRing
from gateway.store.engine import reading, writing
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId, LevelOrder
from vetting.person import PersonKey
from vetting.register import Register
from vetting.register_tables import appointment, vetting_grant

if TYPE_CHECKING:
    from gateway.settings import Settings

CODES = {
    "grant": "vetting-granted",
    "restore": "vetting-restored",
    "suspend": "vetting-suspended",
    "withdraw": "vetting-withdrawn",
    "appoint": "appointed",
    "end-appointment": "appointment-ended",
}
_STATUS = {
    "restore": GrantStatus.GRANTED,
    "suspend": GrantStatus.SUSPENDED,
    "withdraw": GrantStatus.WITHDRAWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterChange:
    """What is to be changed.

    Attributes:
        act: one of the keys of `CODES`.
        person: `organisation/number`; empty where the grant tells whose it is.
        values: what else the act needs, as text.
    """

    act: str
    person: str
    values: Mapping[str, str | None]

    def words(self) -> str:
        """Say the change in one line."""
        match self.act:
            case "grant":
                end = self.values["expires_on"] or "no end"
                return f"grant {self.values['level']} to {self.person} until {end}"
            case "appoint" | "end-appointment":
                return f"{self.act} {self.person} {self.values['role']}"
            case _:
                return f"{self.act} grant {self.values['grant']}"

    def apply(
        self, register: Register, connection: Connection, *, by: str, at: datetime
    ) -> PersonKey:
        """Make the change inside the caller's transaction and tell whose rows it changed.

        Raises:
            VettingError: it cannot be made.
        """
        if self.act in _STATUS:
            grant_id, status = self.values["grant"] or "", _STATUS[self.act]
            person = register.change_status(connection, grant_id, status, by=by, at=at)
            if self.act == "restore" and _limited(register, connection, person, grant_id):
                # A grant for named functions must not come back as one for all of them.
                status = GrantStatus.RESTRICTED
                register.change_status(connection, grant_id, status, by=by, at=at)
            return person
        person = PersonKey.from_text(self.person)
        role = self.values.get("role") or ""
        match self.act:
            case "grant":
                register.grant(connection, person, self._grant(), by=by, at=at)
            case "appoint":
                starts_on = _day(self.values["starts_on"]) or at.date()
                ends_on = _day(self.values["ends_on"])
                register.appoint(
                    connection, person, role, starts_on=starts_on, ends_on=ends_on, by=by, at=at
                )
            case "end-appointment":
                register.withdraw_appointment(connection, person, role, by=by, at=at)
            case _:
                raise CommandError(f"change register: `{self.act[:40]}` is no change")
        return person

    def _grant(self) -> ClearanceGrant:
        values = self.values
        granted_on = _day(values["granted_on"])
        if granted_on is None:
            raise CommandError("change register: a grant needs its first day")
        return ClearanceGrant(
            id=f"cli-{secrets.token_hex(6)}",
            level=LevelId(values["level"] or ""),
            granting_body=values["granting_body"] or "",
            sponsor=values["sponsor"] or "",
            granted_on=granted_on,
            expires_on=_day(values["expires_on"]),
            review_due_on=_day(values["review_due_on"]),
            status=GrantStatus.GRANTED,
            reference=values["reference"] or "",
        )


class RegisterDesk:
    """The register, with the record and the bulletin beside it."""

    def __init__(
        self, settings: Settings, store: Engine, ring: KeyRing, bulletin: Bulletin
    ) -> None:
        """Hold the parts; `open` makes them."""
        self._settings = settings
        self._store = store
        self._ring = ring
        self._bulletin = bulletin
        self._register = Register(LevelOrder.shipped(), accepted=frozenset())

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
        with reading(self._store) as connection:
            rows = (
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (vetting_grant, appointment)
            )
            return not any(rows)

    def rehearse(self, change: RegisterChange) -> PersonKey:
        """Make the change and take it back; raises what making it would raise."""
        at = current_instant()
        with writing(self._store) as connection:
            person = change.apply(self._register, connection, by="rehearsal", at=at)
            connection.rollback()
        return person

    def make(self, change: RegisterChange, *, by: str) -> str:
        """Record, make and announce a change; gives the reference of its entry."""
        person = self.rehearse(change)
        with self._recorded(CODES[change.act], change, str(person), by) as (reference, at):
            with writing(self._store) as connection:
                person = change.apply(self._register, connection, by=by, at=at)
                self._bulletin.announce(connection, person_subject(str(person)), at)
            self._bulletin.ring()
        return reference

    def note(self, code: str, change: RegisterChange, *, by: str) -> str:
        """Record what changes nothing yet, such as a proposal; gives the reference of its entry."""
        with self._recorded(code, change, change.person, by) as (reference, _):
            return reference

    @contextmanager
    def _recorded(
        self, code: str, change: RegisterChange, person: str, by: str
    ) -> Iterator[tuple[str, datetime]]:
        at = current_instant()
        with operator_act(
            self._settings,
            self._ring,
            kind=Kind.VETTING_CHANGE,
            code=code,
            operator=by,
            at=at,
            subject=person,
            detail={"act": change.act, "person": person, **change.values},
        ) as entry:
            yield entry.reference, at


def _limited(register: Register, connection: Connection, person: PersonKey, grant_id: str) -> bool:
    grants = register.clearance_of(connection, person).grants
    return any(grant.functions for grant in grants if grant.id == grant_id)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
