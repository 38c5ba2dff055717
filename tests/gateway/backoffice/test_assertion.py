"""Who is asking, said so that a system can check it, and only about who is asking now."""

from dataclasses import replace
from typing import cast

import pytest
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from gateway.backoffice.assertion import LIFETIME_SECONDS, AssertionMint
from tests.policies.people import subject

ISSUER = "http://localhost:8080"
KEY = OKPKey.generate_key("Ed25519", {"kid": "k1", "use": "sig", "alg": "EdDSA"})


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.75

    def __call__(self) -> float:
        return self.at


def new_mint(clock: Clock, capacity: int = 100) -> AssertionMint:
    return AssertionMint(
        issuer=ISSUER, key=KEY, public_keys=KeySet([KEY]), clock=clock, capacity=capacity
    )


def read(token: bytes, keys: object = None) -> dict[str, object]:
    keyset = KeySet.import_key_set(new_mint(Clock()).jwks()) if keys is None else keys  # type: ignore[arg-type]
    return dict(jwt.decode(token.decode(), keyset, algorithms=["EdDSA"]).claims)  # type: ignore[arg-type]


def test_a_system_can_check_who_is_asking_with_the_public_keys_alone() -> None:
    claims = read(new_mint(Clock()).assertion_for(subject("DBSB"), "session", "ebs"))

    assert len(str(claims.pop("jti"))) == 16
    assert claims == {
        "iss": ISSUER,
        "aud": "ebs",
        "sub": "cheshire-fire/7d3c",
        "org": "cheshire-fire",
        "employee_number": "40011",
        "name": "A. Person",
        "iat": 1_800_000_000,
        "nbf": 1_800_000_000,
        "exp": 1_800_000_000 + LIFETIME_SECONDS,
    }


def test_another_key_does_not_verify_it() -> None:
    token = new_mint(Clock()).assertion_for(subject(), "session", "ebs")

    with pytest.raises(JoseError):
        read(token, OKPKey.generate_key("Ed25519"))


def test_the_published_keys_hold_nothing_private() -> None:
    keys = cast("list[dict[str, str]]", new_mint(Clock()).jwks()["keys"])

    assert set(keys[0]) == {"kty", "crv", "x", "kid", "use", "alg"}


def test_an_assertion_is_used_again_for_half_of_its_life() -> None:
    clock = Clock()
    mint = new_mint(clock)
    first = mint.assertion_for(subject(), "session", "ebs")
    clock.at += 29.9
    assert mint.assertion_for(subject(), "session", "ebs") == first
    clock.at += 0.2
    second = mint.assertion_for(subject(), "session", "ebs")

    assert second != first
    assert read(second)["iat"] == 1_800_000_030


def test_a_clock_that_goes_back_makes_a_new_one() -> None:
    clock = Clock()
    mint = new_mint(clock)
    first = mint.assertion_for(subject(), "session", "ebs")
    clock.at -= 5

    assert mint.assertion_for(subject(), "session", "ebs") != first


@pytest.mark.parametrize(("session", "audience"), [("other", "ebs"), ("session", "other")])
def test_it_is_never_used_for_another_session_or_system(session: str, audience: str) -> None:
    mint = new_mint(Clock())
    mint.assertion_for(subject(), "session", "ebs")
    claims = read(mint.assertion_for(replace(subject(), name="B. Other"), session, audience))

    assert (claims["name"], claims["aud"]) == ("B. Other", audience)


def test_the_memory_for_assertions_is_bounded() -> None:
    mint = new_mint(Clock(), capacity=2)
    first = mint.assertion_for(subject(), "1", "ebs")
    mint.assertion_for(subject(), "2", "ebs")
    third = mint.assertion_for(subject(), "3", "ebs")

    assert mint.assertion_for(subject(), "3", "ebs") == third
    assert mint.assertion_for(subject(), "1", "ebs") != first


def test_what_is_not_used_again_is_not_kept() -> None:
    """Of those who signed out, or went on with another system, nothing stays behind."""
    clock = Clock()
    mint = new_mint(clock)
    for number in range(50):
        mint.assertion_for(subject(), f"session {number}", "ebs")
        clock.at += 1

    assert len(mint._cache) == LIFETIME_SECONDS // 2

    clock.at -= 3600  # the clock went back: none of them is used again
    mint.assertion_for(subject(), "another session", "ebs")
    assert len(mint._cache) == 1


def test_it_tells_until_when_one_is_used_again() -> None:
    clock = Clock()
    mint = new_mint(clock)
    first = mint.assertion_for(subject(), "session", "ebs")
    until = mint.used_until("session", "ebs")
    clock.at = until - 0.001
    assert mint.assertion_for(subject(), "session", "ebs") == first
    clock.at = until
    assert mint.assertion_for(subject(), "session", "ebs") != first
    assert mint.used_until("another", "ebs") == 0
