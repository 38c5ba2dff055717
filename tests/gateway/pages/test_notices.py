"""The notices that the law asks for say what the program does."""

from __future__ import annotations

from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World


def test_cookies_page_lists_every_cookie_that_is_set(world: World, browser_of: SignIn) -> None:
    """Generated from the list that sets them, so it cannot be out of date."""
    html = browser_of().get("/-/cookies").text

    for cookie in world.services.cookies.all():
        assert cookie.name in html
        assert cookie.purpose in html


def test_accessibility_statement_names_the_limits_of_a_session(browser_of: SignIn) -> None:
    """It is the one known failure, so it must be there and right."""
    html = browser_of().get("/-/accessibility").text

    assert "30 minutes" in html
    assert "10 hours" in html
    assert "partially compliant" in html
