"""Why: the answer, every gate, and what would change it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from werkzeug.test import Client

from tests.gateway.pages.conftest import SignIn


@pytest.fixture
def officer(browser_of: SignIn) -> Client:
    return browser_of("security-officer")


def why(officer: Client, function: str, holds: str, more: str = "", who: str = "fire") -> str:
    organisation = {"fire": "cheshire-fire", "police": "cheshire-police", "nwas": "nwas"}[who]
    asked = f"function={function}&organisation={organisation}&holds={holds}{more}"
    return unescape(officer.get(f"/-/policy/why?{asked}").text)


def gates(html: str) -> list[str]:
    return re.findall(r"gate-gates__item--(\w+)", html)


def test_who_is_vetted_too_low_is_told_what_would_do_and_whom_to_ask(officer: Client) -> None:
    """The counterfactual: level, post and vetting unit."""
    html = why(officer, "hr.search", "DBSB")

    assert "may not read “Search all persons”" in html
    assert "NPPV2 full if they are in the post hr. Ask Force vetting unit, 01606 362100." in html
    assert gates(html) == ["passed", "passed", "refused", "none", "none"]
    assert "They hold DBS Basic" in html


def test_who_gets_in_by_post_is_told_by_which(officer: Client) -> None:
    html = why(officer, "hr.search", "N2F")

    assert "Some of them" in html
    assert "<li>in the post hr</li>" in html
    assert gates(html) == ["passed"] * 5


@pytest.mark.parametrize(("post", "verdict"), [("hr", "Yes"), ("firefighter", "No")])
def test_a_post_that_is_given_is_asked_as_given(officer: Client, post: str, verdict: str) -> None:
    html = why(officer, "hr.search", "N2F", f"&post={post}")

    assert f'gate-verdict__word">{verdict}<' in html
    assert ("What would let them in" in html) == (verdict == "No")
    if verdict == "No":
        assert "Being in the post hr" in html


def test_a_step_is_named_with_the_answer(officer: Client) -> None:
    html = why(officer, "pay.bank", "DBSB")

    assert "may read “My bank details”, with a second factor" in html
    assert gates(html) == ["passed"] * 5


def test_where_no_agreement_offers_it_no_vetting_is_promised(officer: Client) -> None:
    html = why(officer, "pay.run", "N3")

    assert "An agreement in force that offers it to Cheshire Fire" in html
    assert gates(html) == ["passed", "refused", "none", "none", "none"]


def test_where_no_rule_permits_it_a_rule_is_what_is_missing(officer: Client) -> None:
    html = why(officer, "hr.team.basic", "MV", who="police")

    assert "A new rule. None permits it" in html


def test_a_page_of_the_gateway_needs_no_agreement(officer: Client) -> None:
    html = why(officer, "gate.portal", "", who="nwas")

    assert "A page of this service needs none." in html
    assert 'gate-verdict__word">Yes<' in html


def test_changing_is_asked_apart_from_reading(officer: Client) -> None:
    assert "may change “My absence and leave”" in why(
        officer, "hr.absence", "DBSB", "&action=write"
    )
    assert "may read “My absence and leave”" in why(officer, "hr.absence", "DBSB", "&action=erase")


@pytest.mark.parametrize(
    "asked",
    [
        "function=none&organisation=nwas",
        "function=pay.slip&organisation=atlantis",
        "function=pay.slip&organisation=nwas&holds=XYZ",
        "function=pay.slip&organisation=nwas&holds=" + ",".join(["RV"] * 40),
        "",
    ],
)
def test_what_the_policy_set_does_not_know_is_not_answered(officer: Client, asked: str) -> None:
    answer = officer.get(f"/-/policy/why?{asked}")

    assert answer.status_code == 404
    assert "Not in the policy set" in answer.text
