"""What people are refused, and what they are told: enough to act on, and nothing about others."""

from __future__ import annotations

import json

import pytest

from deploy.demo.expectations import REFERENCE
from deploy.demo.visitor import Page
from tests.journeys.demo_fixture import Demo
from tests.journeys.record_reader import entries_of

PAYSLIP = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
BANK = "/OA_HTML/OA.jsp?OAFunc=XX_BANK"


def is_refused(page: Page, status: int) -> bool:
    return page.status == status and bool(REFERENCE.fullmatch(page.reference or ""))


@pytest.mark.parametrize("username", ["firefighter", "watch-manager", "constable", "hr-adviser"])
def test_anothers_payslip_stays_shut(demo: Demo, username: str) -> None:
    """Also to managers, to HR and to the police; and the back office never hears of it."""
    other = demo.accounts["fire-lapsed"].employee_number
    before = len(demo.reached_back_office())
    page = demo.visitor(username).get(f"{PAYSLIP}&person_id={other}")

    assert is_refused(page, 403)
    assert demo.accounts["fire-lapsed"].name not in page.text
    assert demo.reached_back_office()[before:] == []


def test_the_own_number_opens_the_own_payslip(demo: Demo) -> None:
    own = demo.accounts["firefighter"].employee_number

    assert demo.visitor("firefighter").get(f"{PAYSLIP}&person_id={own}").status == 200


def test_a_number_that_two_organisations_could_have_is_still_anothers(demo: Demo) -> None:
    """Numbers that no register knows are nobody's own."""
    page = demo.visitor("firefighter").get(f"{PAYSLIP}&person_id=9999999")

    assert is_refused(page, 403)


def test_bank_details_ask_for_a_second_proof(demo: Demo) -> None:
    """The tile says so, the page leads to where it is shown, and a program is told."""
    visitor = demo.visitor("firefighter")
    (tile,) = [tile for tile in visitor.tiles() if tile.function == "pay.bank"]
    page = visitor.get(BANK)
    told = json.loads(visitor.get(BANK, Accept="application/json").body)

    assert tile.needs == "step-up"
    assert page.status == 303
    assert page.headers["location"].startswith("/-/step-up?next=/OA_HTML/")
    assert [reason["code"] for reason in told["reasons"]] == ["second-factor-needed"]


def test_a_refusal_names_no_rule_and_no_other_person(demo: Demo) -> None:
    page = demo.visitor("firefighter").get("/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH")

    assert is_refused(page, 403)
    for secret in ("hr.search", "N2F", "rule", demo.accounts["fire-hr"].name):
        assert secret not in page.text


def test_a_police_function_is_nothing_to_the_fire_service(demo: Demo) -> None:
    """Scenario B2: also for one whom the host has vetted (`fire-hr` holds NPPV2 full)."""
    for username in ("firefighter", "fire-hr", "paramedic"):
        for path in ("/dms/me/roster", "/custody/C-1/record", "/admin/console", "/nothing"):
            assert is_refused(demo.visitor(username).get(path), 404)


def test_a_refusal_is_on_the_record_with_its_reason(demo: Demo) -> None:
    visitor = demo.visitor("firefighter")
    refused = {
        visitor.get(target).reference or "": code
        for target, code in (
            (f"{PAYSLIP}&person_id=40012", "rule"),
            (BANK, "obligation"),
            ("/nothing", "function-unknown"),
            ("/OA_HTML/%2e%2e/x", "path-disguised"),
        )
    }
    rows = entries_of(demo.places, refused)

    assert rows.keys() == refused.keys()
    for row in rows.values():
        assert row.outcome.value == "deny"
        assert row.personal["actor_name"] == "firefighter@cheshire-fire"
        assert row.organisation == "cheshire-fire"
