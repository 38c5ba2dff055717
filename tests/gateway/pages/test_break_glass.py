"""Break-glass, as a browser meets it: the form, and the security officer's list."""

from __future__ import annotations

from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from gateway.errors import RecordUnavailable, SignInRefused
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.doubles import PASSWORD
from tests.gateway.pages.test_sign_in import token_of
from tests.gateway.pages.world import REFERENCE, World

FORM = "/-/break-glass"
ENTERED = {
    "account": "night-duty",
    "password": PASSWORD,
    "code": "123456",
    "used_by": " Helen Marsh ",
    "reason": "directory away",
}


def send(browser: Client, **changes: Any) -> TestResponse:
    """Open the form and send it, as a person would."""
    token = token_of(browser.get(FORM).text)
    return browser.post(FORM, data={**ENTERED, "csrf_token": token, **changes})


def test_envelope_and_code_open_a_session(world: World, browser_of: SignIn) -> None:
    browser = browser_of()
    response = send(browser)

    assert (response.status_code, response.headers["Location"]) == (303, "/-/portal")
    assert browser.get("/-/portal").status_code == 200
    (asked,) = world.envelope.asked
    assert asked["used_by"] == "Helen Marsh"
    assert asked["visit"].reference == REFERENCE


def test_whoever_comes_without_is_told_one_thing(browser_of: SignIn) -> None:
    response = send(browser_of(), password="wrong")

    assert response.status_code == 401
    assert "The account, the password or the code is not right" in response.text
    assert 'value="night-duty"' in response.text
    assert "wrong" not in response.text
    assert "123456" not in response.text


@pytest.mark.parametrize("field", ENTERED)
def test_a_field_left_empty_is_named(world: World, browser_of: SignIn, field: str) -> None:
    response = send(browser_of(), **{field: " "})

    assert response.status_code == 400
    assert f'href="#{field}"' in response.text
    assert world.envelope.asked == []


@pytest.mark.parametrize("field", [*ENTERED, "csrf_token"])
def test_a_field_sent_twice_is_refused(world: World, browser_of: SignIn, field: str) -> None:
    browser = browser_of()
    token = token_of(browser.get(FORM).text)
    both = {**ENTERED, "csrf_token": token}
    response = browser.post(FORM, data={**both, field: [both[field], both[field]]})

    assert response.status_code == 400
    assert world.envelope.asked == []


def test_a_foreign_form_uses_nothing(world: World, browser_of: SignIn) -> None:
    response = send(browser_of(), csrf_token="x" * 43)

    assert response.status_code == 400
    assert world.envelope.asked == []


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (SignInRefused("too-many-attempts", tellable=True), 429, "Too many attempts"),
        (SignInRefused("busy", tellable=True), 503, "Several people are trying"),
        (SignInRefused("account-closed", tellable=True), 403, "cannot be used any more"),
        (RecordUnavailable("disk full"), 503, "Nobody can be let in just now"),
    ],
)
def test_what_can_be_told_is_told_with_a_reference(
    world: World, browser_of: SignIn, error: Exception, status: int, said: str
) -> None:
    world.envelope.fails_with = error  # type: ignore[assignment]  # each is of our family
    response = send(browser_of())

    assert response.status_code == status
    assert said in response.text
    assert REFERENCE in response.text
    assert "Set-Cookie" not in response.headers


def test_the_list_tells_what_waits_apart_from_what_was_reviewed(browser_of: SignIn) -> None:
    page = browser_of("security-officer").get("/-/break-glass-uses").text
    waiting, _, reviewed = page.partition(">Reviewed<")

    assert 'data-use="2"' in waiting
    assert 'data-use="1"' not in waiting
    assert 'data-use="1"' in reviewed
    assert "As agreed with the duty officer" in reviewed


@pytest.mark.parametrize("username", ["firefighter", "auditor", "vetting-officer"])
def test_the_list_is_for_security_officers(browser_of: SignIn, username: str) -> None:
    assert browser_of(username).get("/-/break-glass-uses").status_code in {403, 404}
