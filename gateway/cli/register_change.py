"""A change to the host's register: what it is, in words, and its effect on the rows.

Each act either tightens, and is made at once, or loosens, and needs a second officer. What an act
does is decided here alone; `gateway.cli.register_desk` records, makes and announces it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.errors import CommandError
from vetting.feed_plan import changes_from_text, make_changes, newest_digest
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_membership import begin, end, move
from vetting.register_training import add_training, end_training
from vetting.training import Training

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from vetting.register import Register

# What each act is called in the record.
CODES = {
    "grant": "vetting-granted",
    "renew": "vetting-renewed",
    "restore": "vetting-restored",
    "lift": "vetting-restriction-lifted",
    "appoint": "appointed",
    "join": "membership-begun",
    "move": "membership-moved",
    "import": "vetting-import-approved",
    "suspend": "vetting-suspended",
    "withdraw": "vetting-withdrawn",
    "terminate": "vetting-terminated",
    "transfer": "vetting-transferred",
    "downgrade": "vetting-downgraded",
    "restrict": "vetting-restricted",
    "review": "vetting-under-review",
    "end-appointment": "appointment-ended",
    "leave": "membership-ended",
    "train": "training-added",
    "end-training": "training-ended",
}
LOOSENING = frozenset(
    {"grant", "renew", "restore", "lift", "appoint", "join", "move", "import", "train"}
)
# After these the person is signed out: nothing that was opened before may go on.
SIGNS_OUT = frozenset({"suspend", "withdraw", "terminate", "transfer"})
_STATUS = MappingProxyType(
    {
        "suspend": GrantStatus.SUSPENDED,
        "withdraw": GrantStatus.WITHDRAWN,
        "terminate": GrantStatus.TERMINATED,
        "transfer": GrantStatus.TRANSFERRED,
    }
)
_OF_A_PERSON = frozenset(
    {"grant", "appoint", "end-appointment", "join", "leave", "move", "train", "end-training"}
)


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

    @property
    def told(self) -> Mapping[str, str | None]:
        """What the record says of it; the rows of an import are in the register's own history."""
        return {key: value for key, value in self.values.items() if key != "rows"}

    @property
    def loosens(self) -> bool:
        """Whether it needs a second officer."""
        return self.act in LOOSENING

    def words(self) -> str:
        """Say the change in one line."""
        values = self.values
        if self.act in _OF_A_PERSON:
            return self._words_of_a_person()
        match self.act:
            case "renew":
                return f"renew grant {values['grant']} until {values['expires_on'] or 'no end'}"
            case "import":
                return f"{values['count']} change(s) of an export of feed {values['feed']}"
            case "downgrade":
                return f"downgrade grant {values['grant']} to {values['level']}"
            case _:
                return f"{self.act} grant {values['grant']}"

    def _words_of_a_person(self) -> str:
        values = self.values
        end_day = values.get("expires_on") or "no end"
        match self.act:
            case "grant":
                return f"grant {values['level']} to {self.person} until {end_day}"
            case "train":
                return f"training {values['course']} of {self.person} until {end_day}"
            case "end-training":
                return f"end of the training {values['course']} of {self.person}"
            case "join":
                return f"membership of {self.person} from {values['starts_on']}"
            case "leave":
                return f"end of the membership of {self.person} on {values['ends_on']}"
            case "move":
                return f"move {self.person} to {values['to']} from {values['starts_on']}"
            case _:
                return f"{self.act} {self.person} {values['role']}"

    def apply(
        self, register: Register, connection: Connection, *, by: str, at: datetime
    ) -> tuple[PersonKey, ...]:
        """Make the change inside the caller's transaction and tell whose rows it changed.

        Raises:
            VettingError: it cannot be made.
        """
        if self.act not in CODES:
            raise CommandError(f"change register: `{self.act[:40]}` is no change")
        if self.act == "import":
            if newest_digest(connection, self.values["feed"] or "") != self.values["sha256"]:
                raise CommandError(
                    "change register: another export of this feed has been imported since; what"
                    " still differs was proposed with that one"
                )
            changes = changes_from_text(self.values["rows"] or "")
            by = f"feed {self.values['feed']}, {by}"
            make_changes(connection, changes, by=by, at=at)
            rows = (change.after or change.before or {} for change in changes)
            people = {f"{row['organisation']}/{row['employee_number']}" for row in rows}
            return tuple(PersonKey.from_text(person) for person in sorted(people))
        if self.act in _OF_A_PERSON:
            return self._apply_to_person(register, connection, by=by, at=at)
        return (self._apply_to_grant(register, connection, by=by, at=at),)

    def _apply_to_grant(
        self, register: Register, connection: Connection, *, by: str, at: datetime
    ) -> PersonKey:
        values, grant_id = self.values, self.values["grant"] or ""
        if self.act in _STATUS:
            status = _STATUS[self.act]
            return register.change_status(connection, grant_id, status, by=by, at=at)
        if self.act == "renew":
            return register.change_dates(
                connection,
                grant_id,
                expires_on=_day(values["expires_on"]),
                review_due_on=_day(values["review_due_on"]),
                by=by,
                at=at,
            )
        if self.act == "downgrade":
            return register.downgrade(
                connection,
                grant_id,
                LevelId(values["level"] or ""),
                new_id=values["new"] or "",
                by=by,
                at=at,
            )
        present = register.grant_of(connection, grant_id)
        functions = present.functions
        match self.act:
            case "restore":
                status = GrantStatus.GRANTED
            case "lift":
                status, functions = GrantStatus.GRANTED, frozenset()
            case "review":
                status = _under_review(present)
            case _:
                status, functions = _restricted(present, values["functions"])
        if functions and status is GrantStatus.GRANTED:
            # A grant for named functions must not come back as one for all of them.
            status = GrantStatus.RESTRICTED
        return register.change_status(
            connection, grant_id, status, by=by, at=at, functions=functions
        )

    def _apply_to_person(
        self, register: Register, connection: Connection, *, by: str, at: datetime
    ) -> tuple[PersonKey, ...]:
        person, values = PersonKey.from_text(self.person), self.values
        role = values.get("role") or ""
        match self.act:
            case "grant":
                register.grant(connection, person, self._grant(), by=by, at=at)
            case "appoint":
                starts_on, ends_on = _day(values["starts_on"]), _day(values["ends_on"])
                starts_on = starts_on or at.date()
                register.appoint(
                    connection, person, role, starts_on=starts_on, ends_on=ends_on, by=by, at=at
                )
            case "end-appointment":
                register.withdraw_appointment(connection, person, role, by=by, at=at)
            case "join":
                begin(connection, self._membership(person), by=by, at=at)
            case "leave":
                end(connection, person, ends_on=_certain_day(values["ends_on"]), by=by, at=at)
            case "train":
                add_training(connection, person, self._training(), by=by, at=at)
            case "end-training":
                end_training(connection, person, values["course"] or "", by=by, at=at)
            case _:
                new = PersonKey.from_text(values["to"] or "")
                move(connection, person, self._membership(new), by=by, at=at)
                return person, new
        return (person,)

    def _grant(self) -> ClearanceGrant:
        values = self.values
        return ClearanceGrant(
            id=values["grant"] or "",
            level=LevelId(values["level"] or ""),
            granting_body=values["granting_body"] or "",
            sponsor=values["sponsor"] or "",
            granted_on=_certain_day(values["granted_on"]),
            expires_on=_day(values["expires_on"]),
            review_due_on=_day(values["review_due_on"]),
            status=GrantStatus.GRANTED,
            functions=frozenset(json.loads(values.get("functions") or "[]")),
            reference=values["reference"] or "",
            contract=values.get("contract") or "",
        )

    def _training(self) -> Training:
        return Training(
            course=self.values["course"] or "",
            completed_on=_certain_day(self.values["completed_on"]),
            expires_on=_day(self.values["expires_on"]),
            awarding_body=self.values["awarding_body"] or "",
        )

    def _membership(self, key: PersonKey) -> Membership:
        return Membership(
            person=self.values["person_id"] or "",
            key=key,
            starts_on=_certain_day(self.values["starts_on"]),
            ends_on=_day(self.values["ends_on"]),
            contract=self.values["contract"] or "",
        )


def _under_review(present: ClearanceGrant) -> GrantStatus:
    """A review changes nothing of what counts, so only what counts can come under review."""
    _demand_counting(present)
    return GrantStatus.UNDER_REVIEW


def _restricted(
    present: ClearanceGrant, functions: str | None
) -> tuple[GrantStatus, frozenset[str]]:
    """Narrow a grant to functions; never to one that it does not count for now."""
    _demand_counting(present)
    wanted = frozenset(json.loads(functions or "[]"))
    if present.functions and not wanted <= present.functions:
        raise CommandError(
            f"change register: grant `{present.id}` counts for {', '.join(present.functions)} only;"
            " more is a loosening: use lift, then restrict"
        )
    return GrantStatus.RESTRICTED, wanted


def _demand_counting(present: ClearanceGrant) -> None:
    counting = {GrantStatus.GRANTED, GrantStatus.RESTRICTED, GrantStatus.UNDER_REVIEW}
    if present.status not in counting:
        raise CommandError(f"change register: grant `{present.id}` is {present.status}")


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _certain_day(text: str | None) -> date:
    day = _day(text)
    if day is None:
        raise CommandError("change register: a day is missing")
    return day
