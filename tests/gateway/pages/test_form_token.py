"""Form tokens: good for one browser, and for nothing else."""

from __future__ import annotations

import pytest

from gateway.pages.form_token import FormTokens, is_cookie_value

TOKENS = FormTokens(bytes(32))
COOKIE = "dkPOsnmNil93GFbiwFpOGFXumjpZE9FMVTbgHv5BRnY"  # fixed, as a test name is made of it


def test_token_is_good_for_the_browser_that_holds_the_cookie() -> None:
    """That is all it proves."""
    assert TOKENS.is_good(TOKENS.token(COOKIE), COOKIE)


def test_every_worker_makes_the_same_token() -> None:
    """The next request may be answered by another one."""
    assert FormTokens(bytes(32)).token(COOKIE) == TOKENS.token(COOKIE)


@pytest.mark.parametrize("token", ["", "x", "ä", COOKIE, "A" * 43])
def test_what_is_no_token_of_ours_is_not_good(token: str) -> None:
    """The cookie itself, above all, is no token."""
    assert not TOKENS.is_good(token, COOKIE)


def test_token_of_another_browser_is_not_good() -> None:
    """An attacker has a browser too."""
    assert not TOKENS.is_good(TOKENS.token(FormTokens.new_cookie()), COOKIE)


def test_token_made_with_another_secret_is_not_good() -> None:
    """Rotating the secret ends old forms."""
    assert not TOKENS.is_good(FormTokens(bytes(31) + b"1").token(COOKIE), COOKIE)


@pytest.mark.parametrize("cookie", ["", "short", "A" * 44, "A" * 42 + "=", "ä" * 43])
def test_cookie_that_we_would_not_set_carries_no_token(cookie: str) -> None:
    """An empty cookie is what every browser without one has."""
    assert not is_cookie_value(cookie)
    assert not TOKENS.is_good(TOKENS.token(cookie), cookie)


def test_short_secret_is_refused() -> None:
    """It could be guessed."""
    with pytest.raises(ValueError, match="shorter than 32 bytes"):
        FormTokens(bytes(31))
