"""A gateway that has been set up but never served, and the command line for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from gateway.audit.sequencer import Sequencer
from gateway.keys import KeyRing
from gateway.settings import Settings
from gateway.store.engine import reading, writing
from vetting.grants import ClearanceGrant, GrantStatus
from vetting.levels import LevelId
from vetting.person import PersonKey
from vetting.register import Register

LIBRARY = Path(__file__).parents[3] / "deploy" / "scenarios" / "cheshire-blue-light" / "policy"
HOST = "cheshire-police"
AT = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)

TEXT = """\
[gateway]
origin = "http://localhost:8080"
state_directory = "state"
host_organisation = "cheshire-police"

[policy]
directory = "{policy}"

[keys]
directory = "keys"

[record]
directory = "record"
origin = "demo/log"
reserve_mib = 1
segment_mib = 1

[vetting]
two_officers = "names"

[[organisation]]
id = "cheshire-police"
name = "Cheshire Constabulary"
kind = "police"
help_contact = "the service desk"
directory = [
  {{ kind = "ldap", uris = ["ldaps://127.0.0.1:6361"], ca_file = "ca.pem", base = "dc=police" }},
]

[[organisation]]
id = "cheshire-fire"
name = "Cheshire Fire and Rescue Service"
kind = "fire"
help_contact = "ICT help"
directory = [
  {{ kind = "ldap", uris = ["ldaps://127.0.0.1:6362"], ca_file = "ca.pem", base = "dc=fire" }},
]

[[upstream]]
id = "ebs"
url = "http://127.0.0.1:9000"
audience = "ebs"
paths = ["/"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A gateway's files, and the command line for it."""

    config: Path
    settings: Settings
    store: Engine
    register: Register
    ring: KeyRing
    run: Callable[..., Told]

    def hold(
        self, person: str, level: str, *, grant: str = "g1", expires_on: date | None = None
    ) -> None:
        """Put a grant of clearance into the register."""
        value = ClearanceGrant(
            id=grant,
            level=LevelId(level),
            granting_body=HOST if level[0] in "NRM" else person.split("/", maxsplit=1)[0],
            sponsor=person.split("/", maxsplit=1)[0],
            granted_on=date(2024, 1, 1),
            expires_on=expires_on,
            review_due_on=None,
            status=GrantStatus.GRANTED,
        )
        with writing(self.store) as connection:
            key = PersonKey.from_text(person)
            self.register.grant(connection, key, value, by="test", at=AT)

    def reach(self, person: str) -> int:
        """Read what a person reaches now."""
        with reading(self.store) as connection:
            clearance = self.register.clearance_of(connection, PersonKey.from_text(person))
        return clearance.reach(at=AT)

    def sequence(self) -> None:
        """Drain what was recorded into the log and sign its head."""
        sequencer = Sequencer(
            directory=self.settings.record.directory,
            key_ring=self.ring,
            origin=self.settings.record.origin,
            clock=lambda: datetime.now(UTC),  # noqa: TID251 - the test's own clock
        )
        try:
            while sequencer.step():
                pass
        finally:
            sequencer.close()
