"""Signing in and out, as a browser meets it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from gateway.errors import DirectoryMisconfigured, RecordUnavailable, SignInRefused
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.doubles import SignOutForm
from tests.gateway.pages.people import AMBULANCE, FIRE, POLICE
from tests.gateway.pages.world import REFERENCE, World, new_world


def token_of(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    return found[1]


def send(browser: Client, **changes: Any) -> TestResponse:
    """Open the form and send it, as a person would."""
    token = token_of(browser.get("/-/sign-in").text)
    fields = {
        "organisation": "cheshire-fire",
        "username": "firefighter",
        "password": "demo",
        "next": "/-/portal",
        "csrf_token": token,
    }
    return browser.post("/-/sign-in", data={**fields, **changes})


def test_right_password_opens_a_session_and_goes_on(world: World, browser_of: SignIn) -> None:
    """The tour begins here."""
    browser = browser_of()

    response = send(browser, next="/fleet/bookings?day=1")

    assert response.status_code == 303
    assert response.headers["Location"] == "/fleet/bookings?day=1"
    assert len(world.desk.sessions) == 1
    assert browser.get("/-/portal").status_code == 200


def test_session_cookie_is_for_this_host_alone_and_out_of_reach_of_scripts() -> None:
    """With https the name itself binds the cookie to the host."""
    world = new_world(origin="https://gate.example.police.uk")
    response = send(Client(world.front))

    cookies = response.headers.getlist("Set-Cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("__Host-gateway="))
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert attribute in session
    assert "Domain" not in session
    assert "Max-Age" not in session


def test_cookie_on_plain_localhost_has_a_name_of_its_own(browser_of: SignIn) -> None:
    """`__Host-` needs Secure, which browsers refuse on plain http."""
    cookies = send(browser_of()).headers.getlist("Set-Cookie")

    names = {cookie.partition("=")[0] for cookie in cookies}
    assert "gateway-localhost" in names
    assert not [cookie for cookie in cookies if "Secure" in cookie]


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"username": "nobody"},
        {"organisation": "cheshire-police"},
        {"password": "x" * 10_000},
        {"password": "de\0mo"},
        {"username": "fire\0fighter"},
        {"username": "*)(uid=*"},
    ],
)
def test_wrong_name_and_wrong_password_get_one_and_the_same_answer(
    browser_of: SignIn, changes: dict[str, str]
) -> None:
    """Otherwise the form tells strangers who works here."""
    response = send(browser_of(), **changes)

    assert response.status_code == 401
    assert "There is a problem" in response.text
    assert "<title>Error: Sign in" in response.text
    assert "The username or password is not right for this organisation" in response.text
    assert "demo" not in response.text
    assert "gateway-localhost=" not in str(response.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize(
    ("changes", "sentence", "field"),
    [
        ({"organisation": ""}, "Select your organisation", "organisation"),
        ({"organisation": "atlantis"}, "Select your organisation", "organisation"),
        ({"username": "  "}, "Enter your username", "username"),
        ({"password": ""}, "Enter your password", "password"),
    ],
)
def test_missing_field_is_said_beside_it_and_in_the_summary(
    world: World, browser_of: SignIn, changes: dict[str, str], sentence: str, field: str
) -> None:
    """An empty password must never reach a directory, which may take it for anonymous."""
    response = send(browser_of(), **changes)

    assert response.status_code == 400
    assert response.text.count(sentence) == 2
    assert f'href="#{field}"' in response.text
    assert world.desk.asked == []


def test_what_was_entered_is_kept_but_for_the_password(browser_of: SignIn) -> None:
    """Nobody should type their name twice, and no page should hold a password."""
    html = send(browser_of(), username="sam<b>", password="s3cret-word").text

    assert 'value="sam&lt;b&gt;"' in html
    assert "s3cret-word" not in html
    assert '<input type="hidden" name="organisation" value="cheshire-fire">' in html


@pytest.mark.parametrize("error", [DirectoryMisconfigured("x"), RecordUnavailable("x")])
def test_trouble_of_ours_is_said_with_a_reference(
    world: World, browser_of: SignIn, error: Exception
) -> None:
    """The person cannot correct it, so it is no error of the form."""
    world.desk.fails_with = error  # type: ignore[assignment]
    response = send(browser_of())

    assert response.status_code == 503
    assert f'data-reference="{REFERENCE}"' in response.text
    assert "There is a problem" not in response.text


def test_directory_that_is_away_is_named_with_whom_to_ask(browser_of: SignIn) -> None:
    """Other organisations can sign in all the same, so it says whose it is."""
    response = send(browser_of(), username="away")

    assert response.status_code == 503
    assert f"{FIRE.name} cannot check passwords just now" in response.text
    assert FIRE.help_contact in response.text


@pytest.mark.parametrize(
    ("code", "tellable", "status"),
    [
        ("too-many-attempts", True, 429),
        ("busy", True, 503),
        ("identity-changed", True, 403),
        ("not-employed", True, 403),
        ("entry-incomplete", True, 403),
        ("account-disabled", True, 403),
        ("account-expired", True, 403),
        ("account-must-change-password", True, 403),
        ("account-disabled", False, 401),
        ("account-locked", False, 401),
        ("too-many-attempts", False, 401),
        ("a-code-of-tomorrow", True, 401),
    ],
)
def test_refused_sign_in_says_what_may_be_told(
    world: World, browser_of: SignIn, code: str, tellable: bool, status: int
) -> None:
    """What may not be told, or is not known here, looks like a wrong password."""
    world.desk.fails_with = SignInRefused(code, tellable=tellable)

    assert send(browser_of()).status_code == status


def test_a_locked_account_and_a_wrong_password_are_told_in_the_same_words(
    world: World, browser_of: SignIn
) -> None:
    """Everybody is told whom to ask if they are sure, so nobody learns who is locked."""
    told = set()
    for code in ("wrong-password", "unknown-person", "account-locked", "account-disabled"):
        world.desk.fails_with = SignInRefused(code, tellable=False)
        page = send(browser_of()).text
        told.add(re.sub(r'(csrf_token" value=")[^"]+', r"\1", page))

        assert f"your account may be locked or closed. Ask: {FIRE.help_contact}" in page
    assert len(told) == 1


@pytest.mark.parametrize("token", ["", "x", "A" * 43])
def test_form_that_we_did_not_show_is_not_taken(
    world: World, browser_of: SignIn, token: str
) -> None:
    """A foreign page could otherwise sign a person in as somebody else."""
    response = send(browser_of(), csrf_token=token)

    assert response.status_code == 400
    assert "open for too long" in response.text
    assert world.desk.asked == []


def test_form_shown_to_another_browser_is_not_taken(world: World, browser_of: SignIn) -> None:
    """The attacker can fetch a form of their own, but not put their cookie into our browser."""
    foreign = token_of(browser_of().get("/-/sign-in").text)

    assert send(browser_of(), csrf_token=foreign).status_code == 400
    assert world.desk.asked == []


def test_field_sent_twice_is_not_taken(world: World, browser_of: SignIn) -> None:
    """A second value is a second reading of who signs in where."""
    response = send(browser_of(), username=["firefighter", "auditor"])

    assert response.status_code == 400
    assert world.desk.asked == []


def test_form_larger_than_any_form_is_refused(browser_of: SignIn) -> None:
    """A stranger may not fill the memory."""
    response = browser_of().post("/-/sign-in", data={"username": "x" * 100_000})

    assert response.status_code == 413
    assert "more than we can take" in response.text


@pytest.mark.parametrize(
    "value",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "/a/../b", "/-/sign-out"],
)
def test_nobody_is_led_away_after_signing_in(browser_of: SignIn, value: str) -> None:
    """An open redirect after a password is what phishers look for."""
    assert send(browser_of(), next=value).headers["Location"] == "/-/portal"


def test_next_is_carried_through_a_failed_attempt(browser_of: SignIn) -> None:
    """A mistyped password must not cost the way back."""
    html = send(browser_of(), password="no", next="/fleet/bookings").text

    assert 'name="next" value="/fleet/bookings"' in html


def test_organisation_is_remembered_after_a_sign_in(browser_of: SignIn) -> None:
    """It is the same one nearly every day."""
    browser = browser_of()
    send(browser)
    browser.delete_cookie("gateway-localhost")

    html = browser.get("/-/sign-in").text
    assert '<input type="hidden" name="organisation" value="cheshire-fire">' in html
    other = browser.get("/-/sign-in?other=1").text
    assert re.search(r'value="cheshire-fire" checked', other)


def test_what_is_remembered_is_the_organisation_and_nothing_else(browser_of: SignIn) -> None:
    """Not who it was: others may use the computer."""
    cookies = send(browser_of()).headers.getlist("Set-Cookie")
    (remembered,) = [one for one in cookies if one.startswith("gateway-localhost-organisation=")]

    assert remembered.startswith("gateway-localhost-organisation=cheshire-fire;")
    assert "firefighter" not in remembered


def find(browser: Client, **fields: str) -> TestResponse:
    """Fill in the page that finds one's organisation."""
    token = token_of(browser.get("/-/sign-in?other=1").text)
    return browser.post("/-/find-organisation", data={"csrf_token": token, **fields})


@pytest.mark.parametrize(
    ("fields", "leads_to"),
    [
        ({"organisation": "cheshire-fire"}, "/-/sign-in/cheshire-fire"),
        ({"email": "jo@nwas.example"}, "/-/sign-in/nwas"),
        ({"email": " Jo.Hartley@NWAS.Example "}, "/-/sign-in/nwas"),
        ({"email": "a@fire.example"}, "/-/sign-in/cheshire-fire"),
        ({"organisation": "cheshire-fire", "email": "jo@nwas.example"}, "/-/sign-in/nwas"),
        (
            {"organisation": "nwas", "next": "/fleet/bookings?day=1"},
            "/-/sign-in/nwas?next=%2Ffleet%2Fbookings%3Fday%3D1",
        ),
        ({"organisation": "nwas", "next": "//evil.example"}, "/-/sign-in/nwas"),
    ],
    ids=repr,
)
def test_an_organisation_is_found_by_choice_and_by_address(
    browser_of: SignIn, fields: dict[str, str], leads_to: str
) -> None:
    response = find(browser_of(), **fields)

    assert (response.status_code, response.headers["Location"]) == (303, leads_to)


@pytest.mark.parametrize(
    "mail",
    [
        "jo", "jo@", "@nwas.example", "jo@nwas.example@evil.example",
        "jo@evil.example@nwas.example",
        "jo@sub.nwas.example", "jo@xnwas.example", "jo@nwas.example.", "jo@nwas",
        "jo@nwas.example\0", "x" * 5_000 + "@nwas.example.evil",
    ],
    ids=map(str, range(11)),
)  # fmt: skip
def test_an_address_that_is_nobodys_leads_nowhere(browser_of: SignIn, mail: str) -> None:
    """Exactly one `@`: two have two readings (`a@org@evil`)."""
    response = find(browser_of(), email=mail)

    assert response.status_code == 400
    assert response.text.count("No organisation here has such addresses") == 2
    assert 'href="#email"' in response.text


def test_nothing_chosen_is_said(browser_of: SignIn) -> None:
    response = find(browser_of())

    assert response.status_code == 400
    assert response.text.count("Select your organisation") == 2


def test_a_foreign_form_finds_nothing(browser_of: SignIn) -> None:
    response = find(browser_of(), organisation="nwas", csrf_token="x")

    assert response.status_code == 400
    assert "open for too long" in response.text


class TestWhatAnOrganisationHas:
    """A form, a button, or both."""

    def test_a_provider_is_a_button_and_no_password_is_asked_for(self, browser_of: SignIn) -> None:
        html = browser_of().get("/-/sign-in/nwas?next=/fleet/bookings").text

        assert "Continue to NWAS sign-in" in html
        assert 'href="/-/oidc/nwas/begin?next=%2Ffleet%2Fbookings"' in html
        assert 'type="password"' not in html

    def test_a_directory_is_a_form_and_no_button(self, browser_of: SignIn) -> None:
        html = browser_of().get("/-/sign-in/cheshire-fire").text

        assert 'type="password"' in html
        assert "Continue to" not in html

    def test_both_are_both(self) -> None:
        both = replace(FIRE, providers=AMBULANCE.providers)
        html = Client(new_world(organisations=(POLICE, both)).front).get(f"/-/sign-in/{FIRE.id}")

        assert "Continue to NWAS sign-in" in html.text
        assert 'type="password"' in html.text
        assert "Or use your username and password" in html.text

    def test_a_password_for_who_has_a_provider_is_not_taken(
        self, world: World, browser_of: SignIn
    ) -> None:
        response = send(browser_of(), organisation="nwas")

        assert response.status_code == 400
        assert world.desk.asked == []


class TestSigningOutAtAProvider:
    """The browser may still be signed in there."""

    def sign_out(self, world: World, browser: Client) -> TestResponse:
        world.providers.form = SignOutForm()
        token = token_of(browser.get("/-/portal").text)
        return browser.post("/-/sign-out", data={"csrf_token": token})

    def test_the_page_has_the_button_for_it(self, world: World, browser_of: SignIn) -> None:
        response = self.sign_out(world, browser_of("paramedic"))

        assert response.status_code == 200
        assert "You have signed out" in response.text
        assert "Sign out of NWAS sign-in" in response.text
        assert 'name="id_token_hint" value="token"' in response.text
        assert response.headers["Set-Cookie"].startswith("gateway-localhost=;")
        assert world.desk.sessions == {}
        assert "Paramedic" not in response.text

    def test_that_page_alone_may_send_a_form_there(self, world: World, browser_of: SignIn) -> None:
        response = self.sign_out(world, browser_of("paramedic"))

        policy = response.headers["Content-Security-Policy"]
        assert "form-action 'self' https://login.nwas.example;" in policy
        elsewhere = browser_of().get("/-/sign-out").headers["Content-Security-Policy"]
        assert "form-action 'self';" in elsewhere


def test_link_of_an_organisation_chooses_it(browser_of: SignIn) -> None:
    """An organisation can put the link on its own intranet."""
    html = browser_of().get("/-/sign-in/cheshire-fire?next=/fleet/bookings").text

    assert '<input type="hidden" name="organisation" value="cheshire-fire">' in html
    assert 'href="/-/sign-in?other=1&amp;next=%2Ffleet%2Fbookings"' in html
    assert POLICE.name in html  # the header
    assert "North West Ambulance" not in html


def test_link_of_an_unknown_organisation_leads_to_the_choice(browser_of: SignIn) -> None:
    """An old link helps more this way than by a refusal."""
    response = browser_of().get("/-/sign-in/atlantis")

    assert (response.status_code, response.headers["Location"]) == (303, "/-/sign-in")


def test_many_organisations_are_a_list_to_choose_from() -> None:
    """Seven radio buttons and more push the form off the screen."""
    many = (
        POLICE,
        FIRE,
        *(type(FIRE)(id=f"o{n}", name=f"O {n}", help_contact="x") for n in range(5)),
    )
    html = Client(new_world(organisations=many).front).get("/-/sign-in").text

    assert '<select class="govuk-select" id="organisation" name="organisation">' in html
    assert 'type="radio"' not in html


def test_whoever_is_signed_in_goes_on(browser_of: SignIn) -> None:
    """A bookmarked sign-in page is no dead end."""
    response = browser_of("firefighter").get("/-/sign-in?next=/fleet/bookings")

    assert (response.status_code, response.headers["Location"]) == (303, "/fleet/bookings")


def test_sign_in_replaces_the_session_that_the_browser_had(
    world: World, browser_of: SignIn
) -> None:
    """A session planted before signing in is worth nothing after it."""
    browser = browser_of()
    send(browser)
    before = set(world.desk.sessions)
    browser.set_cookie("gateway-localhost", "planted" * 6 + "x")
    send(browser, username="watch-manager")

    assert set(world.desk.sessions) - before


def test_sign_out_ends_the_session(world: World, browser_of: SignIn) -> None:
    """The button does it at once; the page says so."""
    browser = browser_of("firefighter")
    token = token_of(browser.get("/-/portal").text)

    response = browser.post("/-/sign-out", data={"csrf_token": token})

    assert response.headers["Set-Cookie"].startswith("gateway-localhost=;")
    assert "You have signed out" in browser.get(response.headers["Location"]).text
    assert world.desk.sessions == {}
    assert browser.get("/-/portal").status_code == 303


def test_link_to_sign_out_only_shows_the_button(world: World, browser_of: SignIn) -> None:
    """A link, followed by anyone or anything, changes nothing."""
    html = browser_of("firefighter").get("/-/sign-out").text

    assert "Do you want to sign out?" in html
    assert len(world.desk.sessions) == 1


def test_foreign_form_signs_nobody_out(world: World, browser_of: SignIn) -> None:
    """It is a nuisance at best, and a way to plant another session at worst."""
    response = browser_of("firefighter").post("/-/sign-out", data={"csrf_token": "x"})

    assert response.status_code == 400
    assert len(world.desk.sessions) == 1


def test_sign_out_without_a_session_says_that_one_is_signed_out(browser_of: SignIn) -> None:
    """Pressing the button twice is no error."""
    response = browser_of().post("/-/sign-out", follow_redirects=True)

    assert "You have signed out" in response.text


def test_after_a_long_pause_whoever_is_signed_in_signs_in_again(browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    page = browser.get("/-/sign-in?next=/custody/1/x&again=paused")

    assert page.status_code == 200
    assert "sign in again to show that it is still you" in page.text
    assert 'name="next" value="/custody/1/x"' in page.text
    aged = browser.get("/-/sign-in?next=/custody/1/x&again=signed-in-long-ago")
    assert "You signed in some hours ago" in aged.text
    assert browser.get("/-/sign-in?next=/-/portal&again=x").status_code == 303


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("too-many-sessions", "your oldest session"),
        ("ended-by-officer", "by a security officer"),
        ("provider-signed-out", "signed out there"),
        ("signed-out", None),
        ("", None),
    ],
)
def test_whoever_lost_their_session_is_told_why_where_there_is_more_to_it(
    world: World, browser_of: SignIn, code: str, told: str | None
) -> None:
    browser = browser_of("")
    token = "x" * 43
    browser.set_cookie(world.services.cookies.session.name, token)
    world.desk.ended[token] = code
    page = browser.get("/-/sign-in").text

    assert ('id="notice"' in page) is bool(told)
    assert (told or "") in page


@pytest.mark.parametrize(("then", "where"), [("change-person", "/-/sign-in"), ("", "/-/sign-out")])
def test_leaving_clears_all_but_the_organisation(
    world: World, browser_of: SignIn, then: str, where: str
) -> None:
    browser = browser_of("firefighter")
    cookies = world.services.cookies
    browser.set_cookie(cookies.organisation.name, "cheshire-fire")
    browser.set_cookie(cookies.form.name, "x" * 43)
    browser.set_cookie(cookies.stage.name, "x" * 43)
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/-/sign-out").text)
    assert found
    left = browser.post("/-/sign-out", data={"csrf_token": found[1], "then": then})

    assert (left.status_code, left.headers["Location"]) == (303, where)
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert browser.get_cookie(cookies.session.name) is None
    assert browser.get_cookie(cookies.form.name) is None
    assert browser.get_cookie(cookies.stage.name) is None
    assert browser.get_cookie(cookies.organisation.name) is not None
    assert world.desk.sessions == {}
