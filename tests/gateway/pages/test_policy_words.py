"""What a policy set says, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.pages.policy_words import (
    agreement_row,
    answer_words,
    cell_words,
    named,
    obligation_sentences,
    rule_row,
)
from policies.agreements import AgreementStatus
from policies.audiences import Audience
from policies.criteria import Criterion, InPeriod, Terms
from policies.criteria.agreement import UnderAgreements
from policies.criteria.clearance import ClearedTo
from policies.criteria.organisation import OfOrganisations
from policies.decision import Effect
from policies.effective_access import Access, Cell
from policies.obligations import Obligations
from policies.policy_set import PolicySet, load_policy_set
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import World
from vetting.levels import LevelId


def with_criteria(policy_set: PolicySet, *criteria: Criterion) -> str:
    return rule_row(replace(policy_set.rules[0], when=criteria), policy_set).sentence


CLEVELAND = Path(__file__).parents[3] / "deploy/scenarios/cleveland-steria/policy"


def test_what_is_done_to_answers_is_said_with_names_for_ids() -> None:
    """Officers do not know sets of fields by their ids, nor levels by theirs."""
    policy_set = load_policy_set(CLEVELAND)
    rules = {rule.id: rule for rule in policy_set.rules}
    masked = obligation_sentences(rules["steria.people"].obligations, policy_set)
    levels = named("RV or N3", policy_set)

    assert masked == (f"see “Home address and telephone” unless cleared to {levels}, masked",)
    assert rule_row(rules["steria.people"], policy_set).obligations == masked[0]
    assert obligation_sentences(rules["police.performance"].obligations, policy_set) == (
        "see pages marked with their name",
    )


def test_what_the_answers_of_a_function_are_looked_at_for_is_said() -> None:
    policy_set = load_policy_set(CLEVELAND)
    functions = policy_set.catalogue.functions
    menu, marked = answer_words(functions["nav.menu"], policy_set)
    portal = answer_words(functions["gate.portal"], policy_set)

    assert menu == "It lists functions; each person is shown those that they may open."
    assert marked.startswith("An answer that is marked above OFFICIAL is refused, and an alarm,")
    assert marked.endswith("SECRET needs more than anybody has.")
    assert portal == ()


def terms(policy_set: PolicySet) -> Terms:
    return policy_set.terms


def test_rule_that_forbids_is_read_as_forbidding(world: World) -> None:
    """The one word that turns the meaning."""
    policy_set = world.engine.policy_set
    rule = next(rule for rule in policy_set.rules if rule.effect is Effect.PERMIT)

    assert " may read" in rule_row(rule, policy_set).sentence
    denying = rule_row(replace(rule, effect=Effect.DENY), policy_set)
    assert denying.denies
    assert " may not read" in denying.sentence


def test_names_stand_for_ids(world: World) -> None:
    """Officers know their partners by name."""
    policy_set = world.engine.policy_set
    known = terms(policy_set)
    agreement = policy_set.agreements[0]

    sentence = with_criteria(
        policy_set,
        OfOrganisations.from_value(["cheshire-fire", "nwas"], known),
        ClearedTo.from_value("RV or (N3 and SC)", known),
        UnderAgreements.from_value([agreement.id], known),
        InPeriod(date(2026, 4, 1), None),
    )

    assert "of Cheshire Fire and Rescue Service or North West Ambulance Service" in sentence
    assert "cleared to Recruitment Vetting or NPPV3 and Security Check" in sentence
    assert agreement.title in sentence
    assert "from 1 April 2026" in sentence


def test_a_rule_says_where_it_is_written(world: World) -> None:
    """Changes go by file, so the file is named."""
    policy_set = world.engine.policy_set
    places = {rule_row(rule, policy_set).place for rule in policy_set.rules}

    assert len(places) == len(policy_set.rules)
    assert {place.rpartition(":")[0] for place in places} == {
        "rules.toml",
        "shared-services/rules.toml",
    }


def test_base_is_named_by_the_level_it_stands_for(world: World) -> None:
    assert named("BASE", world.engine.policy_set) == "DBS Basic or above"


@pytest.mark.parametrize(
    ("cell", "text", "more"),
    [
        (Cell(access=Access.OPEN), "Yes", ""),
        (Cell(access=Access.OPEN, reading_only=True), "Yes, reading only", ""),
        (
            Cell(access=Access.WITH_STEP, obligations=Obligations(step_up=True)),
            "Yes, with a second factor",
            "",
        ),
        (Cell(access=Access.CONDITIONAL, conditions=("in the post hr",), by_post=True),
         "Some posts", "in the post hr"),
        (Cell(access=Access.CONDITIONAL, conditions=("on mondays",)), "If …", "on mondays"),
        (Cell(access=Access.NEEDS_VETTING, needs=(LevelId("N3"), LevelId("SC"))),
         "Too low", "needs NPPV3 and Security Check"),
        (Cell(access=Access.UNFULFILLED, obligations=Obligations(watermark=True)),
         "Cannot be met", "needs their name on it"),
        (Cell(access=Access.NO_AGREEMENT), "Not offered", ""),
        (Cell(access=Access.NO_RULE), "No rule", ""),
    ],
)  # fmt: skip
def test_every_answer_has_words_and_a_shape_of_its_own(
    world: World, cell: Cell, text: str, more: str
) -> None:
    """Never colour alone."""
    policy_set = world.engine.policy_set
    audience = Audience.of(policy_set.host, (LevelId("RV"),), policy_set)

    words = cell_words(cell, audience, policy_set.catalogue.functions["pay.slip"])

    assert (words.text, words.more) == (text, more)
    assert words.shape
    assert words.url.endswith("function=pay.slip&organisation=cheshire-police&holds=RV")


@pytest.mark.parametrize(
    ("changes", "at", "standing", "today"),
    [
        ({}, AT, "In force", "no end is agreed"),
        ({"end": date(2027, 3, 31)}, AT, "In force", "until 31 March 2027"),
        ({"status": AgreementStatus.SUSPENDED}, AT, "Suspended", "lets nobody in until"),
        ({"status": AgreementStatus.ENDED}, AT, "Ended", "It was ended"),
        ({}, datetime(1990, 1, 1, tzinfo=UTC), "Not begun", "nobody in before 1 April 2018"),
        ({"end": date(2025, 1, 1)}, AT, "Ended", "its last day is over"),
        ({"dsa_expires": date(2025, 1, 1)}, AT, "Ended", "data sharing ended on 1 January 2025"),
    ],
)
def test_agreement_says_whether_it_holds_now(
    world: World, changes: dict[str, Any], at: datetime, standing: str, today: str
) -> None:
    """A date in the past is easily overlooked."""
    agreement = replace(
        world.engine.policy_set.agreements[0],
        **{"dsa_expires": None, "start": date(2018, 4, 1), "end": None} | changes,
    )

    row = agreement_row(agreement, world.engine.policy_set, at=at)

    assert (row.standing, row.live) == (standing, standing == "In force")
    assert today in row.today
