"""Asking what somebody needs a function for: only a code that was asked for, then onwards."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.test_factors import token_of
from tests.gateway.pages.world import World

PURPOSE = "/-/purpose"
ASKED = f"{PURPOSE}?for=hr.me&codes=assurance,casework&text=1&next=/fleet/bookings"
FORM = {"for": "hr.me", "codes": "assurance,casework", "text": "1", "next": "/fleet/bookings"}


@pytest.fixture(autouse=True)
def _nothing_kept(world: World) -> None:
    world.purposes.kept.clear()


def test_what_was_chosen_is_kept_and_they_go_on_where_they_were(
    world: World, browser_of: SignIn
) -> None:
    browser = browser_of("firefighter")
    shown = browser.get(ASKED)
    form = {
        **FORM,
        "csrf_token": token_of(browser, ASKED),
        "code": "assurance",
        "words": " Case 7 ",
    }
    answered = browser.post(PURPOSE, data=form)

    assert "What do you need this for?" in shown.text
    assert "My personal details" in shown.text
    assert "Audit or assurance" in shown.text
    assert "Correcting a record" not in shown.text
    assert "In your own words (optional)" in shown.text
    assert (answered.status_code, answered.headers["Location"]) == (303, "/fleet/bookings")
    assert world.purposes.kept == [("hr.me", "assurance", "Case 7")]


def test_words_are_not_kept_where_none_are_offered(world: World, browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    plain = ASKED.replace("&text=1", "")
    form = {**FORM, "text": "", "csrf_token": token_of(browser, plain), "code": "assurance"}
    answered = browser.post(PURPOSE, data={**form, "words": "somebody's name"})

    assert "In your own words" not in browser.get(plain).text
    assert answered.status_code == 303
    assert world.purposes.kept == [("hr.me", "assurance", "")]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "Choose what you need it for"),
        ({"code": ""}, "Choose what you need it for"),
        ({"code": "correction"}, "Choose what you need it for"),
        ({"code": "assurance", "words": "x" * 501}, "500 characters or fewer"),
        ({"code": "assurance", "csrf_token": "x"}, "open for too long"),
    ],
)
def test_nothing_else_goes_on(
    world: World, browser_of: SignIn, more: dict[str, str], said: str
) -> None:
    browser = browser_of("firefighter")
    form = {**FORM, "csrf_token": token_of(browser, ASKED), **more}
    answered = browser.post(PURPOSE, data=form)

    assert (answered.status_code, said in answered.text) == (400, True)
    assert world.purposes.kept == []


@pytest.mark.parametrize(
    "address",
    [
        PURPOSE,
        f"{PURPOSE}?for=hr.me",
        f"{PURPOSE}?for=hr.me&codes=nonsense",
        f"{PURPOSE}?for=no.such&codes=assurance",
        f"{PURPOSE}?for=duty.me&codes=assurance",
        f"{PURPOSE}?for=hr.me&for=pay.slip&codes=assurance",
    ],
)
def test_an_address_that_asks_nothing_leads_home(browser_of: SignIn, address: str) -> None:
    """And says nothing of functions that are not offered (`duty.me`), or are none."""
    answered: Any = browser_of("firefighter").get(address)

    assert (answered.status_code, answered.headers["Location"]) == (303, "/-/portal")


def test_going_on_leads_nowhere_else(browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    form = {**FORM, "csrf_token": token_of(browser, ASKED), "code": "assurance"}
    answered = browser.post(PURPOSE, data={**form, "next": "//elsewhere.example/"})

    assert answered.headers["Location"] == "/-/portal"
