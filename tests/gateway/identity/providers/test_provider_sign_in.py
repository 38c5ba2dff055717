"""Signing in through a provider, from the button to the session, and every way it may not go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.demo.provider_browser import ProviderBrowser
from gateway.errors import DirectoryUnavailable, GatewayError, RecordUnavailable, SecondFactorOwed
from gateway.identity.directories.bulkhead import Bulkhead
from gateway.identity.providers.oidc_directory import OidcDirectory
from gateway.identity.providers.provider_logins import LOGIN_LASTS, ProviderLogins
from gateway.identity.providers.provider_sessions import ProviderSessions
from gateway.identity.providers.provider_settings import ClaimNames, ProviderSettings
from gateway.identity.providers.provider_sign_in import Arrival, Provider, ProviderSignIn
from gateway.identity.providers.token_checks import TokenRefused
from gateway.identity.signing_in.sign_in import SignedIn
from gateway.identity.signing_in.sign_in_refusal import Refusal, refusal_code
from tests.doubles.provider import JO, RunningProvider
from tests.doubles.token_issuer import TokenIssuer, mint
from tests.gateway.identity.desks import Desk, ScriptedDirectory
from tests.gateway.identity.parts import AT, FIRE, Parts, later
from tests.gateway.identity.provider_parts import now, settings_at, settings_of, sign_in_at

BROWSER = "b" * 43
SECRET = bytes(range(32))
HOME = "/-/portal"


class Gate:
    """The providers of a gateway."""

    def __init__(self, parts: Parts, *settings: ProviderSettings, linked: bool = False) -> None:
        self.parts = parts
        self.kept = kept = ProviderSessions(parts.store, parts.sessions, SECRET)
        self.desk = Desk(parts, ScriptedDirectory(), ScriptedDirectory(), keep=kept.keep)
        self.signing = ProviderSignIn(
            providers={
                each.id: Provider(
                    directory=OidcDirectory(each),
                    bulkhead=Bulkhead(each.id, at_once=2),
                    linked=linked,
                )
                for each in settings
            },
            logins=ProviderLogins(parts.store, SECRET, per_source=50),
            sessions=kept,
            sign_in=self.desk.sign_in,
        )

    def begin(self, directory: str = "nwas", *, at: Any = AT, browser: str = BROWSER) -> str:
        return self.signing.begin(
            directory, browser=browser, next_path=HOME, source="10.0.0.1", at=at
        )

    def finish(
        self, answer: dict[str, list[str]], directory: str = "nwas", **changes: Any
    ) -> Arrival:
        usual: dict[str, Any] = {
            "browser": BROWSER, "source": "10.0.0.1", "agent": "Firefox", "at": AT,
        }  # fmt: skip
        return self.signing.finish(directory, answer, **{**usual, **changes})

    def refused(self, answer: dict[str, list[str]], **changes: Any) -> str:
        with pytest.raises(GatewayError) as raised:
            self.finish(answer, **changes)
        return refusal_code(raised.value)


@pytest.fixture
def gate(parts: Parts, issuer: TokenIssuer) -> Iterator[Gate]:
    """A gateway with one provider, which does as it is told."""
    made = Gate(parts, settings_at(issuer))
    yield made
    made.signing.close()
    made.desk.sign_in.close()


def sent(gate: Gate, issuer: TokenIssuer, **changes: Any) -> dict[str, list[str]]:
    """Begin, have the issuer mint a token for it, and give what comes back."""
    asked = parse_qs(urlsplit(gate.begin()).query)
    token = mint(issuer.claims(asked["nonce"][0], AT, **changes))
    issuer.tokens = {"access_token": "at", "token_type": "Bearer", "id_token": token}
    return {"state": asked["state"], "code": ["code-1"], "iss": [issuer.url]}


def test_somebody_signs_in_at_a_real_provider(parts: Parts, nwas: RunningProvider) -> None:
    gate = Gate(parts, settings_of(nwas))
    recorded: list[SignedIn] = []
    answer = sign_in_at(gate.begin(at=now()))
    arrival = gate.finish(answer, at=now(), record=recorded.append)
    session = arrival.signed_in.session

    assert arrival.next_path == HOME
    assert recorded == [arrival.signed_in]
    assert arrival.signed_in.staff.address == "jo.hartley@nwas"
    assert arrival.signed_in.staff.person == "nwas/70150"
    assert session.directory == "nwas"
    assert session.factors == {"provider"}
    assert (session.source, session.agent) == ("10.0.0.1", "Firefox")
    assert session.provider_session
    assert arrival.signed_in.subject.clearance.held(at=AT) == ()
    gate.signing.close()


def test_somebody_signs_out_at_a_real_provider_and_comes_back(
    parts: Parts, nwas: RunningProvider
) -> None:
    gate = Gate(parts, settings_of(nwas))
    browser = ProviderBrowser()
    arrival = gate.finish(sign_in_at(gate.begin(at=now()), browser=browser), at=now())
    form = gate.signing.sign_out_form("nwas", arrival.signed_in.session.hash)

    assert form is not None
    assert "id_token_hint" in form.fields
    assert browser.sign_out(form.url, form.fields) == "http://localhost:8080/-/sign-out"
    assert gate.signing.sign_out_form("cheshire-fire", "0" * 64) is None
    gate.signing.close()


def test_what_a_controlled_issuer_says_is_taken_when_all_is_well(
    gate: Gate, issuer: TokenIssuer
) -> None:
    older = gate.desk.attempt(organisation="nwas").token
    arrival = gate.finish(sent(gate, issuer), replaces=older)

    assert arrival.signed_in.staff.employee_number == "70150"
    assert gate.parts.sessions.find(older, at=AT) is None


@pytest.mark.parametrize("name", ["state", "code", "iss", "error"])
def test_an_answer_with_two_readings_is_refused(gate: Gate, issuer: TokenIssuer, name: str) -> None:
    answer = sent(gate, issuer)
    answer[name] = [*answer.get(name, ["x"]), "y"]

    assert gate.refused(answer) == "callback-malformed"


def test_an_answer_to_nothing_is_refused(gate: Gate, issuer: TokenIssuer) -> None:
    answer = sent(gate, issuer)

    assert gate.refused({**answer, "state": ["x" * 43]}) == "sign-in-over"
    assert gate.refused({}) == "sign-in-over"
    assert gate.refused(answer, browser="c" * 43) == "sign-in-over"
    assert gate.refused(answer, at=AT + LOGIN_LASTS) == "sign-in-over"
    assert issuer.asked["/token"] == 0


def test_an_answer_is_taken_once(gate: Gate, issuer: TokenIssuer) -> None:
    answer = sent(gate, issuer)
    gate.finish(answer)

    assert gate.refused(answer) == "sign-in-over"


def test_what_one_provider_began_another_cannot_finish(parts: Parts, issuer: TokenIssuer) -> None:
    """Mix-up: the code of one must never be shown to the other."""
    with TokenIssuer() as evil:
        gate = Gate(parts, settings_at(issuer), settings_at(evil, id="evil"))
        answer = sent(gate, issuer)

        assert gate.refused(answer, directory="evil") == "sign-in-over"
        assert gate.refused({**answer, "iss": [evil.url]}) == "provider-answer-refused"
        assert evil.asked["/token"] == issuer.asked["/token"] == 0
        gate.signing.close()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"error": ["access_denied"]}, "provider-refused"),
        ({"error": ["login_required"], "error_description": ["<b>"]}, "provider-refused"),
        ({"error": ["server_error"]}, "directory-unavailable"),
        ({"error": ["temporarily_unavailable"]}, "directory-unavailable"),
        ({"error": ["access_denied"], "code": ["code-1"]}, "provider-refused"),
        ({"code": [""]}, "callback-malformed"),
        ({}, "callback-malformed"),
    ],
    ids=repr,
)
def test_what_is_no_code_is_told_apart(
    gate: Gate, issuer: TokenIssuer, answer: dict[str, list[str]], code: str
) -> None:
    sent_back = sent(gate, issuer)
    del sent_back["code"]

    assert gate.refused({**sent_back, **answer}) == code
    assert issuer.asked["/token"] == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"aud": "other", "azp": "gateway"}, "provider-answer-refused"),
        ({"nonce": "old"}, "provider-answer-refused"),
        ({"employee_number": None}, "entry-incomplete"),
        ({"employee_number": 70150}, "entry-incomplete"),
        ({"employee_number": "7/0"}, "entry-incomplete"),
    ],
    ids=repr,
)
def test_what_is_wrong_is_recorded_as_what_it_is(
    gate: Gate, issuer: TokenIssuer, changes: dict[str, Any], code: str
) -> None:
    assert gate.refused(sent(gate, issuer, **changes)) == code
    assert gate.desk.count("session") == 0


def test_a_part_of_the_groups_lets_nobody_in(parts: Parts, issuer: TokenIssuer) -> None:
    gate = Gate(parts, settings_at(issuer, claims=ClaimNames(groups="groups")))

    assert gate.refused(sent(gate, issuer, hasgroups=True)) == "groups-incomplete"
    gate.signing.close()


def test_what_cannot_be_recorded_is_no_sign_in(gate: Gate, issuer: TokenIssuer) -> None:
    def record(_: SignedIn) -> None:
        raise RecordUnavailable("record: away")

    with pytest.raises(RecordUnavailable):
        gate.finish(sent(gate, issuer), record=record)

    assert gate.desk.count("session WHERE ended_at_us IS NULL") == 0


class TestWhoIsWho:
    """Same person, same name, same number: row 9 of the fault matrix."""

    def test_a_person_in_two_directories_is_one_only_where_that_is_said(
        self, parts: Parts, issuer: TokenIssuer
    ) -> None:
        """Alice of the fire service, with a password and at a provider."""
        settings = settings_at(issuer, id="fire-provider", organisation=FIRE)
        for linked in (False, True):
            gate = Gate(parts, settings, linked=linked)
            by_password = gate.desk.attempt().staff
            answer = sent_to(gate, issuer, "fire-provider", employee_number="40011")
            if linked:
                arrival = gate.finish(answer, directory="fire-provider")
                assert arrival.signed_in.staff.staff_id == by_password.staff_id
                assert arrival.signed_in.session.directory == "fire-provider"
            else:
                assert gate.refused(answer, directory="fire-provider") == "identity-changed"
            gate.signing.close()

    def test_the_same_name_and_subject_at_two_organisations_are_two_people(
        self, parts: Parts, issuer: TokenIssuer
    ) -> None:
        with TokenIssuer() as fire:
            settings = settings_at(fire, id="fire-provider", organisation=FIRE)
            gate = Gate(parts, settings_at(issuer), settings)
            here = gate.finish(sent_to(gate, issuer, "nwas")).signed_in.staff
            there = gate.finish(
                sent_to(gate, fire, "fire-provider"), directory="fire-provider"
            ).signed_in.staff
            gate.signing.close()

        assert here.username == there.username
        assert here.employee_number == there.employee_number
        assert here.staff_id.partition("/")[2] != there.staff_id.partition("/")[2]
        assert (here.organisation, there.organisation) == ("nwas", FIRE)

    def test_an_account_deleted_and_made_again_is_refused(
        self, parts: Parts, nwas: RunningProvider
    ) -> None:
        gate = Gate(parts, settings_of(nwas))
        gate.finish(sign_in_at(gate.begin(at=now())), at=now())
        nwas.load({**JO, "id": "5d1c7a52-jo-again"})
        try:
            refused = gate.refused(sign_in_at(gate.begin(at=now())), at=now())
        finally:
            nwas.load(JO)
            gate.signing.close()

        assert refused == "identity-changed"


def sent_to(
    gate: Gate, issuer: TokenIssuer, directory: str, **changes: Any
) -> dict[str, list[str]]:
    asked = parse_qs(urlsplit(gate.begin(directory)).query)
    token = mint(issuer.claims(asked["nonce"][0], AT, **changes))
    issuer.tokens = {"access_token": "at", "token_type": "Bearer", "id_token": token}
    return {"state": asked["state"], "code": ["code-1"], "iss": [issuer.url]}


class TestBackChannel:
    """A provider says that somebody has signed out there, or was shut out."""

    def token(self, issuer: TokenIssuer, **changes: Any) -> str:
        usual: dict[str, Any] = {
            "iss": issuer.url,
            "aud": "gateway",
            "iat": int(AT.timestamp()),
            "exp": int(AT.timestamp()) + 120,
            "jti": "j-1",
            "sid": "s-1",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        claims = {name: value for name, value in {**usual, **changes}.items() if value is not None}
        return mint(claims, header={"alg": "RS256", "kid": "one", "typ": "logout+jwt"})

    def test_it_ends_the_session_of_that_sid(self, gate: Gate, issuer: TokenIssuer) -> None:
        arrival = gate.finish(sent(gate, issuer, sid="s-1"))
        (ended,) = gate.signing.back_channel("nwas", self.token(issuer), AT)

        assert ended.hash == arrival.signed_in.session.hash
        assert gate.parts.sessions.find(arrival.signed_in.token, at=AT) is None

    def test_it_ends_the_sessions_of_that_subject(self, gate: Gate, issuer: TokenIssuer) -> None:
        for sid in ("s-1", "s-2"):
            gate.finish(sent(gate, issuer, sid=sid))
        token = self.token(issuer, sid=None, sub="id-jo")

        assert len(gate.signing.back_channel("nwas", token, later(seconds=30))) == 2

    def test_a_token_that_does_not_hold_ends_nothing(self, gate: Gate, issuer: TokenIssuer) -> None:
        gate.finish(sent(gate, issuer, sid="s-1"))
        id_token = issuer.tokens["id_token"]
        for token in (id_token, self.token(issuer, aud="other"), self.token(issuer)[:-4] + "AAAA"):
            with pytest.raises(TokenRefused):
                gate.signing.back_channel("nwas", token, AT)
        with pytest.raises(TokenRefused):
            gate.signing.back_channel("unknown", self.token(issuer), AT)

        assert gate.desk.count("session WHERE ended_at_us IS NULL") == 1

    def test_it_is_taken_once(self, gate: Gate, issuer: TokenIssuer) -> None:
        gate.signing.back_channel("nwas", self.token(issuer), AT)
        with pytest.raises(TokenRefused, match="before"):
            gate.signing.back_channel("nwas", self.token(issuer), AT)


def test_a_silent_provider_delays_nobody_elsewhere(parts: Parts, issuer: TokenIssuer) -> None:
    """Row 10: two places are taken, the next is told so, others sign in."""
    gate = Gate(parts, settings_at(issuer))
    answers = [sent(gate, issuer) for _ in range(3)]
    reached = threading.Semaphore(0)

    def hang() -> tuple[int, str, bytes]:
        reached.release()
        return issuer.hang()

    issuer.replies["/token"] = hang
    threads = [threading.Thread(target=lambda one=one: gate.refused(one)) for one in answers[:2]]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert reached.acquire(timeout=10)

    assert gate.refused(answers[2]) == "busy"
    assert gate.desk.attempt().staff.organisation == FIRE
    issuer.let_go.set()
    for thread in threads:
        thread.join()
    gate.signing.close()


def test_a_browser_that_says_the_provider_is_away_closes_no_places(
    gate: Gate, issuer: TokenIssuer
) -> None:
    """Anybody can write that into an address; others must not be told to come back later for it."""
    hanging, *begun = [sent(gate, issuer) for _ in range(3)]
    for each in begun:
        del each["code"]
        assert gate.refused({**each, "error": ["server_error"]}) == "directory-unavailable"
    reached = threading.Event()

    def hang() -> tuple[int, str, bytes]:
        reached.set()
        return issuer.hang()

    issuer.replies["/token"] = hang
    thread = threading.Thread(target=lambda: gate.refused(hanging))
    thread.start()
    assert reached.wait(10)

    assert gate.begin().startswith(issuer.url)
    issuer.let_go.set()
    thread.join()


def test_who_owes_a_second_factor_keeps_where_they_were_going(
    gate: Gate, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def owes(*_: object, **__: object) -> None:
        raise SecondFactorOwed("T" * 43, staff_id="nwas/x", address="jo@nwas")

    monkeypatch.setattr(gate.desk.sign_in, "admit", owes)
    with pytest.raises(SecondFactorOwed) as owed:
        gate.finish(sent(gate, issuer))

    assert owed.value.next_path == HOME


def test_an_unknown_provider_is_refused(gate: Gate) -> None:
    with pytest.raises(Refusal) as refused:
        gate.begin("unknown")

    assert refused.value.code == "unknown-organisation"
    assert gate.signing.organisation_of("unknown") is None
    assert gate.signing.organisation_of("nwas") == "nwas"


def test_too_many_that_were_begun_are_refused(gate: Gate) -> None:
    for _ in range(50):
        gate.begin()
    with pytest.raises(Refusal) as refused:
        gate.begin()

    assert refused.value.code == "too-many-attempts"


def test_a_provider_that_is_away_is_told(gate: Gate, issuer: TokenIssuer) -> None:
    issuer.replies["/.well-known/openid-configuration"] = lambda: (500, "text/plain", b"")
    with pytest.raises(DirectoryUnavailable):
        gate.begin()


def test_a_session_lasts_no_longer_than_is_set_for_the_provider(
    parts: Parts, issuer: TokenIssuer
) -> None:
    gate = Gate(parts, settings_at(issuer, session_seconds=900))
    try:
        session = gate.finish(sent(gate, issuer)).signed_in.session
    finally:
        gate.signing.close()
        gate.desk.sign_in.close()

    assert session.ends_at_us - session.started_at_us == 900_000_000
    assert session.idle_us == 900_000_000
