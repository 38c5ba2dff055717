"""Second factors, whole: enrolment, step-up with what was typed, removal, reset by two officers.

Codes without JavaScript, by `Visitor`; security keys in Chromium with its virtual authenticator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from playwright.sync_api import Browser, CDPSession, Page

from deploy.demo.second_factor import AuthenticatorApp, forget_factors
from deploy.demo.visitor import Visitor
from tests.journeys.demo_fixture import Demo
from tests.journeys.record_reader import entries_of

BANK = "/OA_HTML/OA.jsp?OAFunc=XX_BANK"
STEP_UP_TO_BANK = "/-/step-up?next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_BANK"
USED = ("firefighter", "watch-manager", "constable", "security-officer", "second-officer")


def enrolled(demo: Demo, username: str) -> tuple[Visitor, AuthenticatorApp]:
    """Sign somebody in anew, with an authenticator app."""
    visitor = demo.signed_in(username)
    return visitor, AuthenticatorApp.enrol(visitor)


@pytest.fixture
def clean(demo: Demo) -> Iterator[None]:
    yield
    for username in USED:
        forget_factors(demo.places, demo.accounts[username])


@pytest.mark.usefixtures("clean")
def test_bank_details_open_after_an_app_was_added(demo: Demo) -> None:
    """Whoever has no factor is led to adding one, and from there to where they were going."""
    visitor = demo.signed_in("firefighter")
    led = visitor.get(BANK)
    assert (led.status, led.headers["location"]) == (303, STEP_UP_TO_BANK)
    before = dict(visitor.cookies)
    page = visitor.get(visitor.get(STEP_UP_TO_BANK).headers["location"])
    assert "You have none yet" in page.text
    app = AuthenticatorApp.enrol(visitor, next_path=BANK)

    assert len(app.codes) == 10
    assert visitor.cookies != before  # the session has a new token
    old = Visitor(port=demo.places.port, cookies=before)
    assert old.get("/-/portal").status == 303
    opened = visitor.get(BANK)
    assert opened.status == 200
    assert opened.seen.data["data-function"] == ["pay.bank"]
    (tile,) = [tile for tile in visitor.tiles() if tile.function == "pay.bank"]
    assert tile.needs is None


@pytest.mark.usefixtures("clean")
def test_what_was_typed_is_sent_after_the_step_up(demo: Demo) -> None:
    """Exactly those fields, once, decided anew; before the factor was shown nothing was sent."""
    _, app = enrolled(demo, "firefighter")
    visitor = demo.signed_in("firefighter")
    typed = {"sort_code": "010203", "account": "12345678", "note": "für <b>\"&' +%"}
    before = len(demo.reached_back_office())
    led = visitor.post(BANK, typed)
    assert (led.status, led.headers["location"]) == (303, "/-/step-up?next=/-/step-up/continue")
    # Not before the factor was shown, and not in another session.
    early = visitor.get("/-/step-up/continue")
    assert early.status == 303
    other = demo.signed_in("firefighter")
    stepped = app.step_up(visitor, led.headers["location"])
    assert stepped.headers["location"] == "/-/step-up/continue"
    assert demo.reached_back_office()[before:] == []
    app.step_up(other, "/-/step-up")
    assert "Nothing waits" in other.get("/-/step-up/continue").text
    page = visitor.get("/-/step-up/continue")
    fields = kept_fields(page.text)

    assert fields == typed
    assert "Nothing waits" in visitor.get("/-/step-up/continue").text
    sent = visitor.post(BANK, fields)
    assert sent.status in {200, 303}
    assert len(demo.reached_back_office()) == before + 1
    rows = entries_of(demo.places, {str(led.headers["gateway-reference"]): "obligation"})
    assert {row.outcome.value for row in rows.values()} == {"deny"}


def kept_fields(html: str) -> dict[str, str]:
    """Read the fields of the form that waits, as a browser would send them."""
    form = html[html.index("data-kept-form") : html.index("</form>", html.index("data-kept-form"))]
    found = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {unescape(name): re.sub(r"\r?\n", "\r\n", unescape(value)) for name, value in found}


def test_only_pages_are_led_and_programs_are_told(demo: Demo) -> None:
    visitor = demo.signed_in("firefighter")

    told = visitor.get(BANK, Accept="application/json")
    assert told.status == 403
    assert visitor.get(BANK, Sec_Fetch_Mode="cors").status == 403
    assert visitor.post(BANK, {"a": "b"}, Sec_Fetch_Mode="cors").status == 403
    assert visitor.post(BANK, {"a": "b"}, Accept="application/json").status == 403


@pytest.mark.usefixtures("clean")
def test_wrong_empty_and_used_codes_open_nothing(demo: Demo) -> None:
    _, app = enrolled(demo, "constable")
    visitor = demo.signed_in("constable")
    form = visitor.get("/-/step-up").seen.fields

    for wrong in (
        {},
        {"code": ""},
        {"code": "000000"},
        {"answer": "{}"},
        {"code": "", "answer": ""},
    ):
        refused = visitor.post("/-/step-up", {"csrf_token": form["csrf_token"], **wrong})
        assert refused.status in {400, 401}
        assert visitor.get(BANK).status == 303
    assert visitor.post("/-/step-up", {"code": app.codes[0]}).status == 400  # no form of ours
    used = visitor.post("/-/step-up", {**form, "code": app.codes[0]})
    assert used.status == 303
    again = demo.signed_in("constable")
    form = again.get("/-/step-up").seen.fields
    assert again.post("/-/step-up", {**form, "code": app.codes[0]}).status == 401


@pytest.mark.parametrize(
    "next_path", ["//evil.example", "https://evil.example", "/\\evil.example", "/-/step-up?next=/"]
)
@pytest.mark.usefixtures("clean")
def test_nobody_is_led_elsewhere(demo: Demo, next_path: str) -> None:
    visitor, app = enrolled(demo, "watch-manager")
    form = visitor.get("/-/step-up").seen.fields
    code = app.codes[0]

    page = visitor.post("/-/step-up", {**form, "next": next_path, "code": code})
    assert (page.status, page.headers["location"]) == (303, "/-/portal")


@pytest.mark.usefixtures("clean")
def test_two_officers_reset_somebodys_factors(demo: Demo) -> None:
    """And end the person's sessions; one officer alone cannot."""
    person, _ = enrolled(demo, "constable")
    first, _ = enrolled(demo, "security-officer")
    second, _ = enrolled(demo, "second-officer")
    page = first.get("/-/factors?q=constable")
    assert page.status == 200
    staff_id = re.findall(r'name="what" value="(cheshire-police/[^"]+)"', page.text)[-1]
    form = {"csrf_token": page.seen.fields["csrf_token"]}
    proposed = first.post("/-/factors", {**form, "act": "propose", "what": staff_id})
    assert proposed.status == 303
    proposal = re.search(r'data-reset="([^"]+)"', first.get("/-/factors").text)
    assert proposal is not None
    alone = first.post("/-/factors", {**form, "act": "approve", "what": proposal[1]})
    assert alone.status == 409
    assert person.get("/-/portal").status == 200
    token = second.get("/-/factors").seen.fields["csrf_token"]
    asked = {"csrf_token": token, "act": "approve", "what": proposal[1]}
    assert second.post("/-/factors", asked).status == 303

    assert person.get("/-/portal").status == 303
    anew = demo.signed_in("constable").get("/-/me/factors")
    assert "You have none yet" in anew.text
    assert "All second factors were removed" in anew.text


def test_an_officer_of_another_kind_is_refused(demo: Demo) -> None:
    for username in ("firefighter", "auditor", "vetting-officer"):
        assert demo.visitor(username).get("/-/factors").status == 403


# ---- in Chromium, with its virtual authenticator -------------------------------------------------


@pytest.fixture
def tab(demo: Demo, chromium: Browser) -> Iterator[tuple[Page, CDPSession]]:
    """A tab with a security key plugged in."""
    context = chromium.new_context(base_url=demo.base_url)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    cdp.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "usb",
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield page, cdp
    context.close()


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_a_security_key_is_added_used_and_removed(demo: Demo, tab: tuple[Page, CDPSession]) -> None:
    page, _ = tab
    # 1. From bank details to adding a key, and back to bank details.
    page.goto("/-/sign-in/cheshire-fire")
    page.get_by_label("Username").fill("watch-manager")
    page.get_by_role("textbox", name="Password").fill(demo.accounts.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/-/portal")
    page.goto(BANK)
    page.get_by_role("button", name="Add a security key or passkey").click()
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add this key").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert page.locator("[data-recovery-code]").count() == 10
    page.get_by_role("button", name="I have kept them").click()
    page.wait_for_url(f"**{BANK}")
    assert page.locator('[data-function="pay.bank"]').count() == 1
    # 2. In another session the key is asked for, and what was typed is sent after it.
    page.context.clear_cookies()
    page.goto("/-/sign-in/cheshire-fire")
    page.get_by_label("Username").fill("watch-manager")
    page.get_by_role("textbox", name="Password").fill(demo.accounts.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/-/portal")
    page.goto(BANK)
    page.get_by_role("button", name="Use your key").click()
    page.wait_for_url(f"**{BANK}")
    assert page.locator('[data-function="pay.bank"]').count() == 1
    # 3. Removed, it is gone with the recovery codes.
    page.goto("/-/me/factors")
    page.get_by_role("link", name="Remove Blue key").click()
    page.get_by_role("button", name="Remove it").click()
    page.wait_for_url("**/-/me/factors")
    assert page.get_by_text("You have none yet").is_visible()
    assert page.get_by_text("A second factor was removed: Blue key").is_visible()
