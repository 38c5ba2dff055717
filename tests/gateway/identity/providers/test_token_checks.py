"""No token gets through that is not exactly what was asked for (security reference, row `JWT`)."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from itertools import count
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from gateway.identity.providers.provider_documents import PublicKey, read_keys
from gateway.identity.providers.token_checks import (
    Expected,
    LogoutClaims,
    TokenRefused,
    check_id_claims,
    check_logout_claims,
    read_signed,
)
from tests.doubles.token_issuer import EC, OTHER_RSA, RSA, mint, mint_hmac, part, public_keys

ALGORITHMS = ("RS256", "PS256", "ES256")
TYPES = frozenset({"jwt"})
NOW = 1_800_000_000
ISSUER = "https://login.nwas.example"
EXPECTED = Expected(issuer=ISSUER, client_id="gateway", nonce="n-1")
GOOD: Mapping[str, Any] = {
    "iss": ISSUER, "sub": "id-jo", "aud": "gateway", "nonce": "n-1", "iat": NOW, "exp": NOW + 600,
}  # fmt: skip
KEYS = read_keys(public_keys(RSA, EC))
PUBLIC_PEM = RSA.as_pem(private=False)
PUBLIC_DER = RSA.as_der(private=False)
PUBLIC_JWK = json.dumps(RSA.as_dict(private=False)).encode()


def find(kid: str) -> PublicKey | None:
    return KEYS.get(kid)


def read(token: object, *, algorithms: tuple[str, ...] = ALGORITHMS) -> Mapping[str, Any]:
    return read_signed(token, find, algorithms=algorithms, types=TYPES).claims


def refused(token: object) -> str:
    with pytest.raises(TokenRefused) as raised:
        read(token)
    return str(raised.value)


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(RSA, "RS256"), (RSA, "PS256"), (EC, "ES256")],
    ids=["rsa", "pss", "curve"],
)
def test_a_good_token_is_read(key: RSAKey | ECKey, algorithm: str) -> None:
    assert read(mint(GOOD, key=key, algorithm=algorithm)) == GOOD


def test_a_token_with_many_groups_is_read() -> None:
    many = {**GOOD, "groups": [f"group-{number:04}" for number in range(800)]}

    assert len(mint(many)) > 8_000
    assert read(mint(many)) == many


GOOD_PARTS = mint(GOOD).split(".")


@pytest.mark.parametrize(
    "token",
    [
        None, "", 7, b"a.b.c", ["a"], {"payload": "a"}, ".", "..", "a.b", "a.b.c.d",
        "a" * 20_000,
        GOOD_PARTS[0] + "." + GOOD_PARTS[1] + ".",
        GOOD_PARTS[0] + "." + GOOD_PARTS[1],
        ".".join(GOOD_PARTS) + "=",
        ".".join(GOOD_PARTS) + "\n",
        " " + ".".join(GOOD_PARTS),
        ".".join([GOOD_PARTS[0] + "==", *GOOD_PARTS[1:]]),
        ".".join(GOOD_PARTS).replace("-", "+").replace("_", "/") + "+",
        ".".join([*GOOD_PARTS, "x", "y"]),  # encrypted
        json.dumps({"payload": GOOD_PARTS[1], "signatures": []}),
        json.dumps(dict(zip(("protected", "payload", "signature"), GOOD_PARTS, strict=True))),
    ],
    ids=map(str, count()),
)  # fmt: skip
def test_a_form_that_is_not_compact_is_refused(token: object) -> None:
    refused(token)


def test_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    """The last character carries bits that decode to nothing."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    header, payload, signature = GOOD_PARTS
    assert len(signature) % 4 in {2, 3}
    other = alphabet[alphabet.index(signature[-1]) ^ 1]
    same = base64.urlsafe_b64decode(signature[:-1] + other + "==")

    assert same == base64.urlsafe_b64decode(signature + "==")
    assert "second spelling" in refused(f"{header}.{payload}.{signature[:-1]}{other}")


@pytest.mark.parametrize(
    "algorithm", ["none", "nOnE", "None", "NONE", "", None, ["RS256"], 1], ids=repr
)
@pytest.mark.parametrize("signature", ["", "AA"])
def test_no_signature_is_no_signature(algorithm: object, signature: str) -> None:
    header = {"alg": algorithm, "kid": "one", "typ": "JWT"}

    refused(f"{part(header)}.{part(GOOD)}.{signature}")


@pytest.mark.parametrize(
    "secret",
    [PUBLIC_PEM, PUBLIC_PEM.strip(), PUBLIC_DER, b"", b"secret", PUBLIC_JWK],
    ids=["pem", "stripped", "der", "empty", "short", "jwk"],
)
def test_a_public_key_is_no_shared_secret(secret: bytes) -> None:
    assert "algorithm" in refused(mint_hmac(GOOD, secret))


def test_an_algorithm_that_the_settings_do_not_name_is_refused() -> None:
    with pytest.raises(TokenRefused, match="algorithm"):
        read(mint(GOOD, key=EC, algorithm="ES256"), algorithms=("RS256",))


@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": OTHER_RSA.as_dict(private=False)},
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"x5c": ["MIIB"]},
        {"crit": []},
        {"crit": ["exp"]},
        {"b64": False, "crit": ["b64"]},
        {"b64": True},
        {"zip": "DEF"},
        {"enc": "A256GCM"},
        {"p2c": 2**31},
    ],
    ids=map(str, count()),
)
def test_a_header_with_keys_or_conditions_of_its_own_is_refused(extra: dict[str, Any]) -> None:
    header = {"alg": "RS256", "kid": "one", "typ": "JWT", **extra}

    assert "header" in refused(mint(GOOD, header=header))
    assert "header" in refused(mint(GOOD, key=OTHER_RSA, header=header))


def test_a_key_that_the_token_brings_is_not_used() -> None:
    header = {"alg": "RS256", "kid": "other", "typ": "JWT"}

    assert "key" in refused(mint(GOOD, key=OTHER_RSA, header=header))


@pytest.mark.parametrize("kid", [None, "", 1, ["one"], "two", "curve", "../one", "one\0"], ids=repr)
def test_the_key_must_be_named_and_be_the_providers(kid: object) -> None:
    refused(mint(GOOD, header={"alg": "RS256", "kid": kid, "typ": "JWT"}))


@pytest.mark.parametrize("kind", ["at+jwt", "logout+jwt", "JWE", "", 1, None, ["JWT"]], ids=repr)
def test_a_token_of_another_type_is_refused(kind: object) -> None:
    refused(mint(GOOD, header={"alg": "RS256", "kid": "one", "typ": kind}))


def test_a_type_may_be_missing_or_spelt_in_full() -> None:
    assert read(mint(GOOD, header={"alg": "RS256", "kid": "one"})) == GOOD
    assert read(mint(GOOD, header={"alg": "RS256", "kid": "one", "typ": "application/jwt"})) == GOOD


def test_a_name_that_comes_twice_is_refused_in_header_and_claims() -> None:
    twice = b'{"alg": "RS256", "alg": "none", "kid": "one"}'
    claims = json.dumps(GOOD)[:-1].encode() + b', "sub": "id-chief"}'

    assert "twice" in refused(mint(GOOD, header=twice))
    assert "twice" in refused(mint(claims))


@pytest.mark.parametrize("claims", [b"not json", b"[]", b"\xff", b"{", zlib.compress(b"a" * 9)])
def test_claims_that_are_no_object_are_refused(claims: bytes) -> None:
    refused(mint(claims))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_any_changed_part_is_refused(index: int) -> None:
    """A flipped bit anywhere."""
    parts = mint(GOOD).split(".")
    raw = bytearray(base64.urlsafe_b64decode(parts[index] + "=="))
    for place in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[place] ^= 1
        broken = list(parts)
        broken[index] = base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode()
        refused(".".join(broken))


def test_a_signature_by_another_key_is_refused() -> None:
    header = {"alg": "RS256", "kid": "one", "typ": "JWT"}

    assert "signature" in refused(mint(GOOD, key=OTHER_RSA, header=header))


@pytest.mark.parametrize("length", [0, 1, 32, 64, 255, 257])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    header, payload, _ = GOOD_PARTS
    refused(f"{header}.{payload}.{part(bytes(length))}")


def test_a_curve_signature_of_zeros_is_refused() -> None:
    """CVE-2022-21449: r and s of zero."""
    header = part({"alg": "ES256", "kid": "curve", "typ": "JWT"})
    refused(f"{header}.{part(GOOD)}.{part(bytes(64))}")


def check(expected: Expected = EXPECTED, **changes: Any) -> None:
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    check_id_claims(claims, expected, now=NOW)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["gateway"]},
        {"azp": "gateway"},
        {"iat": NOW - 300},
        {"iat": NOW + 30},
        {"exp": NOW - 29},
        {"nbf": NOW},
        {"auth_time": NOW - 9},
        {"amr": [], "acr": "2", "sid": "s-1"},
    ],
)
def test_good_claims_hold(changes: dict[str, Any]) -> None:
    check(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        # another issuer, such as that of organisation B
        {"iss": "https://login.other.example"}, {"iss": ISSUER + "/"}, {"iss": ISSUER.upper()},
        {"iss": [ISSUER]}, {"iss": ...}, {"iss": None},
        # made for somebody else, whatever `azp` says
        {"aud": "other"}, {"aud": "other", "azp": "gateway"}, {"aud": ["other"], "azp": "gateway"},
        {"aud": ["gateway", "other"]}, {"aud": ["gateway", "other"], "azp": "gateway"},
        {"aud": ["gateway", "gateway"]}, {"aud": []}, {"aud": ""}, {"aud": ...}, {"aud": True},
        {"aud": {"gateway": 1}}, {"azp": "other"}, {"azp": ["gateway"]}, {"azp": None},
        # not for this sign-in
        {"nonce": ...}, {"nonce": "n-0"}, {"nonce": ""}, {"nonce": None}, {"nonce": ["n-1"]},
        {"nonce": "n-1\ud800"},
        # nobody
        {"sub": ...}, {"sub": ""}, {"sub": " "}, {"sub": ["id-jo"]}, {"sub": 7}, {"sub": None},
        {"sub": "a" * 256}, {"sub": "a\0b"}, {"sub": True},
        # times
        {"exp": ...}, {"exp": 1e300}, {"exp": True}, {"exp": str(NOW + 9)}, {"exp": NOW - 30},
        {"exp": NOW - 100}, {"exp": 0}, {"exp": -1}, {"exp": None}, {"exp": 2**53},
        {"exp": NOW + 0.5},
        {"iat": ...}, {"iat": NOW - 301}, {"iat": NOW - 31_536_000}, {"iat": NOW + 31},
        {"iat": float(NOW)}, {"iat": "now"}, {"iat": True},
        {"nbf": NOW + 31}, {"nbf": "0"}, {"nbf": 1.5},
        {"auth_time": NOW + 31}, {"auth_time": "0"}, {"auth_time": 1.5}, {"auth_time": True},
        # words
        {"amr": "mfa"}, {"amr": [1]}, {"amr": {"mfa": 1}}, {"amr": None}, {"acr": 3},
        {"acr": ["2"]},
        {"sid": ""}, {"sid": 1}, {"at_hash": 1},
    ],
    ids=str,
)  # fmt: skip
def test_bad_claims_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        check(**changes)


def test_who_signed_in_there_too_long_ago_signs_in_again() -> None:
    within = Expected(issuer=ISSUER, client_id="gateway", nonce="n-1", max_age_seconds=600)

    check(within, auth_time=NOW - 630)
    for late in ({"auth_time": NOW - 631}, {}, {"auth_time": None}):
        with pytest.raises(TokenRefused, match="auth_time"):
            check(within, **late)


LOGOUT: Mapping[str, Any] = {
    "iss": ISSUER, "aud": "gateway", "iat": NOW, "exp": NOW + 120, "jti": "j-1", "sub": "id-jo",
    "sid": "s-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}  # fmt: skip


def check_logout(**changes: Any) -> LogoutClaims:
    claims = {name: value for name, value in {**LOGOUT, **changes}.items() if value is not ...}
    return check_logout_claims(claims, issuer=ISSUER, client_id="gateway", now=NOW)


def test_a_logout_token_says_whom_and_which_session() -> None:
    assert check_logout() == LogoutClaims(
        jti="j-1", subject="id-jo", session="s-1", expires_at=NOW + 120
    )
    assert check_logout(sub=...).subject is None
    assert check_logout(sid=...).session is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://login.other.example"}, {"aud": "other"}, {"aud": ["gateway", "other"]},
        {"iat": NOW - 301}, {"iat": NOW + 31}, {"exp": NOW - 31}, {"exp": ...}, {"exp": 1e300},
        {"jti": ...}, {"jti": ""}, {"jti": 7}, {"events": ...}, {"events": {}}, {"events": []},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": 1}},
        {"events": "http://schemas.openid.net/event/backchannel-logout"},
        {"nonce": "n-1"}, {"nonce": None}, {"sub": ..., "sid": ...}, {"sub": ""}, {"sid": ["s-1"]},
    ],
    ids=str,
)  # fmt: skip
def test_a_logout_token_that_does_not_hold_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TokenRefused):
        check_logout(**changes)
