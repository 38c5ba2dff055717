"""From what was typed to a session, against a real directory, or to one same refusal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text

from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    RecordUnavailable,
    StoreError,
)
from gateway.identity.directories.directory import (
    BeforeBind,
    DirectoryPerson,
    DirectoryUntrusted,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.directories.ldap_directory import LdapDirectory
from gateway.identity.sessions.session_cache import MISS
from gateway.identity.signing_in.sign_in import SignedIn, Vouched
from gateway.identity.signing_in.sign_in_refusal import Refusal, refusal_code
from gateway.store.engine import writing
from tests.doubles.slapd import PASSWORD, Slapd
from tests.gateway.identity.conftest import settings_for
from tests.gateway.identity.desks import ALICE, Desk, ScriptedDirectory
from tests.gateway.identity.parts import AT, FIRE, Parts, later, us
from vetting.membership import Membership
from vetting.person import PersonKey
from vetting.register_membership import begin

pytestmark = pytest.mark.directory


@pytest.fixture
def scripted() -> ScriptedDirectory:
    return ScriptedDirectory()


@pytest.fixture
def real(parts: Parts, fire: Slapd) -> Iterator[Desk]:
    """A desk whose fire service has a real directory."""
    desk = Desk(parts, LdapDirectory(settings_for(fire)), ScriptedDirectory())
    yield desk
    desk.sign_in.close()


@pytest.fixture
def desk(parts: Parts, scripted: ScriptedDirectory) -> Iterator[Desk]:
    """A desk whose fire service has a directory that does as it is told."""
    desk = Desk(parts, scripted, ScriptedDirectory())
    yield desk
    desk.sign_in.close()


class TestSignedIn:
    """Somebody whom their directory vouches for."""

    def test_the_right_password_opens_a_session(self, real: Desk) -> None:
        real.parts.appoint()
        signed_in = real.attempt(" ALICE ")

        assert signed_in.staff.address == "alice@cheshire-fire"
        assert signed_in.staff.team == {"40012", "40013"}
        assert signed_in.subject.appointments == {"auditor"}
        assert signed_in.session.factors == {"password"}
        assert real.parts.sessions.find(signed_in.token, at=later(minutes=1)) is not None

    def test_the_directorys_claim_about_vetting_is_not_believed(self, real: Desk) -> None:
        """Alice's entry says DV; the register says nothing of her."""
        subject = real.attempt().subject

        assert subject.clearance.held(at=AT) == ()
        assert subject.clearance.reach(at=AT) == 0
        assert "DV" not in repr(subject.posts) + subject.unit

    def test_the_session_that_the_browser_showed_is_ended_everywhere(self, real: Desk) -> None:
        first = real.attempt().token
        real.parts.cache.load(first, at=AT)
        second = real.attempt(replaces=first).token

        assert not real.parts.reader.is_current(0)
        real.parts.reader.catch_up()
        assert real.parts.cache.load(first, at=AT) is None
        assert second != first

    def test_a_planted_token_is_never_taken_over(self, real: Desk) -> None:
        """Session fixation: whatever the browser brings, the token is new."""
        planted = "A" * 43

        assert real.attempt(replaces=planted).token != planted
        assert real.attempt(replaces="\0é" * 500).token

    def test_it_is_recorded_before_the_token_leaves(self, desk: Desk) -> None:
        recorded: list[SignedIn] = []
        signed_in = desk.attempt(record=recorded.append)

        assert recorded == [signed_in]

    def test_what_cannot_be_recorded_is_no_sign_in(self, desk: Desk) -> None:
        tokens: list[str] = []

        def record(signed_in: SignedIn) -> None:
            tokens.append(signed_in.token)
            message = "disk full"
            raise RecordUnavailable(message)

        with pytest.raises(RecordUnavailable):
            desk.attempt(record=record)

        assert desk.parts.sessions.find(tokens[0], at=AT) is None


class TestRefused:
    """Everybody else."""

    @pytest.mark.parametrize(
        ("username", "password", "code"),
        [
            ("alice", "wrong", "wrong-password"),
            ("nobody", PASSWORD, "unknown-person"),
            ("twin", PASSWORD, "unknown-person"),
            ("*", PASSWORD, "unknown-person"),
            ("alice", "", "credentials-malformed"),
            ("alice", "a\0", "credentials-malformed"),
            ("", PASSWORD, "credentials-malformed"),
            ("a" * 10_240, PASSWORD, "credentials-malformed"),
            ("alice", "a" * 10_240, "credentials-malformed"),
        ],
    )
    def test_a_wrong_name_and_a_wrong_password_are_told_as_one_thing(
        self, real: Desk, username: str, password: str, code: str
    ) -> None:
        """The record tells them apart, the person must not be able to."""
        refused = real.refused(username, password)

        assert (refused.code, refused.tellable) == (code, False)
        assert real.count("session") == 0

    def test_the_record_gets_the_name_as_the_directory_spells_it(self, real: Desk) -> None:
        assert real.refused(" ALICE ", "wrong").username == "alice"
        assert real.refused("Nobody", "wrong").username == ""

    @pytest.mark.parametrize("organisation", ["", "nowhere", "Cheshire-Fire", "doorless", "\0"])
    def test_an_unknown_organisation_is_refused(self, desk: Desk, organisation: str) -> None:
        refused = desk.refused(organisation=organisation)

        assert (refused.code, refused.tellable) == ("unknown-organisation", True)

    @pytest.mark.parametrize("name", ["nonumber"])
    def test_an_entry_without_a_number_is_refused_and_said_to_be(
        self, real: Desk, name: str
    ) -> None:
        refused = real.refused(name)

        assert (refused.code, refused.tellable) == ("entry-incomplete", True)
        assert real.refused(name, "wrong").code == "wrong-password"

    def test_a_number_under_another_identity_is_refused(
        self, desk: Desk, scripted: ScriptedDirectory
    ) -> None:
        desk.attempt()
        scripted.answer = lambda *_: replace(ALICE, directory_id="id-other")
        refused = desk.refused()

        assert (refused.code, refused.tellable) == ("identity-changed", True)
        assert desk.count("session") == 1

    def test_somebody_who_has_left_is_refused_whatever_the_old_directory_says(
        self, desk: Desk
    ) -> None:
        """An account left active after a transfer gives no rights (scenario test X1)."""
        key = PersonKey(organisation="cheshire-fire", employee_number=ALICE.employee_number)
        left = Membership(
            person="p1", key=key, starts_on=date(2020, 1, 1), ends_on=date(2020, 12, 31)
        )
        with writing(desk.parts.store) as connection:
            begin(connection, left, by="test", at=AT)
        refused = desk.refused()

        assert (refused.code, refused.tellable) == ("not-employed", True)
        assert desk.count("session") == 0

    def test_a_refusal_leaves_the_session_of_the_browser_alone(self, real: Desk) -> None:
        """Or a foreign page could sign somebody out by failing to sign in."""
        token = real.attempt().token
        real.refused("alice", "wrong", replaces=token)

        assert real.parts.sessions.find(token, at=AT) is not None


class TestTooMany:
    """Guessing."""

    def test_after_too_many_failures_even_the_right_password_waits(self, real: Desk) -> None:
        for _ in range(3):
            assert real.refused("alice", "wrong").code == "wrong-password"
        refused = real.refused("alice", PASSWORD, source="10.0.0.2")

        assert (refused.code, refused.tellable) == ("too-many-attempts", True)
        assert real.attempt(minutes=30).staff.username == "alice"

    def test_an_unknown_name_runs_into_the_same_limit(self, real: Desk) -> None:
        """Otherwise the limit would tell who exists."""
        for _ in range(3):
            assert real.refused("nobody", "wrong").code == "unknown-person"

        assert real.refused("nobody", "wrong").code == "too-many-attempts"

    def test_every_spelling_is_one_person(self, real: Desk) -> None:
        for spelling in ("alice", "ALICE", " alice"):
            real.refused(spelling, "wrong")

        assert real.refused("Alice").code == "too-many-attempts"

    def test_every_name_of_a_person_is_one_person_and_nobody_is_told(
        self, desk: Desk, scripted: ScriptedDirectory
    ) -> None:
        """A locked person's mail address is answered as a name that nobody has."""

        def refuse(name: str, _: str) -> DirectoryPerson:
            if name in scripted.entries:
                raise WrongPassword("directory: wrong", username="alice")
            raise UnknownPerson("directory: nobody")

        scripted.answer = refuse
        scripted.entries["alice@fire.example"] = "id-alice"
        for _ in range(3):
            desk.refused("alice", "wrong")
        by_mail, nobody = desk.refused("alice@fire.example"), desk.refused("made@up.example")

        assert (by_mail.code, nobody.code) == ("too-many-attempts", "unknown-person")
        assert (by_mail.tellable, nobody.tellable) == (False, False)
        assert scripted.decoys == ["alice@fire.example"]
        assert scripted.asked.count("alice@fire.example") == 0

    def test_nobody_tries_a_password_after_the_caller_has_given_up(
        self, desk: Desk, scripted: ScriptedDirectory, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A try that nobody waits for would be counted by the directory all the same."""
        monkeypatch.setattr("gateway.identity.signing_in.sign_in.GRACE_SECONDS", 0.0)
        late, ended, verdicts = threading.Event(), threading.Event(), list[object]()

        def authenticate(*_: object, before_bind: BeforeBind, **__: object) -> DirectoryPerson:
            late.wait(20)
            try:
                verdicts.append(before_bind("alice", "id-alice"))
            except DirectoryUnavailable as error:
                verdicts.append(type(error))
            finally:
                ended.set()
            return ALICE

        desk.sign_in._doors = {FIRE: replace(desk.sign_in._doors[FIRE], budget_seconds=0.05)}
        monkeypatch.setattr(scripted, "authenticate", authenticate)
        with pytest.raises(DirectoryUnavailable):
            desk.attempt()
        late.set()
        assert ended.wait(20)

        assert verdicts == [DirectoryUnavailable]
        assert desk.count("sign_in_attempt") == 0

    def test_the_same_name_elsewhere_is_not_refused(self, real: Desk) -> None:
        for _ in range(3):
            real.refused("alice", "wrong")

        assert real.attempt(organisation="nwas").staff.organisation == "nwas"

    def test_the_directory_is_not_asked_any_more(
        self, desk: Desk, scripted: ScriptedDirectory
    ) -> None:
        """Its own lockout must not be reached through us."""

        def refuse(*_: str) -> DirectoryPerson:
            raise WrongPassword("directory: wrong", username="alice")

        scripted.answer = refuse
        for _ in range(6):
            desk.refused("alice", "wrong")

        assert len(scripted.asked) == 3

    def test_one_source_trying_many_names_is_refused(
        self, desk: Desk, scripted: ScriptedDirectory
    ) -> None:
        def refuse(*_: str) -> DirectoryPerson:
            raise UnknownPerson("directory: nobody")

        scripted.answer = refuse
        codes = [desk.refused(f"p{number}", "guess").code for number in range(10)]

        assert codes == ["unknown-person"] * 8 + ["too-many-attempts"] * 2

    def test_an_attempt_is_counted_before_the_password_is_tried(
        self, desk: Desk, scripted: ScriptedDirectory
    ) -> None:
        """A crash in between must not be a free guess."""
        counts: list[int] = []

        def look(*_: str) -> DirectoryPerson:
            counts.append(desk.count("sign_in_attempt WHERE judged = 1"))
            return ALICE

        scripted.answer = look
        desk.attempt()

        assert counts == [1]
        assert desk.count("sign_in_attempt") == 0

    def test_good_sign_ins_are_never_too_many(self, desk: Desk) -> None:
        tokens = {desk.attempt().token for _ in range(12)}

        assert len(tokens) == 12


class TestDirectoryAway:
    """Their directory is down, slow or not itself."""

    @pytest.mark.parametrize(
        ("error", "code"),
        [
            (DirectoryUnavailable("directory: away"), "directory-unavailable"),
            (DirectoryUntrusted("directory: impostor"), "directory-untrusted"),
            (DirectoryMisconfigured("directory: unfit"), "directory-misconfigured"),
        ],
    )
    def test_it_is_said_and_nobody_is_blamed(
        self, desk: Desk, scripted: ScriptedDirectory, error: GatewayError, code: str
    ) -> None:
        def fail(*_: str) -> DirectoryPerson:
            raise error

        scripted.answer = fail
        codes = []
        for _ in range(5):
            with pytest.raises(type(error)) as raised:
                desk.attempt()
            codes.append(refusal_code(raised.value))

        assert codes == [code] * 5
        assert desk.count("sign_in_attempt WHERE judged = 1") == 0

    def test_another_organisation_is_not_affected(
        self, desk: Desk, scripted: ScriptedDirectory
    ) -> None:
        """Two sign-ins hang at the fire service; the third is told so, the medics sign in."""
        hanging, let_go = threading.Semaphore(0), threading.Event()

        def hang(*_: str) -> DirectoryPerson:
            hanging.release()
            let_go.wait(20)
            return ALICE

        scripted.answer = hang
        threads = [threading.Thread(target=desk.attempt) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert hanging.acquire(timeout=10)
        started = time.monotonic()
        busy = desk.refused()
        medic = desk.attempt(organisation="nwas")
        waited = time.monotonic() - started
        let_go.set()
        for thread in threads:
            thread.join()

        assert (busy.code, busy.tellable) == ("busy", True)
        assert medic.staff.organisation == "nwas"
        assert waited < 2

    def test_a_directory_that_does_not_let_attempts_be_counted_signs_nobody_in(
        self, parts: Parts
    ) -> None:
        class Careless(ScriptedDirectory):
            def authenticate(
                self,
                name: str,
                password: str,
                budget_seconds: float,
                *,
                before_bind: BeforeBind | None = None,  # noqa: ARG002  # that is its fault
            ) -> DirectoryPerson:
                return super().authenticate(name, password, budget_seconds)

        desk = Desk(parts, Careless(), ScriptedDirectory())
        with pytest.raises(DirectoryMisconfigured, match="counted"):
            desk.attempt()


VOUCHED = Vouched(
    organisation="cheshire-fire",
    directory="cheshire-fire",
    person=ALICE,
    factors=frozenset({"provider"}),
    source="10.0.0.1",
)


class TestAdmitted:
    """Somebody whom a provider has vouched for: no password, the same rest."""

    def test_who_is_vouched_for_gets_a_session_with_the_factors_shown(self, desk: Desk) -> None:
        older = desk.attempt().token
        recorded: list[SignedIn] = []
        signed_in = desk.sign_in.admit(VOUCHED, at=AT, replaces=older, record=recorded.append)

        assert signed_in.session.factors == {"provider"}
        assert signed_in.staff.address == "alice@cheshire-fire"
        assert recorded == [signed_in]
        assert desk.parts.sessions.find(older, at=AT) is None
        assert desk.count("sign_in_attempt") == 0

    def test_an_unknown_organisation_is_refused(self, desk: Desk) -> None:
        with pytest.raises(Refusal) as refused:
            desk.sign_in.admit(replace(VOUCHED, organisation="nowhere"), at=AT)

        assert refused.value.code == "unknown-organisation"

    def test_a_number_under_another_identity_is_refused(self, desk: Desk) -> None:
        desk.attempt()
        other = replace(VOUCHED, person=replace(ALICE, directory_id="id-other"))
        with pytest.raises(Refusal) as refused:
            desk.sign_in.admit(other, at=AT)

        assert refused.value.code == "identity-changed"

    def test_what_cannot_be_recorded_is_no_sign_in(self, desk: Desk) -> None:
        def record(_: SignedIn) -> None:
            message = "disk full"
            raise RecordUnavailable(message)

        with pytest.raises(RecordUnavailable):
            desk.sign_in.admit(VOUCHED, at=AT, record=record)

        assert desk.count("session WHERE ended_at_us IS NULL") == 0


def test_what_changed_in_the_directory_holds_in_ones_other_sessions_at_once(
    desk: Desk, parts: Parts
) -> None:
    """A re-check afterwards finds what is remembered already, and tells nobody."""

    def signs_in(post: str) -> SignedIn:
        person = DirectoryPerson(
            directory_id="id-alice", username="alice", name="Alice", employee_number="40011",
            posts=frozenset({post}),
        )  # fmt: skip
        return desk.sign_in.admit(
            Vouched(
                organisation=FIRE,
                directory=FIRE,
                person=person,
                factors=frozenset({"provider"}),
                source="10.0.0.1",
            ),
            at=AT,
        )

    token = signs_in("hr").token
    live = parts.cache.load(token, at=AT)
    assert live is not None
    assert live.subject.posts == {"hr"}
    signs_in("firefighter")

    assert not parts.reader.is_current(time.monotonic())
    parts.reader.read()
    assert parts.cache.get(token, us(AT)) is MISS
    again = parts.cache.load(token, at=AT)
    assert again is not None
    assert again.subject.posts == {"firefighter"}


def test_without_the_database_nobody_signs_in(desk: Desk, scripted: ScriptedDirectory) -> None:
    with writing(desk.parts.store) as connection:
        connection.execute(text("ALTER TABLE sign_in_attempt RENAME TO gone"))
    with pytest.raises(StoreError) as raised:
        desk.attempt()

    assert refusal_code(raised.value) == "store-unavailable"
    assert scripted.asked == []


def test_a_real_silent_directory_delays_nobody_elsewhere(
    parts: Parts, own_server: Slapd, tmp_path: Path
) -> None:
    """Row 2 of the fault matrix, with a server that is there and says nothing."""
    assert tmp_path.exists()
    own_server.pause()
    desk = Desk(parts, LdapDirectory(settings_for(own_server)), ScriptedDirectory())
    outcomes: list[str] = []

    def attempt(number: int) -> None:
        try:
            desk.attempt(f"p{number}")
        except GatewayError as error:
            outcomes.append(refusal_code(error))

    started = time.monotonic()
    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    longest = 0.0
    for _ in range(10):
        one = time.monotonic()
        desk.attempt(organisation="nwas")
        longest = max(longest, time.monotonic() - one)
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["busy"] * 8 + ["directory-unavailable"] * 2
    assert longest < 1.5
    assert time.monotonic() - started < 6
