"""`gateway explain` says what the gateway would do, and it does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.cli.main import run
from tests.journeys.demo_fixture import Demo

PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"


Explain = Callable[..., str]


@pytest.fixture
def explain(demo: Demo, capsys: pytest.CaptureFixture[str]) -> Explain:
    """Give the command on the running demo's settings and database."""

    def told(person: str, url: str, *more: str) -> str:
        asked = ("--person", person, "--method", "GET", "--url", url)
        run(["explain", "--config", str(demo.settings_file), *asked, *more])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return said.out

    return told


@pytest.mark.parametrize(
    ("username", "url", "status", "effect"),
    [
        ("firefighter", PAYSLIP, 200, "permit"),
        ("firefighter", f"{PAYSLIP}&person_id=40012", 403, "deny"),
        ("firefighter", "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH", 403, "deny"),
        ("firefighter", "/dms/me/roster", 404, "deny"),
        ("fire-lapsed", "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH", 403, "deny"),
    ],
)
def test_the_explanation_agrees_with_what_happens(
    demo: Demo, explain: Explain, username: str, url: str, status: int, effect: str
) -> None:
    page = demo.visitor(username).get(url)
    told: dict[str, Any] = json.loads(explain(f"cheshire-fire/{username}", url, "--json"))

    assert page.status == status
    assert effect in json.dumps(told)


def test_a_claim_of_a_directory_is_no_part_of_it(demo: Demo, explain: Explain) -> None:
    """X4: the firefighter's own directory says NPPV3, which would open the search of persons."""
    demo.visitor("firefighter")
    assert demo.accounts["firefighter"].vetting_claim == "NPPV3"
    told = explain("cheshire-fire/firefighter", "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH")

    assert "NPPV3" not in told
    assert "N3" not in told.replace("RV or N3", "")


def test_what_nobody_knows_is_said_to_be_unknown(demo: Demo, explain: Explain) -> None:
    demo.visitor("firefighter")  # has signed in, so that post and unit are known

    assert "no function" in explain("cheshire-fire/firefighter", "/nothing")
