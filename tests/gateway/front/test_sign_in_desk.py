"""Signing in and out for the pages: durable in the record, or it has not happened."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from gateway.audit.entry import EntryDraft, Kind, Outcome, Phase
from gateway.audit.recorder import Recorder
from gateway.errors import (
    DirectoryUnavailable,
    RecordUnavailable,
    SignInRefused,
    StoreError,
)
from gateway.front.sign_in_desk import RecordedSignIn
from gateway.identity.directories.directory import DirectoryPerson, WrongPassword
from gateway.store.engine import writing
from gateway.throttle import RefusalThrottle
from gateway.visit import Visit
from tests.gateway.identity.desks import Desk as Doors
from tests.gateway.identity.desks import ScriptedDirectory
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.gateway.visits import REFERENCE, new_visit, request


class NotingRecorder:
    """A recorder that keeps what it is given, or refuses."""

    def __init__(self) -> None:
        self.drafts: list[EntryDraft] = []
        self.away = False

    def record_and_wait(self, draft: EntryDraft) -> None:
        if self.away:
            raise RecordUnavailable("record: away")
        self.drafts.append(draft)


class Bench:
    """A desk with everything behind it."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.recorder = NotingRecorder()
        self.directory = ScriptedDirectory()
        self.doors = Doors(parts, self.directory, ScriptedDirectory())
        self.desk = RecordedSignIn(
            sign_in=self.doors.sign_in,
            sessions=parts.sessions,
            recorder=cast("Recorder", self.recorder),
            throttle=RefusalThrottle(),
            clock=lambda: AT,
        )

    def sign_in(self, **given: Any) -> str:
        return self.desk.sign_in(
            organisation=given.get("organisation", FIRE),
            username=given.get("username", " Alice "),
            password=given.get("password", "right"),
            visit=given.get("visit", self.visit()),
            replaces=given.get("replaces"),
        )

    def visit(self) -> Visit:
        return new_visit(request("POST", b"/-/sign-in", user_agent=b"Firefox"))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with new_parts(tmp_path) as parts:
        made = Bench(parts)
        yield made
        made.doors.sign_in.close()


def wrong(name: str, _: str) -> DirectoryPerson:
    raise WrongPassword("directory: refused", username=name.strip().lower())


def away(*_: str) -> DirectoryPerson:
    raise DirectoryUnavailable("directory: no answer")


def test_signing_in_opens_a_session_and_records_who_came(bench: Bench) -> None:
    bench.parts.appoint()
    token = bench.sign_in()

    live = bench.parts.cache.load(token, at=AT)
    assert live is not None
    (draft,) = bench.recorder.drafts
    assert (draft.kind, draft.outcome, draft.phase) == (Kind.SIGNIN, Outcome.PERMIT, Phase.DECISION)
    assert (draft.actor_name, draft.staff_id) == ("alice@cheshire-fire", "cheshire-fire/id-alice")
    assert (draft.roles, draft.auth, draft.ip, draft.agent, draft.reference) == (
        "auditor",
        "password",
        "10.1.2.3",
        "Firefox",
        REFERENCE,
    )
    assert draft.session == live.session.hash.encode()


def test_that_an_older_session_had_to_end_is_in_the_record(bench: Bench) -> None:
    for _ in range(6):
        bench.sign_in()

    told = [draft.detail for draft in bench.recorder.drafts]
    assert told == [""] * 5 + ['{"older_sessions_ended": 1}']


def test_who_cannot_be_recorded_is_not_signed_in(bench: Bench) -> None:
    bench.recorder.away = True
    with pytest.raises(RecordUnavailable):
        bench.sign_in()

    with bench.parts.store.connect() as connection:
        ended = connection.execute(text("SELECT end_reason FROM session")).scalars().all()
    assert ended == ["not-recorded"]


def test_a_wrong_password_is_recorded_under_the_name_the_directory_knows(bench: Bench) -> None:
    bench.directory.answer = wrong
    with pytest.raises(SignInRefused):
        bench.sign_in(password="wrong")

    (draft,) = bench.recorder.drafts
    assert (draft.kind, draft.outcome, draft.code) == (
        Kind.SIGNIN,
        Outcome.DENY,
        "wrong-password",
    )
    assert (draft.actor_name, draft.organisation) == ("alice@cheshire-fire", FIRE)


def test_a_name_nobody_judged_is_recorded_as_it_was_typed_to_a_bound(bench: Bench) -> None:
    with pytest.raises(SignInRefused):
        bench.sign_in(organisation="nowhere", username=" BOB" + "b" * 300)

    (draft,) = bench.recorder.drafts
    assert draft.code == "unknown-organisation"
    assert draft.actor_name == "bob" + "b" * 253 + "@nowhere"


def test_a_directory_that_is_away_is_no_refusal_of_the_person(bench: Bench) -> None:
    bench.directory.answer = away
    with pytest.raises(DirectoryUnavailable):
        bench.sign_in()

    (draft,) = bench.recorder.drafts
    assert (draft.outcome, draft.code) == (Outcome.ERROR, "directory-unavailable")


def test_a_store_that_is_away_is_told_and_recorded(bench: Bench) -> None:
    with writing(bench.parts.store) as connection:
        connection.execute(text("ALTER TABLE session RENAME TO gone"))
    with pytest.raises(StoreError):
        bench.sign_in()

    assert bench.recorder.drafts[-1].code == "store-unavailable"


def test_a_refusal_that_cannot_be_recorded_is_told_as_that(bench: Bench) -> None:
    bench.directory.answer = wrong
    bench.recorder.away = True

    with pytest.raises(RecordUnavailable):
        bench.sign_in(password="wrong")


def test_failures_of_one_source_are_recorded_one_by_one_to_a_bound(bench: Bench) -> None:
    for _ in range(25):
        with pytest.raises(SignInRefused):
            bench.sign_in(organisation="nowhere")

    assert len(bench.recorder.drafts) == 20


def test_the_operational_log_names_no_person(bench: Bench) -> None:
    with capture_logs() as logged, pytest.raises(SignInRefused):
        bench.sign_in(organisation="nowhere", username="alice")

    assert "alice" not in str(logged)
    assert logged[0]["reference"] == REFERENCE


def signed_in(bench: Bench) -> Any:
    live = bench.parts.cache.load(bench.sign_in(), at=AT)
    assert live is not None
    bench.recorder.drafts.clear()
    return live


def test_signing_out_ends_the_session_and_is_recorded(bench: Bench) -> None:
    live = signed_in(bench)
    bench.desk.sign_out(session=live, visit=bench.visit())

    (draft,) = bench.recorder.drafts
    assert (draft.kind, draft.outcome, draft.phase) == (Kind.SIGNOUT, Outcome.PERMIT, Phase.RESULT)
    assert (draft.actor_name, draft.session) == (
        "alice@cheshire-fire",
        live.session.hash.encode(),
    )
    assert not bench.parts.sessions.end(live.session.hash, at=AT)


def test_signing_out_needs_no_record(bench: Bench) -> None:
    """It only tightens: whoever wants to leave may leave."""
    live = signed_in(bench)
    bench.recorder.away = True
    with capture_logs() as logged:
        bench.desk.sign_out(session=live, visit=bench.visit())

    assert not bench.parts.sessions.end(live.session.hash, at=AT)
    assert [line["event"] for line in logged] == ["sign-out not recorded"]


def test_what_is_none_of_ours_is_a_fault_of_the_program(bench: Bench) -> None:
    live = signed_in(bench)

    with pytest.raises(TypeError, match="session"):
        bench.desk.sign_out(session=cast("Any", object()), visit=bench.visit())
    with pytest.raises(TypeError, match="visit"):
        bench.desk.sign_out(session=live, visit=cast("Any", object()))
    with pytest.raises(TypeError, match="visit"):
        bench.sign_in(visit=object())
