"""A sign-in desk for tests, and a directory that does what a test wants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.directories.directory import (
    BeforeBind,
    Directory,
    DirectoryPerson,
    GuessingStopped,
    ProbeReport,
)
from gateway.identity.directories.door import Door
from gateway.identity.organisations import Organisation, Organisations
from gateway.identity.signing_in.attempts import AttemptLimits, Attempts
from gateway.identity.signing_in.sign_in import Keep, SignedIn, SignIn
from gateway.identity.signing_in.sign_in_refusal import Refusal
from gateway.store.engine import reading
from tests.doubles.slapd import PASSWORD
from tests.gateway.identity.parts import FIRE, Parts, later

LIMITS = AttemptLimits(per_person=3, per_directory=8, per_source=8)
ALICE = DirectoryPerson(
    directory_id="id-alice", username="alice", name="Alice", employee_number="40011"
)


@dataclass
class ScriptedDirectory:
    """A directory that does what a test wants, with the promise of a real one."""

    answer: Callable[[str, str], DirectoryPerson] = lambda *_: ALICE
    asked: list[str] = field(default_factory=list)
    decoys: list[str] = field(default_factory=list)
    entries: dict[str, str] = field(default_factory=lambda: {"alice": "id-alice"})

    def authenticate(
        self,
        name: str,
        password: str,
        budget_seconds: float,  # noqa: ARG002  # part of the promise
        *,
        before_bind: BeforeBind | None = None,
    ) -> DirectoryPerson:
        if before_bind is not None and not before_bind(name, self.entries.get(name, "")):
            self.decoys.append(name)
            raise GuessingStopped("directory: not tried")
        self.asked.append(name)
        return self.answer(name, password)

    def look_up(self, directory_id: str, budget_seconds: float) -> DirectoryPerson:  # noqa: ARG002  # part of the promise
        return self.answer(directory_id, "")

    def look_up_name(self, name: str, budget_seconds: float) -> DirectoryPerson:  # noqa: ARG002  # part of the promise
        self.asked.append(name)
        return self.answer(name, "")

    def probe(self, budget_seconds: float) -> ProbeReport:  # noqa: ARG002  # part of the promise
        return ProbeReport()


class Desk:
    """Sign-in at two organisations."""

    def __init__(
        self, parts: Parts, fire: Directory, medics: Directory, *, keep: Keep | None = None
    ) -> None:
        self.parts = parts
        self.sign_in = SignIn(
            keep=keep,
            engine=parts.store,
            bulletin=parts.bulletin,
            organisations=Organisations(
                [
                    Organisation(id=FIRE, name="Fire", kind="fire"),
                    Organisation(id="nwas", name="Ambulance", kind="ambulance"),
                    Organisation(id="doorless", name="No directory", kind="council"),
                ]
            ),
            doors={
                FIRE: Door(
                    id=FIRE,
                    directory=fire,
                    bulkhead=Bulkhead(FIRE, at_once=2),
                    budget_seconds=3.0,
                ),
                "nwas": Door(
                    id="nwas",
                    directory=medics,
                    bulkhead=Bulkhead("nwas", at_once=2),
                    budget_seconds=3.0,
                ),
            },
            attempts=Attempts(parts.store, lambda _: LIMITS),
            sessions=parts.sessions,
            subjects=parts.subjects,
        )

    def attempt(
        self,
        username: str = "alice",
        password: str = PASSWORD,
        *,
        organisation: str = FIRE,
        source: str = "10.0.0.1",
        minutes: float = 0,
        replaces: str | None = None,
        record: Callable[[SignedIn], None] | None = None,
    ) -> SignedIn:
        return self.sign_in.attempt(
            organisation=organisation,
            username=username,
            password=password,
            source_ip=source,
            at=later(minutes=minutes),
            replaces=replaces,
            record=record,
        )

    def refused(self, *typed: str, **given: object) -> Refusal:
        with pytest.raises(Refusal) as refused:
            self.attempt(*typed, **given)  # type: ignore[arg-type]  # passed on as they are
        return refused.value

    def count(self, table: str) -> int:
        with reading(self.parts.store) as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608
