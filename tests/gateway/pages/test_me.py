"""One's own sessions: seen, ended one by one or all others, and kept alive."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import Client

from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.world import World


def token_of(browser: Client) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/-/me").text)
    assert found
    return found[1]


@pytest.mark.parametrize(("number", "seen"), [("7", [7]), ("", []), ("-1", []), ("9" * 19, [])])
def test_what_the_portal_told_of_is_gone_once_it_has_been_seen(
    world: World, browser_of: SignIn, number: str, seen: list[int]
) -> None:
    world.notices.seen.clear()
    browser = browser_of("firefighter")
    token = token_of(browser)
    sent = browser.post("/-/me/seen", data={"csrf_token": token, "number": number})

    assert (sent.status_code, sent.headers["Location"]) == (303, "/-/portal")
    assert world.notices.seen == seen
    browser.post("/-/me/seen", data={"csrf_token": "x", "number": "8"})
    assert world.notices.seen == seen


def elsewhere(world: World) -> str:
    """Sign the firefighter in at another place; gives the short name of that session."""
    world.sessions.away = [
        world.sessions.session(world.staff["firefighter"], agent="X Firefox/1 Windows"),
        world.sessions.session(world.staff["paramedic"]),
    ]
    return world.sessions.away[0].short


def test_a_person_sees_where_they_are_signed_in_and_nobody_else(
    world: World, browser_of: SignIn
) -> None:
    elsewhere(world)
    page = browser_of("firefighter").get("/-/me").text

    assert page.count('class="gate-sessions__item"') == 2
    assert page.count("This one") == 1
    assert page.index("This one") < page.index("Firefox on Windows")


def test_one_other_session_is_ended_by_its_button(world: World, browser_of: SignIn) -> None:
    short = elsewhere(world)
    browser = browser_of("firefighter")
    sent = browser.post("/-/me/end", data={"csrf_token": token_of(browser), "session": short})

    assert (sent.status_code, sent.headers["Location"]) == (303, "/-/me?ended=1")
    assert "One session was ended" in browser.get("/-/me?ended=1").text
    assert [each.name for each in world.sessions.away] == ["Jo Hartley"]


def test_all_others_end_and_this_one_stays(world: World, browser_of: SignIn) -> None:
    elsewhere(world)
    browser = browser_of("firefighter")
    browser.post("/-/me/end", data={"csrf_token": token_of(browser), "others": "all"})

    assert browser.get("/-/me").text.count('class="gate-sessions__item"') == 1


def test_a_form_that_is_not_ours_or_not_clear_ends_nothing(
    world: World, browser_of: SignIn
) -> None:
    short = elsewhere(world)
    browser = browser_of("firefighter")
    ours = token_of(browser)
    for wrong in (
        {"session": short},
        {"csrf_token": ours},
        {"csrf_token": ours, "session": short, "others": "all"},
    ):
        assert browser.post("/-/me/end", data=wrong).status_code == 400
    assert len(world.sessions.away) == 2


def test_staying_signed_in_tells_the_script_until_when_and_leads_a_person_back(
    browser_of: SignIn,
) -> None:
    browser = browser_of("firefighter")
    form = {"csrf_token": token_of(browser)}
    told = browser.post("/-/me/stay", data=form, headers={"Accept": "application/json"})

    assert told.json == {"seconds": 1800}
    assert browser.post("/-/me/stay", data={}).status_code == 400
    page = browser.post("/-/me/stay", data=form, headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["Location"]) == (303, "/-/me")


def test_every_page_says_without_script_when_the_session_ends(browser_of: SignIn) -> None:
    page = browser_of("firefighter").get("/-/portal").text

    assert "If you open nothing more, your session ends at" in page
    assert 'data-seconds="1800"' in page
