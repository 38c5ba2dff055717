"""The button for a desktop's own account, as a browser meets it."""

from __future__ import annotations

import re

import pytest
from werkzeug.test import Client, TestResponse

from gateway.errors import DirectoryUnavailable, SecondFactorOwed, SignInRefused, StoreError
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.people import POLICE
from tests.gateway.pages.world import World

PAGE = "/-/sign-in/cheshire-police"
SEND = "/-/sign-in/kerberos/cheshire-police"


def press(
    browser: Client, authorization: str | None = None, *, next_path: str = "", **changes: str
) -> TestResponse:
    """Press the button of the sign-in page, as a browser with or without a ticket."""
    page = browser.get(f"{PAGE}?next={next_path}" if next_path else PAGE).text
    found = re.search(rf'action="{SEND}".*?</form>', page, re.DOTALL)
    assert found is not None
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', found[0]))
    headers = {} if authorization is None else {"Authorization": authorization}
    return browser.post(SEND, data={**form, **changes}, headers=headers)


def test_the_page_has_the_button_where_the_organisation_takes_tickets(browser_of: SignIn) -> None:
    assert "Sign in with your desktop account" in browser_of().get(PAGE).text
    assert "Or use your username and password" in browser_of().get(PAGE).text
    assert "desktop account" not in browser_of().get("/-/sign-in/cheshire-fire").text


def test_a_browser_without_a_ticket_is_asked_for_one_and_shows_the_ordinary_form(
    world: World, browser_of: SignIn
) -> None:
    response = press(browser_of(), next_path="/fleet/bookings")

    assert response.status_code == 401
    assert response.headers.getlist("WWW-Authenticate") == ["Negotiate"]
    assert "This computer did not sign you in" in response.text
    assert 'action="/-/sign-in"' in response.text
    assert 'name="next" value="/fleet/bookings"' in response.text
    assert world.tickets.shown == []


def test_a_browser_with_a_ticket_is_signed_in_and_goes_on(world: World, browser_of: SignIn) -> None:
    browser = browser_of()
    response = press(browser, "Negotiate good", next_path="/fleet/bookings")

    assert (response.status_code, response.headers["Location"]) == (303, "/fleet/bookings")
    assert response.headers["WWW-Authenticate"] == "Negotiate b3Vycw=="
    assert len(world.desk.sessions) == 1
    assert browser.get("/-/portal").status_code == 200
    cookies = response.headers.getlist("Set-Cookie")
    assert any(
        each.startswith("gateway-localhost-organisation=cheshire-police") for each in cookies
    )


def test_the_same_form_works_when_the_browser_sends_it_again_with_its_ticket(
    world: World, browser_of: SignIn
) -> None:
    """What every browser does after the 401: the same request, once more."""
    browser = browser_of()
    page = browser.get(PAGE).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    form = {"csrf_token": token[1], "next": "/-/portal"}

    assert browser.post(SEND, data=form).status_code == 401
    again = browser.post(SEND, data=form, headers={"Authorization": "Negotiate good"})
    assert again.status_code == 303
    assert len(world.desk.sessions) == 1


def test_who_owes_a_second_factor_goes_on_to_it_and_is_not_signed_in(
    world: World, browser_of: SignIn
) -> None:
    world.tickets.fails_with = SecondFactorOwed("T" * 43, staff_id="a/b", address="x@a")
    response = press(browser_of(), "Negotiate good", next_path="/fleet/bookings")

    assert response.status_code == 303
    assert response.headers["Location"] == "/-/sign-in/second-step?next=%2Ffleet%2Fbookings"
    cookies = response.headers.getlist("Set-Cookie")
    assert any(each.startswith(f"gateway-localhost-stage={'T' * 43};") for each in cookies)
    assert not any(each.startswith("gateway-localhost=") for each in cookies)


@pytest.mark.parametrize("changes", [{"csrf_token": ""}, {"csrf_token": "x" * 43}])
def test_another_site_signs_nobody_in(
    world: World, browser_of: SignIn, changes: dict[str, str]
) -> None:
    response = press(browser_of(), "Negotiate good", **changes)

    assert response.status_code == 400
    assert "WWW-Authenticate" not in response.headers
    assert world.tickets.shown == []
    assert world.desk.sessions == {}


def test_a_link_signs_nobody_in(world: World, browser_of: SignIn) -> None:
    """Whoever is led here from elsewhere meets the button."""
    for method in ("GET", "HEAD"):
        response = browser_of().open(
            SEND, method=method, headers={"Authorization": "Negotiate good"}
        )
        assert (response.status_code, response.headers["Location"]) == (303, PAGE)
    assert world.tickets.shown == []


@pytest.mark.parametrize("organisation", ["cheshire-fire", "nwas", "atlantis"])
def test_where_no_tickets_are_taken_none_is_asked_for(
    world: World, browser_of: SignIn, organisation: str
) -> None:
    response = browser_of().post(
        f"/-/sign-in/kerberos/{organisation}", headers={"Authorization": "Negotiate good"}
    )

    assert (response.status_code, response.headers["Location"]) == (303, "/-/sign-in")
    assert "WWW-Authenticate" not in response.headers
    assert world.tickets.shown == []


def test_a_form_with_two_readings_is_refused(world: World, browser_of: SignIn) -> None:
    browser = browser_of()
    page = browser.get(PAGE).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    response = browser.post(
        SEND,
        data={"csrf_token": [token[1], "x"], "next": "/"},
        headers={"Authorization": "Negotiate good"},
    )

    assert response.status_code == 400
    assert world.tickets.shown == []


def test_nobody_is_led_away_afterwards(browser_of: SignIn) -> None:
    response = press(browser_of(), "Negotiate good", next="https://evil.example/")

    assert response.headers["Location"] == "/-/portal"


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (SignInRefused("ticket-replayed", tellable=True), 403, "could not be used"),
        (SignInRefused("ticket-malformed", tellable=True), 403, "could not be used"),
        (SignInRefused("ticket-expired", tellable=True), 403, "has run out"),
        (SignInRefused("ticket-ntlm", tellable=True), 403, "is not signed in to"),
        (SignInRefused("unknown-person", tellable=True), 403, "is not known"),
        (SignInRefused("account-disabled", tellable=True), 403, "is switched off"),
        (SignInRefused("account-locked", tellable=True), 403, "is locked"),
        (SignInRefused("account-expired", tellable=True), 403, "has expired"),
        (SignInRefused("account-must-change-password", tellable=True), 403, "new password"),
        (SignInRefused("busy", tellable=True), 503, "Many people are signing in"),
        (SignInRefused("entry-incomplete", tellable=True), 403, "not complete"),
        (SignInRefused("of-tomorrow", tellable=False), 503, "Nobody can sign in just now"),
        (DirectoryUnavailable("x"), 503, "just now"),
        (StoreError("x"), 503, "Nobody can sign in just now"),
    ],
    ids=repr,
)
def test_what_went_wrong_is_said_beside_the_ordinary_form(
    world: World, browser_of: SignIn, error: Exception, status: int, words: str
) -> None:
    world.tickets.fails_with = error  # type: ignore[assignment]  # each is of the family
    response = press(browser_of(), "Negotiate c2VjcmV0")

    assert response.status_code == status
    assert words in response.text
    assert "password is right" not in response.text
    assert POLICE.help_contact in response.text
    assert 'action="/-/sign-in"' in response.text
    assert "WWW-Authenticate" not in response.headers
    assert "c2VjcmV0" not in response.text
    assert not any("session" in each for each in response.headers.getlist("Set-Cookie"))
