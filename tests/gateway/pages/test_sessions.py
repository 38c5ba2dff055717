"""Officers see and end sessions, after a second look, and only those they answer for."""

from __future__ import annotations

import re

from werkzeug.test import Client

from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World


def filled(world: World) -> None:
    world.sessions.away = [
        world.sessions.session(world.staff[name]) for name in ("firefighter", "paramedic")
    ]
    world.sessions.ended.clear()


def confirm(browser: Client, query: str) -> dict[str, str]:
    page = browser.get(f"/-/sessions/end?{query}").text
    form = page[page.index('action="/-/sessions/end"') :]
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))


def test_an_officer_sees_who_is_signed_in_and_narrows_it_down(
    world: World, browser_of: SignIn
) -> None:
    filled(world)
    browser = browser_of("security-officer")
    every = browser.get("/-/sessions").text
    fire = browser.get("/-/sessions?organisation=cheshire-fire").text

    assert ("Sam Okafor" in every, "Jo Hartley" in every) == (True, True)
    assert ("Sam Okafor" in fire, "Jo Hartley" in fire) == (True, False)
    assert "End all sessions of Cheshire Fire" in fire


def test_ending_asks_first_and_then_ends_exactly_that(world: World, browser_of: SignIn) -> None:
    filled(world)
    browser = browser_of("security-officer")
    asked = browser.get("/-/sessions/end?person=cheshire-fire/40011").text
    assert "End the sessions of Sam Okafor?" in asked
    assert world.sessions.ended == []
    form = confirm(browser, "person=cheshire-fire/40011")
    sent = browser.post("/-/sessions/end", data=form)

    assert (sent.status_code, sent.headers["Location"]) == (303, "/-/sessions?ended=1")
    assert [each.person for each in world.sessions.ended] == ["cheshire-fire/40011"]


def test_everybody_must_be_said(world: World, browser_of: SignIn) -> None:
    """A field that is lost on the way must not sign out the whole service."""
    filled(world)
    browser = browser_of("security-officer")
    form = confirm(browser, "everyone=yes")
    for wrong in (
        {"csrf_token": form["csrf_token"]},
        {"everyone": "yes"},
        form | {"person": "cheshire-fire/40011"},
    ):
        assert browser.post("/-/sessions/end", data=wrong).status_code in {400, 404}
    assert world.sessions.ended == []
    assert browser.post("/-/sessions/end", data=form).status_code == 303
    assert len(world.sessions.ended) == 1


def test_nobody_else_comes_in(browser_of: SignIn) -> None:
    for who in ("firefighter", "auditor", "vetting-officer"):
        assert browser_of(who).get("/-/sessions").status_code == 403
        assert browser_of(who).post("/-/sessions/end", data={"everyone": "yes"}).status_code == 403
