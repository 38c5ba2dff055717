"""Showing a second factor: right goes on, all else stays; what waits is sent by a button, once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from werkzeug.test import Client

from gateway.identity.factors.factors import FactorRefused
from gateway.pages.caller import HOST_KEY
from gateway.system_hosts import SystemHost
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.factor_doubles import (
    CODE,
    FORM,
    NEW_TOKEN,
    PHONE,
    STAGE_TOKEN,
    staff_of,
)
from tests.gateway.pages.people import AT
from tests.gateway.pages.test_factors import token_of
from tests.gateway.pages.world import World

STEP_UP, SECOND_STEP = "/-/step-up", "/-/sign-in/second-step"


@pytest.fixture
def staged(world: World, browser_of: SignIn) -> Client:
    """A browser in the midst of signing in."""
    world.factors.stage_of = staff_of(world.staff["firefighter"])
    browser = browser_of()
    browser.set_cookie("gateway-localhost-stage", STAGE_TOKEN)
    return browser


def test_a_right_code_goes_on_with_a_new_session(browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    form = {"csrf_token": token_of(browser, STEP_UP), "code": CODE, "next": "/fleet/bookings"}
    answered = browser.post(STEP_UP, data=form)

    assert (answered.status_code, answered.headers["Location"]) == (303, "/fleet/bookings")
    assert f"gateway-localhost={NEW_TOKEN}" in answered.headers["Set-Cookie"]


@pytest.mark.parametrize("place", [STEP_UP, SECOND_STEP])
@pytest.mark.parametrize(
    "data",
    [{}, {"code": ""}, {"code": "  "}, {"answer": ""}, {"use-key": "yes"}, {"code": "000000"},
     {"code": [CODE, CODE]}],
)  # fmt: skip
def test_nothing_empty_or_wrong_goes_on(
    browser_of: SignIn, staged: Client, place: str, data: dict[str, str]
) -> None:
    """As authentik once let an empty form pass (CVE-2026-49448)."""
    browser = browser_of("firefighter") if place == STEP_UP else staged
    answered = browser.post(place, data={"csrf_token": token_of(browser, place), **data})

    assert answered.status_code in {400, 401}
    assert not any(
        each.startswith("gateway-localhost=") for each in answered.headers.getlist("Set-Cookie")
    )


@pytest.mark.parametrize("place", [STEP_UP, SECOND_STEP])
def test_a_foreign_form_is_not_judged(
    world: World, browser_of: SignIn, staged: Client, place: str
) -> None:
    browser = browser_of("firefighter") if place == STEP_UP else staged

    assert browser.post(place, data={"code": CODE}).status_code == 400
    assert world.factors.asked == []


def test_whoever_must_wait_is_told_until_when(world: World, browser_of: SignIn) -> None:
    browser = browser_of("firefighter")
    world.factors.fails_with = FactorRefused("code-must-wait", wait_until=AT)
    answered = browser.post(STEP_UP, data={"csrf_token": token_of(browser, STEP_UP), "code": CODE})

    assert answered.status_code == 429
    assert "looked at again from 09:30:00" in answered.text


def test_who_has_no_factor_is_led_to_adding_one(world: World, browser_of: SignIn) -> None:
    world.factors.having = ()
    answered = browser_of("firefighter").get(f"{STEP_UP}?next=/fleet/bookings")

    assert answered.headers["Location"] == "/-/me/factors?next=%2Ffleet%2Fbookings"


def test_without_a_key_no_key_is_asked_for(world: World, browser_of: SignIn) -> None:
    assert "data-key-options" in browser_of("firefighter").get(STEP_UP).text
    world.factors.having = (PHONE,)
    assert "data-key-options" not in browser_of("firefighter").get(STEP_UP).text


def test_what_waits_is_one_button_and_shown_once(world: World, browser_of: SignIn) -> None:
    world.factors.waits = FORM
    browser = browser_of("firefighter")
    html = browser.get(f"{STEP_UP}/continue").text

    assert f'action="{FORM.target}"' in html
    assert 'name="account" value="12345678"' in html
    assert "one\ntwo &#34;&lt;b&gt;&amp;" in html
    assert "Nothing waits" in browser.get(f"{STEP_UP}/continue").text


def test_what_waits_is_not_shown_before_the_factor(world: World, browser_of: SignIn) -> None:
    world.factors.waits, world.factors.lacks = FORM, "second-factor"
    answered = browser_of("firefighter").get(f"{STEP_UP}/continue")

    assert answered.status_code == 303
    assert answered.headers["Location"] == "/-/step-up?next=%2F-%2Fstep-up%2Fcontinue"
    assert world.factors.waits is FORM


# ---- as the second step of a sign-in -------------------------------------------------------------


def test_the_second_step_opens_the_session(staged: Client) -> None:
    token = token_of(staged, SECOND_STEP)
    form = {"csrf_token": token, "code": CODE, "next": "/fleet/bookings"}
    answered = staged.post(SECOND_STEP, data=form)

    assert (answered.status_code, answered.headers["Location"]) == (303, "/fleet/bookings")
    cookies = answered.headers.getlist("Set-Cookie")
    assert any(each.startswith(f"gateway-localhost={NEW_TOKEN}") for each in cookies)
    assert any(each.startswith("gateway-localhost-stage=;") for each in cookies)


@pytest.mark.parametrize("path", ["second-step", "add-app", "add-key"])
def test_without_a_stage_there_is_no_second_step(
    world: World, browser_of: SignIn, path: str
) -> None:
    """A made-up cookie, or one that lapsed, begins the sign-in anew; a session is no stage."""
    for browser in (browser_of(), browser_of("firefighter")):
        browser.set_cookie("gateway-localhost-stage", "X" * 43)
        for response in (
            browser.get(f"/-/sign-in/{path}"),
            browser.post(f"/-/sign-in/{path}", data={"code": CODE}),
        ):
            assert (response.status_code, response.headers["Location"]) == (303, "/-/sign-in")
    assert world.factors.asked == []


def test_within_a_sign_in_only_a_first_factor_is_added(world: World, staged: Client) -> None:
    """Whoever knows the password must not add a factor beside the one they cannot show."""
    world.factors.lacks = "second-factor"
    for path in ("add-app", "add-key"):
        assert staged.get(f"/-/sign-in/{path}").headers["Location"] == SECOND_STEP
        sent = staged.post(f"/-/sign-in/{path}", data={"code": CODE, "answer": "{}"})
        assert sent.headers["Location"] == SECOND_STEP
    assert world.factors.asked == []


def test_a_first_factor_is_added_within_the_sign_in(world: World, staged: Client) -> None:
    world.factors.having = ()
    assert "/-/sign-in/add-app" in staged.get(SECOND_STEP).text
    for path, shown in (("add-app", {"code": CODE}), ("add-key", {"answer": "{}"})):
        place = f"/-/sign-in/{path}"
        staged.set_cookie("gateway-localhost-stage", STAGE_TOKEN)
        answered = staged.post(place, data={"csrf_token": token_of(staged, place), **shown})
        assert answered.status_code == 200
        assert "Your recovery codes" in answered.text


def test_words_for_a_copied_key(world: World, browser_of: SignIn) -> None:
    world.factors.having = (replace(PHONE, name="x"),)
    world.factors.fails_with = FactorRefused("key-copied")
    browser = browser_of("firefighter")
    form = {"csrf_token": token_of(browser, STEP_UP), "answer": "{}"}

    assert "Tell your security officer" in browser.post(STEP_UP, data=form).text


def test_what_waits_is_shown_at_the_host_it_was_sent_to(world: World, browser_of: SignIn) -> None:
    """From any other origin its form would be refused there."""
    kit = SystemHost(system="kit", origin="https://kit.gate", main="https://gate")
    world.services.hosts["kit"] = kit  # type: ignore[index]  # as of a gate that has such a host
    world.factors.waits = replace(FORM, system="kit")
    browser = browser_of("firefighter")
    try:
        led = browser.get(f"{STEP_UP}/continue")
        html = browser.get(f"{STEP_UP}/continue", environ_overrides={HOST_KEY: "kit"}).text
    finally:
        del world.services.hosts["kit"]  # type: ignore[attr-defined]

    assert led.headers["Location"] == kit.way_back(f"{STEP_UP}/continue")
    assert f'action="{FORM.target}"' in html


def test_what_takes_the_place_of_what_waits_is_not_sent_at_another_host(
    world: World, browser_of: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two forms may be kept at a time, of two tabs at two hosts: the later one is another's."""
    world.factors.waits = replace(FORM, system="kit")
    monkeypatch.setattr(type(world.factors), "form_waits", lambda *_, **__: "")
    answered = browser_of("firefighter").get(f"{STEP_UP}/continue")

    assert FORM.target not in answered.text


def test_what_waits_at_a_host_that_is_no_more_is_not_shown(
    world: World, browser_of: SignIn
) -> None:
    world.factors.waits = replace(FORM, system="kit")

    assert "Nothing waits" in browser_of("firefighter").get(f"{STEP_UP}/continue").text
