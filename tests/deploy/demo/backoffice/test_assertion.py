"""The back office believes the gateway's assertion, and nothing that only looks like one."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from deploy.demo.backoffice.assertion import AssertionRefusedError
from tests.doubles.assertion_signer import Signer

# The assertion's algorithm is named as everybody reads it; RFC 9864 has a newer name.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


@pytest.fixture
def own_signer(signer: Signer) -> Signer:
    """The signer with its clock and keys as they were."""
    signer.now = 1_795_000_000.0
    del signer.keys[1:]
    return signer


def test_an_assertion_of_the_gateway_names_the_asker(own_signer: Signer) -> None:
    asker = own_signer.verifier().verify(own_signer.assertion())

    assert (asker.organisation, asker.employee_number) == ("cheshire-fire", "40011")
    assert asker.name == "Robin Ashdown"


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another-system"},
        {"iss": "http://elsewhere.example"},
        {"exp": 1_795_000_000 - 10},
        {"iat": 1_795_000_000 - 3_600, "nbf": 1_795_000_000 - 3_600},
        {"nbf": 1_795_000_000 + 30},
        {"exp": 1_795_000_000 + 3_600},
        {"exp": None},
        {"aud": None},
        {"jti": None},
        {"sub": None},
        {"employee_number": None},
        {"employee_number": ""},
        {"org": 7},
    ],
    ids=str,
)
def test_wrong_claims_are_refused(own_signer: Signer, changed: dict[str, Any]) -> None:
    """Another audience, another issuer, too old, too long-lived, or with something missing."""
    with pytest.raises(AssertionRefusedError):
        own_signer.verifier().verify(own_signer.assertion(**changed))


def test_a_foreign_key_is_refused(own_signer: Signer) -> None:
    stranger = OKPKey.generate_key("Ed25519", {"kid": "one"})

    with pytest.raises(AssertionRefusedError):
        own_signer.verifier().verify(own_signer.assertion(key=stranger))


@pytest.mark.parametrize("token", ["", None, "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_assertion_is_refused(own_signer: Signer, token: str | None) -> None:
    with pytest.raises(AssertionRefusedError):
        own_signer.verifier().verify(token)


def test_the_public_key_cannot_be_used_as_a_shared_secret(own_signer: Signer) -> None:
    """A token signed with HMAC and the public key as its secret is an old trick."""
    public = own_signer.keys[0].as_dict(private=False)
    secret = OctKey.import_key(str(public["x"]))
    token = jwt.encode({"alg": "HS256", "kid": "one"}, {"sub": "x"}, secret)

    with pytest.raises(AssertionRefusedError):
        own_signer.verifier().verify(token)


def test_an_assertion_is_not_believed_longer_because_it_was_once(own_signer: Signer) -> None:
    """What is remembered ends when the assertion ends."""
    verifier, token = own_signer.verifier(), own_signer.assertion()
    verifier.verify(token)
    own_signer.now += 70

    with pytest.raises(AssertionRefusedError):
        verifier.verify(token)


def test_a_new_key_of_the_gateway_is_fetched_when_it_is_met(own_signer: Signer) -> None:
    verifier = own_signer.verifier()
    verifier.verify(own_signer.assertion())
    newer = OKPKey.generate_key("Ed25519", {"kid": "two"})
    own_signer.keys.append(newer)
    own_signer.now += 10

    assert verifier.verify(own_signer.assertion(key=newer)).employee_number == "40011"


def test_forged_assertions_do_not_make_it_fetch_the_keys_each_time(own_signer: Signer) -> None:
    """A stranger must not be able to turn each request into one to the gateway."""
    verifier = own_signer.verifier()
    stranger = OKPKey.generate_key("Ed25519", {"kid": "nine"})
    before = own_signer.fetched
    for _ in range(20):
        with pytest.raises(AssertionRefusedError):
            verifier.verify(own_signer.assertion(key=stranger))

    assert own_signer.fetched - before <= 2
