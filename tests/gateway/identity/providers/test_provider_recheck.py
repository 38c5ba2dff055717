"""A provider is asked again whether people are still there, and its answer counts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import DirectoryMisconfigured
from gateway.identity.providers.provider_recheck import ProviderDoor, ProviderLookUp
from gateway.identity.sessions.live_session import DirectoryAway
from gateway.identity.sessions.recheck import Ended, Recheck
from gateway.identity.sessions.session_cache import SessionCache
from gateway.identity.sessions.session_limits import Vouching
from tests.doubles.provider import JO, RunningProvider
from tests.doubles.token_issuer import OTHER_RSA, Reply, TokenIssuer, mint
from tests.gateway.identity.parts import AT, Parts, later
from tests.gateway.identity.provider_parts import now, settings_at, settings_of, sign_in_at
from tests.gateway.identity.providers.test_provider_sign_in import Gate


class Bench:
    """A gateway with one provider that is asked again; the clock is in the test's hand."""

    def __init__(self, parts: Parts, settings: Any, at: datetime = AT) -> None:
        self.parts, self.at = parts, at
        self.gate = Gate(parts, settings)
        self.ended: list[Ended] = []
        provider = self.gate.signing.providers["nwas"]
        look_up = ProviderLookUp(
            parts.store, provider.directory, self.gate.kept, lambda: self.at, self.ended.append
        )
        self.recheck = Recheck(
            engine=parts.store,
            bulletin=parts.bulletin,
            sessions=parts.sessions,
            directories={
                "nwas": ProviderDoor(
                    directory=look_up, bulkhead=provider.bulkhead, budget_seconds=3.0
                )
            },
            every=timedelta(seconds=60),
            report=self.ended.append,
            clock=lambda: self.at,
        )
        self.vouching = Vouching(directories=frozenset({"nwas"}), grace=timedelta(minutes=15))

    def check(self, minutes: float = 1) -> None:
        self.at += timedelta(minutes=minutes)
        self.recheck.check("nwas")

    def lives(self, token: str) -> bool:
        return self.parts.sessions.find(token, at=self.at) is not None

    def close(self) -> None:
        self.recheck.close()
        self.gate.signing.close()
        self.gate.desk.sign_in.close()


@pytest.fixture
def bench(parts: Parts, issuer: TokenIssuer) -> Iterator[Bench]:
    made = Bench(parts, settings_at(issuer, recheck=True))
    yield made
    made.close()


def signed_in(bench: Bench, issuer: TokenIssuer, refresh: str = "refresh-1") -> str:
    """Sign Jo in, and give the session's token."""
    asked = parse_qs(urlsplit(bench.gate.begin(at=bench.at)).query)
    token = mint(issuer.claims(asked["nonce"][0], bench.at))
    issuer.tokens = {
        "access_token": "at", "token_type": "Bearer", "id_token": token, "refresh_token": refresh,
    }  # fmt: skip
    answer = {"state": asked["state"], "code": ["code-1"], "iss": [issuer.url]}
    return bench.gate.finish(answer, at=bench.at).signed_in.token


def answers(issuer: TokenIssuer, at: datetime, **changes: Any) -> None:
    """Have it vouch again."""
    issuer.tokens = {
        "access_token": "at-2",
        "token_type": "Bearer",
        "id_token": mint(issuer.claims("", at, **changes)),
        "refresh_token": "refresh-2",
    }


def test_whoever_is_there_goes_on_with_what_is_said_of_them(
    bench: Bench, issuer: TokenIssuer
) -> None:
    token = signed_in(bench, issuer)
    answers(issuer, later(minutes=1), posts=["manager"])
    bench.check()
    asked = parse_qs(issuer.posted[-1])
    bench.check()

    assert asked["grant_type"] == ["refresh_token"]
    assert asked["refresh_token"] == ["refresh-1"]
    assert parse_qs(issuer.posted[-1])["refresh_token"] == ["refresh-2"]  # it was turned
    live = bench.parts.cache.load(token, at=bench.at)
    assert live is not None
    assert live.staff.posts == {"manager"}
    assert bench.ended == []


@pytest.mark.parametrize("error", ["invalid_grant", "interaction_required"])
def test_whoever_the_provider_does_not_vouch_for_is_signed_out(
    bench: Bench, issuer: TokenIssuer, error: str
) -> None:
    token = signed_in(bench, issuer)
    issuer.replies["/token"] = refuses(error)
    bench.check()

    assert not bench.lives(token)
    assert [(each.code, each.count) for each in bench.ended] == [("provider-signed-out", 1)]


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (lambda: (500, "text/html", b"<p>away"), "away"),
        (lambda: (400, "application/json", b'{"error": "invalid_client"}'), "we are unknown"),
        (lambda: (200, "application/json", b"[]"), "no object"),
        (lambda: (200, "application/json", b"{}"), "no tokens"),
        (
            lambda: (200, "application/json", b'{"access_token": "a", "refresh_token": 7}'),
            "an odd refresh token",
        ),
    ],
)
def test_a_provider_that_gives_no_answer_ends_nothing_and_vouches_for_nobody(
    bench: Bench, issuer: TokenIssuer, reply: Callable[[], Reply], why: str
) -> None:
    """As with a directory: its people work on for the grace, then they wait until it answers."""
    token = signed_in(bench, issuer)
    issuer.replies["/token"] = reply
    bench.check(14)
    cache = SessionCache(
        bench.parts.store, bench.parts.sessions, bench.parts.subjects, vouching=bench.vouching
    )

    assert bench.lives(token), why
    assert cache.load(token, at=later(minutes=14)) is not None
    with pytest.raises(DirectoryAway):
        cache.load(token, at=later(minutes=15))
    del issuer.replies["/token"]
    bench.at = later(minutes=15)
    answers(issuer, later(minutes=16))
    bench.check()
    assert cache.load(token, at=bench.at) is not None


def test_tokens_that_do_not_hold_vouch_for_nobody(bench: Bench, issuer: TokenIssuer) -> None:
    token = signed_in(bench, issuer)
    answers(issuer, later(minutes=1))
    issuer.tokens["id_token"] = mint(issuer.claims("", later(minutes=1)), key=OTHER_RSA)
    before = bench.parts.sessions.find(token, at=bench.at)
    bench.check()
    after = bench.parts.sessions.find(token, at=bench.at)

    assert before is not None
    assert after is not None
    assert after.vouched_at_us == before.vouched_at_us


@pytest.mark.parametrize(
    "changes", [{"sub": "somebody-else"}, {"employee_number": "1"}, {"employee_number": 7}], ids=str
)
def test_whoever_has_become_somebody_else_is_signed_out(
    bench: Bench, issuer: TokenIssuer, changes: dict[str, Any]
) -> None:
    token = signed_in(bench, issuer)
    answers(issuer, later(minutes=1), **changes)
    bench.check()

    assert not bench.lives(token)
    assert [each.code for each in bench.ended] == ["identity-changed"]


def test_of_two_sessions_the_one_it_does_not_vouch_for_ends(
    bench: Bench, issuer: TokenIssuer
) -> None:
    over, there = signed_in(bench, issuer, "over"), signed_in(bench, issuer, "there")
    answers(issuer, later(minutes=1))
    good = issuer.tokens

    def reply() -> Reply:
        if "refresh_token=over" in issuer.posted[-1]:
            return refuses("invalid_grant")()
        return 200, "application/json", json.dumps(good).encode()

    issuer.replies["/token"] = reply
    bench.check()

    assert (bench.lives(over), bench.lives(there)) == (False, True)


def test_without_a_refresh_token_nobody_is_signed_in(bench: Bench, issuer: TokenIssuer) -> None:
    """They could not be asked about: the settings and the provider do not fit together."""
    with pytest.raises(DirectoryMisconfigured, match="refresh"):
        signed_in(bench, issuer, "")


def refuses(error: str) -> Callable[[], Reply]:
    return lambda: (400, "application/json", f'{{"error": "{error}"}}'.encode())


def test_a_real_provider_is_asked_again(
    parts: Parts, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Vouched for while they are there; signed out once they are deleted there."""
    with RunningProvider(tmp_path_factory.mktemp("asked"), refresh=True) as running:
        bench = Bench(parts, settings_of(running, recheck=True), at=now())
        try:
            back = sign_in_at(bench.gate.begin(at=bench.at))
            token = bench.gate.finish(back, at=bench.at).signed_in.token
            bench.check()
            bench.check()
            assert bench.lives(token)
            running.load({**JO, "id": "somebody-else", "username": "sam"})
            bench.check()
            assert not bench.lives(token)
        finally:
            bench.close()
