"""The officers' pages: who reads policy and register, and that they only read."""

from __future__ import annotations

import re

import pytest

from deploy.demo.scenario import load_scenario
from policies.policy_set import load_policy_set
from tests.journeys.demo_fixture import Demo

POLICY = ("/-/policy", "/-/policy/agreements")
VETTING = (
    "/-/vetting",
    "/-/vetting/ending",
    "/-/vetting?q=40011",
    "/-/vetting/cheshire-fire/40011",
)
OFFICERS = ("security-officer", "second-officer", "vetting-officer")


@pytest.mark.parametrize("username", OFFICERS)
@pytest.mark.parametrize("path", [*POLICY, *VETTING])
def test_officers_read_policy_and_register(demo: Demo, username: str, path: str) -> None:
    assert demo.visitor(username).get(path).status == 200


@pytest.mark.parametrize(
    "username", ["firefighter", "watch-manager", "paramedic", "constable", "auditor"]
)
@pytest.mark.parametrize("path", [*POLICY, *VETTING])
def test_others_do_not(demo: Demo, username: str, path: str) -> None:
    page = demo.visitor(username).get(path)

    assert page.status == 403
    assert page.reference


def test_the_policy_page_shows_the_set_in_force(demo: Demo) -> None:
    """Its digest, an agreement and a rule by name: what the record refers to."""
    officer = demo.visitor("security-officer")
    grid = officer.get("/-/policy").text
    agreements = officer.get("/-/policy/agreements").text
    why = officer.get("/-/policy/why?function=hr.search&organisation=cheshire-fire&holds=DBSB").text

    assert load_policy_set(load_scenario().policy_set).digest in grid
    assert re.search(r"Version \d+, in force since", grid)  # other journeys put sets in force
    assert "pay.slip" in grid
    assert "Blue Light Collaboration: joint corporate services" in agreements
    assert "NPPV2 full if they are in the post hr" in why


def test_the_register_shows_what_somebody_holds_and_held(demo: Demo) -> None:
    page = demo.visitor("vetting-officer").get("/-/vetting/cheshire-fire/40014")

    assert page.status == 200
    assert "NPPV" in page.text
    assert "DBS" in page.text


@pytest.mark.parametrize("path", ["/-/policy", "/-/vetting", "/-/vetting/cheshire-fire/40011"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed_there(demo: Demo, path: str, method: str) -> None:
    """Read only for now: no method but GET is a function."""
    visitor = demo.visitor("security-officer")
    page = visitor.ask(method, path, body=b"", headers={"Origin": visitor.origin})

    assert page.status == 404
