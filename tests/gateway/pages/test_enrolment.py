"""Adding a factor: the secret in two forms, faults beside the field, codes once."""

from __future__ import annotations

import pytest

from gateway.identity.factors.factors import FactorRefused
from gateway.pages.enrolment import with_next
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.factor_doubles import CODE, CODES, NEW_TOKEN, SECRET
from tests.gateway.pages.test_factors import token_of
from tests.gateway.pages.world import World

APP, KEY = "/-/me/factors/app", "/-/me/factors/key"


def test_the_secret_stands_in_letters_beside_the_code(browser_of: SignIn) -> None:
    """Whoever cannot scan types or copies it (WCAG 1.1.1)."""
    html = browser_of("firefighter").get(APP).text

    assert " ".join(SECRET[place : place + 4] for place in range(0, 32, 4)) in html
    assert 'role="img" aria-label="QR code' in html
    assert 'autocomplete="one-time-code"' in html


def test_the_first_factor_brings_recovery_codes_and_a_new_session(
    world: World, browser_of: SignIn
) -> None:
    world.factors.having = ()
    browser = browser_of("firefighter")
    form = {"csrf_token": token_of(browser, APP), "code": CODE, "name": "Phone"}
    added = browser.post(APP, data={**form, "next": "/fleet/bookings"})

    assert added.status_code == 200
    assert all(code in added.text for code in CODES)
    assert 'href="/fleet/bookings"' in added.text
    assert f"gateway-localhost={NEW_TOKEN}" in "".join(added.headers.getlist("Set-Cookie"))
    assert added.headers["Cache-Control"] == "no-store"
    assert world.factors.asked == [f"add-app Phone {CODE}"]


def test_a_further_factor_leads_back_to_the_list(world: World, browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    form = {"csrf_token": token_of(browser, KEY), "answer": '{"id": 1}', "name": "Blue"}
    added = browser.post(KEY, data=form)

    assert (added.status_code, added.headers["Location"]) == (303, "/-/me/factors")
    assert world.factors.asked == ['add-key Blue {"id": 1}']


@pytest.mark.parametrize(
    ("path", "data", "said"),
    [
        (APP, {"code": ""}, "Enter the code that your app shows"),
        (APP, {"code": " "}, "Enter the code that your app shows"),
        (APP, {"code": "000000"}, "That code is not right"),
        (KEY, {"answer": ""}, "no answer of a security key"),
    ],
)
def test_a_fault_is_said_and_nothing_is_added(
    browser_of: SignIn, path: str, data: dict[str, str], said: str
) -> None:
    browser = browser_of("firefighter")
    answered = browser.post(path, data={"csrf_token": token_of(browser, path), **data})

    assert answered.status_code == 400
    assert said in answered.text
    assert "There is a problem" in answered.text
    assert "Set-Cookie" not in answered.headers


@pytest.mark.parametrize("path", [APP, KEY])
def test_a_foreign_form_adds_nothing(world: World, browser_of: SignIn, path: str) -> None:
    answered = browser_of("firefighter").post(path, data={"code": CODE, "answer": "{}"})

    assert answered.status_code == 400
    assert world.factors.asked == []


@pytest.mark.parametrize("code", ["key-wrong", "key-known", "too-late", "too-many", "else"])
def test_what_is_refused_is_told(world: World, browser_of: SignIn, code: str) -> None:
    browser = browser_of("firefighter")
    world.factors.fails_with = FactorRefused(code)
    form = {"csrf_token": token_of(browser, KEY), "answer": "{}"}

    assert "There is a problem" in browser.post(KEY, data=form).text


def test_the_portal_is_where_one_goes_anyway() -> None:
    assert with_next("/-/x", "/-/portal") == "/-/x"
    assert with_next("/-/x", "/a?b=c&d") == "/-/x?next=%2Fa%3Fb%3Dc%26d"
