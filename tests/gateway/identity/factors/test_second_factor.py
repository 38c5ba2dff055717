"""Codes of an authenticator app: right within a step of drift, once, and never otherwise."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.identity.factors.second_factor import (
    NO_STEP,
    new_secret,
    provisioning_uri,
    spaced,
    totp_code,
    totp_step,
    verify_totp,
)
from tests.gateway.identity.parts import AT

# RFC 6238 appendix B, the key of its SHA-1 rows in base 32; the last six of its eight digits.
PUBLIC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
PUBLIC = {59: "287082", 1111111109: "081804", 1234567890: "005924", 2000000000: "279037"}


@pytest.mark.parametrize(("seconds", "code"), PUBLIC.items())
def test_codes_are_those_of_the_standard(seconds: int, code: str) -> None:
    assert totp_code(PUBLIC_SECRET, seconds // 30) == code


@pytest.mark.parametrize(
    ("drift", "right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_one_step_of_drift_is_borne_either_way(drift: int, *, right: bool) -> None:
    secret, step = new_secret(), totp_step(AT)
    code = totp_code(secret, step + drift)

    found = verify_totp(secret, code, at=AT, last_step=NO_STEP)
    assert found == (step + drift if right else None)


def test_a_code_is_used_once() -> None:
    secret, step = new_secret(), totp_step(AT)
    code = totp_code(secret, step)
    used = verify_totp(secret, code, at=AT, last_step=NO_STEP)

    assert used == step
    assert verify_totp(secret, code, at=AT, last_step=used) is None
    assert verify_totp(secret, totp_code(secret, step - 1), at=AT, last_step=used) is None
    following = AT + timedelta(seconds=30)
    assert (
        verify_totp(secret, totp_code(secret, step + 1), at=following, last_step=used) == step + 1
    )


@pytest.mark.parametrize(
    "typed", ["", " ", "0", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12345\0", "\n" * 6, "-1234567"]
)
def test_what_is_no_code_is_wrong(typed: str) -> None:
    """An empty form above all: it must never count as an answer."""
    assert verify_totp(new_secret(), typed, at=AT, last_step=NO_STEP) is None


def test_an_empty_secret_verifies_nothing() -> None:
    """Else everybody could work the codes out."""
    assert verify_totp("", "328482", at=AT, last_step=NO_STEP) is None


def test_spaces_and_hyphens_may_be_typed() -> None:
    """Apps show the code in two halves, and people copy what they see."""
    secret = new_secret()
    code = totp_code(secret, totp_step(AT))

    for typed in (f" {code[:3]} {code[3:]} ", f"{code[:3]}-{code[3:]}"):
        assert verify_totp(secret, typed, at=AT, last_step=NO_STEP) == totp_step(AT)


@settings(max_examples=30)
@given(code=st.text(max_size=12), last=st.integers(-1, 10**9))
def test_only_codes_of_later_steps_are_right(code: str, last: int) -> None:
    found = verify_totp(PUBLIC_SECRET, code, at=AT, last_step=last)

    assert found is None or (found > last and abs(found - totp_step(AT)) <= 1)


def test_secrets_differ_and_are_long_enough() -> None:
    secrets = {new_secret() for _ in range(100)}

    assert len(secrets) == 100
    assert {len(secret) for secret in secrets} == {32}
    assert spaced("ABCDEFGHIJ") == "ABCD EFGH IJ"


def test_the_address_for_apps_names_service_and_account() -> None:
    uri = provisioning_uri(PUBLIC_SECRET, account="sam@fire", service="Blue Light: shared")
    parts = urlsplit(uri)

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert parse_qs(parts.query) == {"secret": [PUBLIC_SECRET], "issuer": ["Blue Light: shared"]}
