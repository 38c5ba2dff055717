"""One's own second factors: what is shown, what must come first, what a form may do."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import Client

from gateway.errors import SecondFactorOwed
from gateway.identity.factors.factor_notices import Notice, NoticeCode
from gateway.pages.factors import SENTENCES, told
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.factor_doubles import CODES
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import World


def token_of(browser: Client, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert found
    return found[1]


def test_the_list_shows_factors_codes_and_what_happened(browser_of: SignIn) -> None:
    html = browser_of("firefighter").get("/-/me/factors").text

    for shown in ("My work phone", "Blue key", "Security key or passkey", 'data-codes-left="8"'):
        assert shown in html
    assert "A second factor was added: Blue key" in html


@pytest.mark.parametrize("path", ["app", "key", "remove/phone"])
@pytest.mark.parametrize(
    ("lacks", "leads"),
    [("second-factor", "/-/step-up?next="), ("sign-in", "/-/sign-in?next=")],
)
def test_a_change_waits_for_what_must_come_first(
    world: World, browser_of: SignIn, path: str, lacks: str, leads: str
) -> None:
    """The page and the form: nobody gets round it by sending the form at once."""
    browser = browser_of("firefighter")
    token = token_of(browser, "/-/me/factors")
    world.factors.lacks = lacks
    for response in (
        browser.get(f"/-/me/factors/{path}"),
        browser.post(f"/-/me/factors/{path}", data={"csrf_token": token, "code": "123456"}),
    ):
        assert response.status_code == 303
        assert response.headers["Location"].startswith(leads)
        assert path.replace("/", "%2F") in response.headers["Location"]
    assert world.factors.asked == []


def test_a_factor_is_removed_by_a_form_of_ours_only(world: World, browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    assert browser.post("/-/me/factors/remove/phone", data={}).status_code == 400
    token = token_of(browser, "/-/me/factors/remove/phone")
    removed = browser.post("/-/me/factors/remove/phone", data={"csrf_token": token})

    assert removed.headers["Location"] == "/-/me/factors"
    assert world.factors.asked == ["remove phone"]
    assert browser.get("/-/me/factors/remove/nothing").status_code == 303


def test_new_codes_are_shown_once(world: World, browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    assert browser.post("/-/me/factors/codes", data={}).status_code == 400
    token = token_of(browser, "/-/me/factors")
    html = browser.post("/-/me/factors/codes", data={"csrf_token": token}).text

    assert all(code in html for code in CODES)
    assert world.factors.asked == ["codes"]


def test_where_one_was_going_is_carried_along(browser_of: SignIn) -> None:
    html = browser_of("firefighter").get("/-/me/factors?next=/fleet/bookings").text

    assert 'href="/-/me/factors/app?next=%2Ffleet%2Fbookings"' in html
    assert 'href="/fleet/bookings"' in html
    foreign = browser_of("firefighter").get("/-/me/factors?next=https://evil.example").text
    assert "evil" not in foreign


@pytest.mark.parametrize("code", NoticeCode)
def test_every_notice_has_its_sentence(code: NoticeCode) -> None:
    notice = Notice(
        number=1, at=AT, code=code, detail="Blue key", staff_id="a/b", name="A", person="a/1"
    )

    assert set(SENTENCES) == set(NoticeCode)
    assert "{" not in told(notice)


def test_a_sign_in_that_owes_a_factor_goes_on_to_the_second_step(
    world: World, browser_of: SignIn
) -> None:
    """Without a session: what the browser is given is another cookie."""
    browser = browser_of()
    token = token_of(browser, "/-/sign-in")
    world.desk.fails_with = SecondFactorOwed("T" * 43, staff_id="a/b", address="x@a")
    answered = browser.post(
        "/-/sign-in",
        data={
            "csrf_token": token,
            "organisation": "cheshire-fire",
            "username": "firefighter",
            "password": "demo",
            "next": "/fleet/bookings",
        },
    )

    assert answered.headers["Location"] == "/-/sign-in/second-step?next=%2Ffleet%2Fbookings"
    cookies = answered.headers.getlist("Set-Cookie")
    assert any(each.startswith("gateway-localhost-stage=" + "T" * 43) for each in cookies)
    assert not any(each.startswith("gateway-localhost=") for each in cookies)
