"""Which code a refused sign-in is recorded under, and what the person may be told."""

from __future__ import annotations

import pytest

from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    IdentityError,
    StoreError,
    WrongCredentials,
)
from gateway.identity.directories.directory import (
    AccountClosed,
    AccountState,
    DirectoryUntrusted,
    MalformedCredentials,
    UnknownPerson,
    WrongPassword,
)
from gateway.identity.signing_in.sign_in_refusal import (
    Refusal,
    refusal_code,
    refusal_of,
    shows_password,
)


def closed(state: AccountState, *, known: bool) -> AccountClosed:
    return AccountClosed("directory: closed", state=state, known_password=known, username="alice")


@pytest.mark.parametrize("state", list(AccountState))
@pytest.mark.parametrize("known", [True, False])
def test_an_account_that_is_closed_is_told_to_who_knows_its_password_only(
    state: AccountState, known: bool
) -> None:
    error = closed(state, known=known)
    refusal = refusal_of(error)

    assert (refusal.code, refusal.tellable) == (f"account-{state.value}", known)
    assert refusal.username == "alice"
    assert shows_password(error) is known


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnknownPerson("x"), "unknown-person"),
        (WrongPassword("x", username="alice"), "wrong-password"),
        (MalformedCredentials("x"), "credentials-malformed"),
    ],
)
def test_what_is_wrong_is_recorded_apart_and_told_as_one(
    error: WrongCredentials, code: str
) -> None:
    refusal = refusal_of(error)

    assert (refusal.code, refusal.tellable) == (code, False)
    assert not shows_password(error)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refusal("busy", tellable=True), "busy"),
        (DirectoryUntrusted("x"), "directory-untrusted"),
        (DirectoryUnavailable("x"), "directory-unavailable"),
        (DirectoryMisconfigured("x"), "directory-misconfigured"),
        (StoreError("x"), "store-unavailable"),
        (IdentityError("x"), "sign-in-failed"),
    ],
)
def test_whatever_ends_a_sign_in_has_a_code(error: GatewayError, code: str) -> None:
    assert refusal_code(error) == code
