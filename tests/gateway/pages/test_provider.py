"""To a provider and back, as a browser meets it."""

from __future__ import annotations

import pytest
from werkzeug.test import Client, TestResponse

from gateway.errors import DirectoryUnavailable, SecondFactorOwed, SignInRefused, StoreError
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.people import AMBULANCE
from tests.gateway.pages.world import REFERENCE, World, new_world

BEGIN = "/-/oidc/nwas/begin"
CALLBACK = "/-/oidc/nwas/callback"


def cookies_of(response: TestResponse) -> dict[str, str]:
    return {
        cookie.partition("=")[0]: cookie.partition("=")[2]
        for cookie in response.headers.getlist("Set-Cookie")
    }


def test_there_and_back(world: World, browser_of: SignIn) -> None:
    browser = browser_of()
    there = browser.get(f"{BEGIN}?next=/fleet/bookings")

    assert there.status_code == 303
    assert there.headers["Location"].startswith("https://login.nwas.example/auth?")
    back = browser.get(f"{CALLBACK}?state=s-1&code=good")
    assert (back.status_code, back.headers["Location"]) == (303, "/fleet/bookings")
    assert len(world.desk.sessions) == 1
    assert browser.get("/-/portal").status_code == 200
    set_by = cookies_of(back)
    assert set_by["gateway-localhost-organisation"].startswith("nwas;")
    assert set_by["gateway-localhost-provider"].startswith(";")


def test_the_cookie_that_ties_both_halves_is_for_this_host_alone() -> None:
    world = new_world(origin="https://gate.example.police.uk")
    there = Client(world.front).get(BEGIN)
    (cookie,) = there.headers.getlist("Set-Cookie")

    assert cookie.startswith("__Host-gateway-provider=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=600"):
        assert attribute in cookie
    assert "Domain" not in cookie


def test_a_browser_keeps_its_cookie_over_several_sign_ins(world: World, browser_of: SignIn) -> None:
    """Two windows may be at it at once."""
    browser = browser_of()
    browser.get(BEGIN)
    browser.get(BEGIN)
    other = browser_of()
    other.set_cookie("gateway-localhost-provider", "planted")
    other.get(BEGIN)
    first, second, third = (each["browser"] for each in world.providers.begun)

    assert first == second
    assert third not in {first, "planted"}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none, same-origin"])
def test_another_site_begins_nothing(world: World, browser_of: SignIn, site: str) -> None:
    """Or it could have somebody signed in without their asking."""
    response = browser_of().get(BEGIN, headers={"Sec-Fetch-Site": site})

    assert (response.status_code, response.headers["Location"]) == (303, "/-/sign-in/nwas")
    assert world.providers.begun == []


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_our_own_page_and_a_bookmark_begin(world: World, browser_of: SignIn, site: str) -> None:
    browser_of().get(BEGIN, headers={"Sec-Fetch-Site": site})

    assert len(world.providers.begun) == 1


def test_a_look_at_the_head_begins_nothing(world: World, browser_of: SignIn) -> None:
    browser = browser_of()

    assert browser.head(BEGIN).headers["Location"] == "/-/sign-in/nwas"
    assert browser.head(f"{CALLBACK}?state=s-1&code=good").headers["Location"] == "/-/sign-in"
    assert world.providers.begun == []


@pytest.mark.parametrize("path", ["/-/oidc/atlantis/begin", "/-/oidc/atlantis/callback?code=good"])
def test_an_unknown_provider_leads_to_the_choice(browser_of: SignIn, path: str) -> None:
    response = browser_of().get(path)

    assert (response.status_code, response.headers["Location"]) == (303, "/-/sign-in")


@pytest.mark.parametrize(
    "value", ["https://evil.example/", "//evil.example", "/-/oidc/nwas/begin", "/-/sign-out"]
)
def test_nobody_is_led_away_afterwards(world: World, browser_of: SignIn, value: str) -> None:
    browser_of().get(BEGIN, query_string={"next": value})

    assert world.providers.begun[0]["next"] == "/-/portal"


def test_who_comes_back_in_another_browser_is_told(browser_of: SignIn) -> None:
    browser_of().get(BEGIN)
    response = browser_of().get(f"{CALLBACK}?state=s-1&code=good")

    assert response.status_code == 400
    assert "This sign-in has ended" in response.text
    assert f'data-reference="{REFERENCE}"' in response.text
    assert "Continue to NWAS sign-in" in response.text
    assert "gateway-localhost" not in cookies_of(response)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (SignInRefused("provider-refused", tellable=True), 403, "did not sign you in"),
        (SignInRefused("provider-answer-refused", tellable=True), 403, "could not be trusted"),
        (SignInRefused("too-many-attempts", tellable=True), 429, "Too many attempts"),
        (SignInRefused("of-tomorrow", tellable=False), 503, "Nobody can sign in just now"),
        (DirectoryUnavailable("x"), 503, "cannot sign anybody in just now"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("path", [BEGIN, f"{CALLBACK}?state=s-1&code=good"])
def test_what_went_wrong_is_said_beside_the_button(
    world: World,
    browser_of: SignIn,
    path: str,
    error: SignInRefused | DirectoryUnavailable,
    status: int,
    words: str,
) -> None:
    world.providers.fails_with = error
    response = browser_of().get(path)

    assert response.status_code == status
    assert words in response.text
    assert AMBULANCE.help_contact in response.text


def test_who_owes_a_second_factor_is_led_to_it_and_on_to_where_they_were_going(
    world: World, browser_of: SignIn
) -> None:
    owed = SecondFactorOwed("T" * 43, staff_id="nwas/x", address="jo@nwas")
    owed.next_path = "/fleet/bookings"
    world.providers.fails_with = owed
    response = browser_of().get(f"{CALLBACK}?state=s-1&code=good")

    assert response.headers["Location"] == "/-/sign-in/second-step?next=%2Ffleet%2Fbookings"
    assert cookies_of(response)["gateway-localhost-stage"].startswith("T" * 43)


class TestBackChannel:
    """The provider's own server, without a browser."""

    PATH = "/-/oidc/nwas/back-channel"

    def test_a_good_token_is_accepted(self, world: World, browser_of: SignIn) -> None:
        response = browser_of().post(self.PATH, data={"logout_token": "good"})

        assert (response.status_code, response.data) == (200, b"")
        assert response.headers["Cache-Control"] == "no-store"
        assert world.providers.heard == ["nwas: good"]

    @pytest.mark.parametrize(
        "data",
        [{}, {"logout_token": "bad"}, {"logout_token": ["good", "good"]}, {"token": "good"}],
        ids=repr,
    )
    def test_anything_else_is_not(self, browser_of: SignIn, data: dict[str, str]) -> None:
        response = browser_of().post(self.PATH, data=data)

        assert response.status_code == 400
        assert response.json == {"error": "invalid_request"}
        assert response.headers["Cache-Control"] == "no-store"

    def test_another_kind_of_body_is_not_read(self, world: World, browser_of: SignIn) -> None:
        response = browser_of().post(self.PATH, json={"logout_token": "good"})

        assert response.status_code == 400
        assert world.providers.heard == []

    def test_what_cannot_be_done_now_may_come_again(self, world: World, browser_of: SignIn) -> None:
        world.providers.fails_with = StoreError("store: away")

        assert browser_of().post(self.PATH, data={"logout_token": "good"}).status_code == 503

    def test_it_cannot_be_asked_for(self, browser_of: SignIn) -> None:
        assert browser_of().get(self.PATH).status_code == 405
