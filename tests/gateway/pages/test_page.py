"""What views share: cookies and redirects."""

from __future__ import annotations

from dataclasses import replace

from flask import Response

from gateway.cookies import CookiePolicy
from gateway.pages.form_token import FormTokens
from gateway.pages.page import PageKit, see_other
from gateway.pages.rendering import Renderer
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World


def test_redirect_is_sent_as_it_was_checked() -> None:
    """A host put in front could come from the request."""
    response = see_other("/fleet/bookings?a=%20b")

    assert response.status_code == 303
    assert response.headers["Location"] == "/fleet/bookings?a=%20b"


def test_form_cookie_is_set_once_and_only_with_a_form(browser_of: SignIn) -> None:
    """Whoever only reads a notice gets no cookie at all."""
    browser = browser_of()
    assert "Set-Cookie" not in browser.get("/-/cookies").headers
    assert "gateway-localhost-form=" in browser.get("/-/sign-in").headers["Set-Cookie"]

    assert "Set-Cookie" not in browser.get("/-/sign-in").headers


def test_malformed_form_cookie_is_replaced(browser_of: SignIn) -> None:
    """Otherwise a browser with a broken cookie could never sign in."""
    browser = browser_of()
    browser.set_cookie("gateway-localhost-form", "broken")

    assert "gateway-localhost-form=" in browser.get("/-/sign-in").headers["Set-Cookie"]


def test_dropped_cookie_goes_with_the_flags_it_came_with(world: World) -> None:
    """Browsers keep a `__Host-` cookie that is dropped without Secure."""
    policy = CookiePolicy.for_origin("https://gate.example.police.uk")
    services = replace(world.services, cookies=policy)
    kit = PageKit(
        services=services,
        renderer=Renderer(brand=services.brand, static_path="/x"),
        tokens=FormTokens(services.form_secret),
    )
    response = Response()
    kit.drop_cookie(response, policy.session)

    dropped = response.headers["Set-Cookie"]
    for part in ("__Host-gateway=;", "Secure", "HttpOnly", "Path=/", "Max-Age=0"):
        assert part in dropped
