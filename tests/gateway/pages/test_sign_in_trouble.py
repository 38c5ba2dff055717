"""What is told of a sign-in that did not go well."""

from __future__ import annotations

import pytest

from gateway.errors import (
    DirectoryMisconfigured,
    DirectoryUnavailable,
    GatewayError,
    RecordUnavailable,
    SignInRefused,
)
from gateway.pages.sign_in_trouble import trouble_of
from tests.gateway.pages.people import AMBULANCE, FIRE


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (DirectoryUnavailable("x"), 503, "cannot check passwords"),
        (DirectoryMisconfigured("x"), 503, "cannot check passwords"),
        (RecordUnavailable("x"), 503, "Nobody can sign in"),
        (SignInRefused("sign-in-over", tellable=True), 400, "has ended"),
        (SignInRefused("callback-malformed", tellable=True), 400, "could not be finished"),
        (SignInRefused("provider-refused", tellable=True), 403, "did not sign you in"),
        (SignInRefused("provider-answer-refused", tellable=True), 403, "not be trusted"),
        (SignInRefused("groups-incomplete", tellable=True), 403, "not complete"),
    ],
    ids=repr,
)
def test_what_may_be_told_is_told(error: GatewayError, status: int, words: str) -> None:
    told = trouble_of(error, FIRE)

    assert told is not None
    assert told[0] == status
    assert words in told[1].heading


def test_what_may_not_be_told_is_one_answer() -> None:
    assert trouble_of(SignInRefused("unknown-person", tellable=False), FIRE) is None
    assert trouble_of(SignInRefused("of-tomorrow", tellable=True), FIRE) is None


def test_who_has_a_provider_is_not_told_of_passwords() -> None:
    told = trouble_of(DirectoryUnavailable("x"), AMBULANCE)

    assert told is not None
    assert "password" not in str(told[1]).lower()
