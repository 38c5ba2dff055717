"""Officers and others' second factors: what is offered to whom, and what a form does."""

from __future__ import annotations

import pytest

from gateway.identity.factors.factor_reset import ResetRefused
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.test_factors import token_of
from tests.gateway.pages.world import World

FACTORS = "/-/factors"


@pytest.mark.parametrize("act", ["propose", "approve", "drop"])
def test_a_form_of_ours_does_what_it_says(world: World, browser_of: SignIn, act: str) -> None:
    browser = browser_of("security-officer")
    form = {"csrf_token": token_of(browser, FACTORS), "act": act, "what": "r1"}
    done = browser.post(FACTORS, data=form)

    assert (done.status_code, done.headers["Location"]) == (303, f"{FACTORS}?done={act}")
    assert world.office.asked == [f"{act} r1"]
    assert 'role="status"' in browser.get(done.headers["Location"]).text


def test_a_foreign_or_empty_form_does_nothing(world: World, browser_of: SignIn) -> None:
    browser = browser_of("security-officer")
    token = token_of(browser, FACTORS)

    for form in ({"act": "approve", "what": "r1"}, {"csrf_token": token}, {}):
        assert browser.post(FACTORS, data=form).status_code == 409
    assert world.office.asked == []


@pytest.mark.parametrize(
    "code", ["reset-own", "reset-same-officer", "reset-waiting", "reset-unknown", "else"]
)
def test_what_is_refused_is_told(world: World, browser_of: SignIn, code: str) -> None:
    browser = browser_of("security-officer")
    world.office.fails_with = ResetRefused(code, "no")
    form = {"csrf_token": token_of(browser, FACTORS), "act": "approve", "what": "r1"}

    assert "There is a problem" in browser.post(FACTORS, data=form).text


def test_one_approves_what_another_proposed(world: World, browser_of: SignIn) -> None:
    """The button is there for the other officer only."""
    assert "Approve and remove" in browser_of("security-officer").get(FACTORS).text
    world.office.proposed_by = "cheshire-police/security-officer"
    try:
        html = browser_of("security-officer").get(FACTORS).text
    finally:
        world.office.proposed_by = "cheshire-police/somebody"
    assert "Approve and remove" not in html
    assert "proposed" in html
    assert "by you" in html


def test_a_search_offers_a_reset_of_others_only(world: World, browser_of: SignIn) -> None:
    browser = browser_of("security-officer")

    assert "Propose to remove" in browser.get(f"{FACTORS}?q=x").text
    assert "Nobody of your organisation" in browser.get(f"{FACTORS}?q=zebra").text
    before = world.office.person
    world.office.person = type(before)(
        **{
            name: getattr(before, name)
            for name in before.__dataclass_fields__
            if name != "staff_id"
        },
        staff_id="cheshire-police/security-officer",
    )
    try:
        assert "Propose to remove" not in browser.get(f"{FACTORS}?q=x").text
    finally:
        world.office.person = before
