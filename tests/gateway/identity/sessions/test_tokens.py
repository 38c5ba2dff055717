"""A token is ours or it is nobody's, and what it opens cannot be told from it."""

from __future__ import annotations

import base64

import pytest

from gateway.identity.sessions.tokens import SessionTokens, is_token, new_token, token_hash


def test_a_token_is_32_bytes_that_are_never_the_same() -> None:
    tokens = SessionTokens(bytes(32))
    made = {tokens.new() for _ in range(50)}

    assert len(made) == 50
    assert {len(base64.urlsafe_b64decode(each + "=")) for each in made} == {32}
    assert all(tokens.is_ours(each) for each in made)


def test_every_worker_with_the_secret_knows_a_token_and_nobody_else_does() -> None:
    made = SessionTokens(bytes(32)).new()

    assert SessionTokens(bytes(32)).is_ours(made)
    assert not SessionTokens(b"x" * 32).is_ours(made)
    assert not SessionTokens().is_ours(made)


def test_a_token_changed_anywhere_is_not_ours() -> None:
    tokens = SessionTokens(bytes(32))
    made = tokens.new()
    for place in range(43):
        letter = "A" if made[place] != "A" else "E"
        assert not tokens.is_ours(made[:place] + letter + made[place + 1 :])


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SessionTokens(b"short")


def test_a_hash_of_any_text_is_a_hash() -> None:
    """A cookie is a stranger's text."""
    assert len(token_hash("é\ud800")) == 64


def test_a_token_without_a_mac_has_the_form_of_one() -> None:
    made = new_token()

    assert is_token(made)
    assert made != new_token()
    assert not is_token(made + "A")
