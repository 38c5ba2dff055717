"""The policy in force, as officers read it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from html import unescape
from typing import Any

import pytest

from gateway.pages.policy import agreement_row, rule_row
from policies.agreements import AgreementStatus
from policies.decision import Effect
from tests.gateway.pages.conftest import SignIn
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import World


def test_every_function_is_listed_with_its_floor(world: World, browser_of: SignIn) -> None:
    """What is in force is what is shown, all of it."""
    html = browser_of("security-officer").get("/-/policy").text

    policy_set = world.engine.policy_set
    ids = re.findall(r'href="/-/policy\?function=([^"]+)"', html)
    assert sorted(ids) == sorted(policy_set.catalogue.functions)
    assert policy_set.digest in html


def test_every_rule_is_a_sentence(world: World, browser_of: SignIn) -> None:
    """An officer reads sentences, not expressions."""
    html = browser_of("security-officer").get("/-/policy?view=rules").text

    for rule in world.engine.policy_set.rules:
        assert f"Rule {rule.id}, answered for by {rule.owner}" in html


def test_every_agreement_is_listed_with_its_dates(world: World, browser_of: SignIn) -> None:
    """Nobody is offered anything without one."""
    html = unescape(browser_of("security-officer").get("/-/policy?view=agreements").text)

    for agreement in world.engine.policy_set.agreements:
        assert agreement.title in html
        assert agreement.dsa_ref in html


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=payslip", 1), ("q=zebra", 0), ("view=rules&q=zebra", 0), ("view=rules&q=own.self-", 1)],
)
def test_search_works_without_a_script(
    world: World, browser_of: SignIn, query: str, found: int
) -> None:
    """Every page works with JavaScript off."""
    html = browser_of("security-officer").get(f"/-/policy?{query}").text

    policy_set = world.engine.policy_set
    total = len(policy_set.rules if "rules" in query else policy_set.catalogue.functions)
    assert f"{found} of {total} " in html


def test_function_is_shown_with_all_that_speaks_of_it(browser_of: SignIn) -> None:
    """Why may anyone open this? Rules, agreements and requests on one page."""
    html = browser_of("security-officer").get("/-/policy?function=pay.slip").text

    assert "OAFunc=XX_PAYSLIP" in html
    assert "own.self-service" in html
    assert "Agreements that offer it" in html


def test_rule_that_forbids_is_read_as_forbidding(world: World) -> None:
    """The one word that turns the meaning."""
    policy_set = world.engine.policy_set
    rule = next(rule for rule in policy_set.rules if rule.effect is Effect.PERMIT)
    functions = policy_set.catalogue.functions

    assert " may read" in rule_row(rule, functions).sentence
    denying = rule_row(replace(rule, effect=Effect.DENY), functions)
    assert denying.denies
    assert " may not read" in denying.sentence


@pytest.mark.parametrize(
    ("changes", "at", "standing"),
    [
        ({}, AT, "In force"),
        ({"status": AgreementStatus.SUSPENDED}, AT, "Suspended"),
        ({}, datetime(1990, 1, 1, tzinfo=UTC), "Not begun"),
        ({"end": date(2025, 1, 1)}, AT, "Ended"),
    ],
)
def test_agreement_says_whether_it_holds_now(
    world: World, changes: dict[str, Any], at: datetime, standing: str
) -> None:
    """A date in the past is easily overlooked."""
    agreement = replace(
        world.engine.policy_set.agreements[0],
        **{"dsa_expires": None, "start": date(2018, 4, 1), "end": None} | changes,
    )

    row = agreement_row(agreement, world.engine.policy_set, at=at)

    assert (row.standing, row.live) == (standing, standing == "In force")
