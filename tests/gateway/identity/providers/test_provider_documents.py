"""Discovery and keys of a provider: whose they say they are, how often they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from joserfc.jwk import OctKey, OKPKey, RSAKey

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.providers.provider_documents import ProviderDocuments, read_keys
from gateway.identity.providers.provider_http import ProviderHttp
from gateway.identity.providers.provider_settings import ProviderSettings
from tests.doubles.token_issuer import EC, OTHER_RSA, RSA, Reply, TokenIssuer, part, public_keys

DISCOVERY = "/.well-known/openid-configuration"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def settings_of(issuer: TokenIssuer) -> ProviderSettings:
    return ProviderSettings(
        id="nwas",
        organisation="nwas",
        name="NWAS",
        issuer=issuer.url,
        client_id="gateway",
        redirect_uri="http://localhost:8080/-/oidc/nwas/callback",
        signed_out_uri="http://localhost:8080/-/sign-out",
    )


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def documents(issuer: TokenIssuer, clock: Clock) -> ProviderDocuments:
    return ProviderDocuments(
        settings_of(issuer), ProviderHttp(None, monotonic=clock), monotonic=clock
    )


# The clock of the documents stands still, so a deadline of theirs is far in its own time.
DEADLINE = 1e6


def test_discovery_says_where_to_ask(issuer: TokenIssuer, documents: ProviderDocuments) -> None:
    issuer.discovery["authorization_response_iss_parameter_supported"] = True
    found = documents.endpoints(DEADLINE)

    assert found.authorization == f"{issuer.url}/auth"
    assert found.names_itself
    assert documents.endpoints(DEADLINE) is found
    assert issuer.asked[DISCOVERY] == 1


@pytest.mark.parametrize("said", ["https://evil.example", "", None, 7, ["x"]])
def test_discovery_of_another_issuer_is_refused(
    issuer: TokenIssuer, documents: ProviderDocuments, said: object
) -> None:
    issuer.discovery["issuer"] = said
    with pytest.raises(DirectoryMisconfigured, match="says it is"):
        documents.endpoints(DEADLINE)


def test_an_issuer_that_differs_by_a_slash_is_another(
    issuer: TokenIssuer, documents: ProviderDocuments
) -> None:
    issuer.discovery["issuer"] = issuer.url + "/"
    with pytest.raises(DirectoryMisconfigured):
        documents.endpoints(DEADLINE)


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
@pytest.mark.parametrize(
    "url",
    [
        None, 7, "", "/token", "https://evil.example/token", "http://127.0.0.1:9/token",
        "http://127.0.0.1.evil.example/token", "file:///etc/passwd", "javascript:alert(1)",
        "http://[::1", "HERE@evil.example/", "http://user@127.0.0.1:PORT/t", "HERE/t#x", "HERE/t t",
        "HERE/é",
    ],
    ids=str,
)  # fmt: skip
def test_an_endpoint_elsewhere_is_refused(
    issuer: TokenIssuer, documents: ProviderDocuments, name: str, url: object
) -> None:
    """Whoever can change the document must not have us show them codes and secrets."""
    if isinstance(url, str):
        port = issuer.url.rpartition(":")[2]
        url = url.replace("HERE", issuer.url).replace("PORT", port)
    issuer.discovery[name] = url
    with pytest.raises(DirectoryMisconfigured, match=name):
        documents.endpoints(DEADLINE)


def test_an_endpoint_at_a_host_that_the_settings_name_is_taken(
    issuer: TokenIssuer, clock: Clock
) -> None:
    issuer.discovery["userinfo_endpoint"] = "http://graph.example/me"
    named = replace(settings_of(issuer), hosts=frozenset({"graph.example"}))

    http = ProviderHttp(None, monotonic=clock)
    found = ProviderDocuments(named, http, monotonic=clock).endpoints(DEADLINE)
    assert found.userinfo == "http://graph.example/me"


def test_a_provider_without_pkce_is_refused(
    issuer: TokenIssuer, documents: ProviderDocuments
) -> None:
    issuer.discovery["code_challenge_methods_supported"] = ["plain"]
    with pytest.raises(DirectoryMisconfigured, match="PKCE"):
        documents.endpoints(DEADLINE)


@pytest.mark.parametrize("status", [500, 404])
def test_what_failed_is_not_asked_again_at_once(
    issuer: TokenIssuer, documents: ProviderDocuments, clock: Clock, status: int
) -> None:
    issuer.replies[DISCOVERY] = lambda: (status, "application/json", b"{}")
    for _ in range(5):
        with pytest.raises(DirectoryUnavailable):
            documents.endpoints(DEADLINE)
    assert issuer.asked[DISCOVERY] == 1
    issuer.replies.clear()
    clock.now += 10

    assert documents.endpoints(DEADLINE).token == f"{issuer.url}/token"


class TestKeys:
    """Rotation, early, late and withdrawn (rows 11 and 12 of the fault matrix)."""

    def test_a_new_key_is_found_with_one_fetch(
        self, issuer: TokenIssuer, documents: ProviderDocuments, clock: Clock
    ) -> None:
        assert documents.key("one", DEADLINE) is not None
        issuer.keys = public_keys(RSA, OTHER_RSA)
        clock.now += 10

        assert documents.key("other", DEADLINE) is not None
        assert issuer.asked["/keys"] == 2
        assert documents.key("other", DEADLINE) is not None
        assert issuer.asked["/keys"] == 2

    def test_a_withdrawn_key_is_refused_within_a_minute(
        self, issuer: TokenIssuer, documents: ProviderDocuments, clock: Clock
    ) -> None:
        assert documents.key("one", DEADLINE) is not None
        issuer.keys = public_keys(OTHER_RSA)
        clock.now += 60

        assert documents.key("one", DEADLINE) is None

    def test_a_flood_of_unknown_keys_asks_once_in_ten_seconds(
        self, issuer: TokenIssuer, documents: ProviderDocuments, clock: Clock
    ) -> None:
        assert documents.key("one", DEADLINE) is not None
        for tenth in range(250):
            clock.now = 1_000 + tenth / 10
            assert documents.key(f"unknown-{tenth}", DEADLINE) is None

        assert issuer.asked["/keys"] == 3

    def test_a_flood_at_once_asks_once(
        self, issuer: TokenIssuer, documents: ProviderDocuments, clock: Clock
    ) -> None:
        """Single flight: the others wait for the one that asks."""
        assert documents.key("one", DEADLINE) is not None
        clock.now += 10
        threads = [
            threading.Thread(target=documents.key, args=(f"unknown-{number}", DEADLINE))
            for number in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert issuer.asked["/keys"] == 2

    def test_known_keys_are_found_while_nothing_can_be_fetched(
        self, issuer: TokenIssuer, documents: ProviderDocuments, clock: Clock
    ) -> None:
        assert documents.key("one", DEADLINE) is not None
        issuer.replies["/keys"] = lambda: (500, "text/plain", b"")
        clock.now += 59

        assert documents.key("one", DEADLINE) is not None
        with pytest.raises(DirectoryUnavailable):
            documents.key("unknown", DEADLINE)
        clock.now += 1
        with pytest.raises(DirectoryUnavailable):
            documents.key("one", DEADLINE)

    @pytest.mark.parametrize(
        "reply",
        [
            (500, "application/json", b"{}"),
            (200, "text/html", b"<html>"),
            (200, "application/json", b'{"keys": []}'),
            (200, "application/json", b'{"keys": {}}'),
            (200, "application/json", b"{}"),
            (200, "application/json", b'{"keys": "' + b"x" * 10_000_000 + b'"}'),
        ],
        ids=["500", "html", "none", "no-list", "empty", "10MB"],
    )
    def test_keys_that_cannot_be_had_let_nobody_in(
        self, issuer: TokenIssuer, documents: ProviderDocuments, reply: Reply
    ) -> None:
        issuer.replies["/keys"] = lambda: reply
        with pytest.raises(DirectoryUnavailable):
            documents.key("one", DEADLINE)


def jwk(key: Any, **changes: Any) -> dict[str, Any]:
    said = {**key.as_dict(private=False), **changes}
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    "make",
    [
        lambda: OctKey.generate_key(256, {"kid": "x"}).as_dict(private=True),
        lambda: RSAKey.generate_key(2048, {"kid": "x"}).as_dict(private=True),
        lambda: jwk(RSA, kid="x", use="enc"),
        lambda: jwk(RSA, kid="x", key_ops=["encrypt"]),
        lambda: jwk(RSA, kid="x", alg="HS256"),
        lambda: jwk(RSA, kid="x", alg="none"),
        lambda: jwk(RSA, kid="x", n="AQAB"),
        lambda: jwk(RSA, kid="x", n=None),
        lambda: jwk(RSA, kid="x", kty="oct", k="c2VjcmV0"),
        lambda: jwk(EC, kid="x", x="AA"),
        lambda: {"kty": "EC", "kid": "x"},
        lambda: {"kid": "x"},
        lambda: {"kty": ["RSA"], "kid": "x"},
    ],
    ids=map(str, range(13)),
)
def test_a_key_that_cannot_check_signatures_is_left_out(make: Callable[[], Any]) -> None:
    assert set(read_keys({"keys": [make(), jwk(RSA)]})) == {"one"}


def test_a_name_of_two_keys_is_the_name_of_none() -> None:
    """Which of them signed would be a second reading."""
    assert set(read_keys({"keys": [jwk(RSA), jwk(OTHER_RSA, kid="one"), jwk(EC)]})) == {"curve"}


def test_a_short_key_is_left_out() -> None:
    short = {"kty": "RSA", "kid": "short", "e": "AQAB", "n": part(b"\xff" * 128)}

    assert set(read_keys({"keys": [short, jwk(RSA)]})) == {"one"}


@pytest.mark.parametrize(
    ("algorithm", "fits"),
    [
        ("RS256", {"one"}), ("PS512", {"one"}), ("ES256", {"curve"}), ("ES384", set()),
        ("EdDSA", {"edwards"}), ("HS256", set()), ("none", set()), ("", set()),
    ],
)  # fmt: skip
def test_a_key_is_used_with_its_own_kind_of_signature(algorithm: str, fits: set[str]) -> None:
    edwards = OKPKey.generate_key("Ed25519", {"kid": "edwards"})
    keys = read_keys({"keys": [jwk(RSA), jwk(EC), jwk(edwards)]})

    assert {kid for kid, key in keys.items() if key.fits(algorithm)} == fits


def test_a_key_that_is_tied_to_one_algorithm_checks_no_other() -> None:
    (key,) = read_keys({"keys": [jwk(RSA, alg="PS256")]}).values()

    assert key.fits("PS256")
    assert not key.fits("RS256")
