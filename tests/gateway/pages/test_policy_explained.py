"""The steps of an answer in words."""

from __future__ import annotations

from dataclasses import replace

from gateway.pages.policy_explained import asked_rules
from policies.audiences import Audience
from policies.decision import Effect
from policies.engine import Engine
from policies.situations import Situation
from tests.gateway.pages.people import AT
from tests.gateway.pages.world import World
from vetting.levels import LevelId


def test_a_rule_that_forbids_stands_first_and_its_criteria_are_marked(world: World) -> None:
    policy_set = world.engine.policy_set
    permit = next(each for each in policy_set.rules if "pay.slip" in each.functions)
    deny = replace(permit, id="never", effect=Effect.DENY)
    engine = Engine.compile(replace(policy_set, rules=(*policy_set.rules, deny)))
    audience = Audience.of(policy_set.host, (LevelId("RV"),), policy_set)
    slip = policy_set.catalogue.functions["pay.slip"]
    question = Situation(AT).question(audience, slip, "read")
    explanation = engine.explain(question, engine.decide(question))

    told = asked_rules(explanation, engine.policy_set)

    assert [(each.rule.id, each.outcome) for each in told[:2]] == [
        ("never", "Forbids"),
        (permit.id, "Permits"),
    ]
    assert ("met", "on their own record") in told[0].criteria
