"""Signing in through a provider, in the record: who came, who did not, whom it ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from gateway.audit.entry import Kind, Outcome, Phase
from gateway.audit.recorder import Recorder
from gateway.errors import DirectoryUnavailable, RecordUnavailable, SignInRefused
from gateway.front.provider_desk import RecordedProviders
from gateway.front.sign_in_desk import RecordedSignIn
from gateway.throttle import RefusalThrottle
from gateway.visit import Visit
from tests.doubles.token_issuer import OTHER_RSA, TokenIssuer, mint
from tests.gateway.front.test_sign_in_desk import NotingRecorder
from tests.gateway.identity.parts import AT, Parts, new_parts, us
from tests.gateway.identity.provider_parts import settings_at
from tests.gateway.identity.providers.test_provider_sign_in import BROWSER, Gate
from tests.gateway.visits import REFERENCE, new_visit, request


class Bench:
    """A desk with everything behind it, and an issuer that does as it is told."""

    def __init__(self, parts: Parts, issuer: TokenIssuer) -> None:
        self.parts = parts
        self.issuer = issuer
        self.recorder = NotingRecorder()
        self.gate = Gate(parts, settings_at(issuer))
        throttle = RefusalThrottle()
        recorder = cast("Recorder", self.recorder)
        self.desk = RecordedProviders(
            providers=self.gate.signing,
            desk=RecordedSignIn(
                sign_in=self.gate.desk.sign_in,
                sessions=parts.sessions,
                recorder=recorder,
                throttle=throttle,
                clock=lambda: AT,
            ),
            recorder=recorder,
            throttle=throttle,
            wall_us=lambda: us(AT),
        )

    def visit(self) -> Visit:
        return new_visit(request("GET", b"/-/oidc/nwas/callback", user_agent=b"Firefox"))

    def sent(self, **changes: Any) -> dict[str, list[str]]:
        """Begin, and give what comes back from the issuer."""
        url = self.desk.begin("nwas", browser=BROWSER, next_path="/fleet", visit=self.visit())
        asked = parse_qs(urlsplit(url).query)
        token = mint(self.issuer.claims(asked["nonce"][0], AT, **{"sid": "s-1", **changes}))
        self.issuer.tokens = {"access_token": "at", "token_type": "Bearer", "id_token": token}
        return {"state": asked["state"], "code": ["code-1"], "iss": [self.issuer.url]}

    def finish(self, answer: dict[str, list[str]]) -> tuple[str, str]:
        return self.desk.finish("nwas", answer, browser=BROWSER, visit=self.visit(), replaces=None)

    def logout_token(self, **changes: Any) -> str:
        now = int(AT.timestamp())
        claims = {
            "iss": self.issuer.url, "aud": "gateway", "iat": now, "exp": now + 120, "jti": "j-1",
            "sid": "s-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }  # fmt: skip
        return mint({**claims, **changes})


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with new_parts(tmp_path) as parts, TokenIssuer() as issuer:
        made = Bench(parts, issuer)
        yield made
        made.gate.signing.close()
        made.gate.desk.sign_in.close()


def test_who_signs_in_is_recorded_with_how(bench: Bench) -> None:
    token, next_path = bench.finish(bench.sent())

    assert next_path == "/fleet"
    assert bench.parts.sessions.find(token, at=AT) is not None
    (draft,) = bench.recorder.drafts
    assert (draft.kind, draft.outcome) == (Kind.SIGNIN, Outcome.PERMIT)
    assert (draft.actor_name, draft.organisation) == ("jo@nwas", "nwas")
    assert (draft.auth, draft.agent, draft.reference) == ("provider", "Firefox", REFERENCE)


def test_who_cannot_be_recorded_is_not_signed_in(bench: Bench) -> None:
    answer = bench.sent()
    bench.recorder.away = True
    with pytest.raises(RecordUnavailable):
        bench.finish(answer)

    assert bench.gate.desk.count("session WHERE ended_at_us IS NULL") == 0


def test_a_token_that_does_not_hold_is_recorded_and_told_to_operators(bench: Bench) -> None:
    answer = bench.sent(aud="other", azp="gateway")
    with capture_logs() as logged, pytest.raises(SignInRefused):
        bench.finish(answer)

    (draft,) = bench.recorder.drafts
    assert (draft.outcome, draft.code) == (Outcome.DENY, "provider-answer-refused")
    assert (draft.organisation, draft.actor_name) == ("nwas", "")
    assert "`aud` is not ours alone" in str(logged)
    assert bench.issuer.tokens["id_token"] not in str(logged)
    assert "70150" not in str(logged)


def test_a_provider_that_is_away_is_no_refusal_of_the_person(bench: Bench) -> None:
    answer = bench.sent()
    bench.issuer.replies["/token"] = lambda: (500, "text/plain", b"")
    with pytest.raises(DirectoryUnavailable):
        bench.finish(answer)

    assert (bench.recorder.drafts[-1].outcome, bench.recorder.drafts[-1].code) == (
        Outcome.ERROR,
        "directory-unavailable",
    )


def test_failures_of_one_source_are_recorded_one_by_one_to_a_bound(bench: Bench) -> None:
    for _ in range(25):
        with pytest.raises(SignInRefused):
            bench.finish({"state": ["x" * 43], "code": ["x"]})

    assert len(bench.recorder.drafts) == 20


def test_what_a_provider_ends_is_recorded_for_each_session(bench: Bench) -> None:
    token, _ = bench.finish(bench.sent())
    bench.recorder.drafts.clear()

    assert bench.desk.back_channel("nwas", bench.logout_token(), visit=bench.visit())
    (draft,) = bench.recorder.drafts
    assert (draft.kind, draft.phase, draft.code) == (
        Kind.SIGNOUT,
        Phase.RESULT,
        "provider-signed-out",
    )
    assert draft.actor_name == "jo@nwas"
    assert bench.parts.sessions.find(token, at=AT) is None


def test_ending_needs_no_record(bench: Bench) -> None:
    token, _ = bench.finish(bench.sent())
    bench.recorder.away = True
    with capture_logs() as logged:
        assert bench.desk.back_channel("nwas", bench.logout_token(), visit=bench.visit())

    assert bench.parts.sessions.find(token, at=AT) is None
    assert [line["event"] for line in logged] == ["sign-out not recorded"]


def test_a_logout_token_that_does_not_hold_is_recorded_within_limits(bench: Bench) -> None:
    forged = mint({"iss": bench.issuer.url}, key=OTHER_RSA)
    for _ in range(25):
        assert not bench.desk.back_channel("nwas", forged, visit=bench.visit())

    assert len(bench.recorder.drafts) == 20
    draft = bench.recorder.drafts[0]
    assert (draft.kind, draft.outcome, draft.code, draft.organisation) == (
        Kind.SIGNOUT,
        Outcome.DENY,
        "logout-token-refused",
        "nwas",
    )


def test_signing_out_there_needs_a_session_of_theirs(bench: Bench) -> None:
    token, _ = bench.finish(bench.sent())
    live = bench.parts.cache.load(token, at=AT)
    assert live is not None
    form = bench.desk.sign_out_form(live)

    assert form is not None
    assert form.fields["id_token_hint"] == bench.issuer.tokens["id_token"]
    with pytest.raises(TypeError, match="session"):
        bench.desk.sign_out_form(cast("Any", object()))


def test_whose_provider_it_is_is_known(bench: Bench) -> None:
    assert bench.desk.organisation_of("nwas") == "nwas"
    assert bench.desk.organisation_of("x") is None
