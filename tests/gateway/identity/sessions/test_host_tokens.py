"""The token at a host: the session's own, sealed for that host alone."""

from __future__ import annotations

import pytest

from gateway.identity.sessions.host_tokens import HostTokens
from gateway.identity.sessions.tokens import new_token

SECRET = bytes(range(32))
FLEET = HostTokens(SECRET, "fleet.gate")


def test_a_host_opens_what_was_sealed_for_it() -> None:
    token = new_token()

    assert HostTokens(SECRET, "fleet.gate").open(FLEET.seal(token)) == token
    assert token not in FLEET.seal(token)


def test_a_stolen_token_of_one_host_is_worth_nothing_elsewhere() -> None:
    sealed = FLEET.seal(new_token())

    assert HostTokens(SECRET, "ebs.gate").open(sealed) == ""
    assert HostTokens(bytes(32), "fleet.gate").open(sealed) == ""


@pytest.mark.parametrize("said", ["", "x", "A" * 64, "A" * 43, "k" * 43, "é" * 64, "=" * 64])
def test_what_was_not_sealed_opens_to_nothing(said: str) -> None:
    assert FLEET.open(said) == ""


def test_every_change_of_a_token_is_noticed() -> None:
    sealed = FLEET.seal(new_token())

    for place in range(len(sealed)):
        other = "A" if sealed[place] != "A" else "B"
        assert FLEET.open(sealed[:place] + other + sealed[place + 1 :]) == ""
