"""Everybody's decisions: shared among equals, and exactly what each would have got alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import pytest

from policies.criteria import Asks, Result
from policies.criteria.own_record import OwnRecord
from policies.decision import Decision, Effect
from policies.engine import Engine
from policies.population import decide_population
from policies.question import Question
from tests.policies.generated import generated_rules, generated_subject, generous
from tests.policies.people import PASSWORD, cheshire

if TYPE_CHECKING:
    from policies.criteria import Form

AT = datetime(2024, 3, 5, 12, 0, tzinfo=UTC)


class CountingEngine:
    """An engine that counts how often it is asked."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.policy_set = engine.policy_set
        self.asked = 0

    def decide(self, question: Question) -> Decision:
        self.asked += 1
        return self.engine.decide(question)


@pytest.mark.parametrize("seed", range(3))
def test_everybody_gets_what_they_would_get_alone(seed: int) -> None:
    random = Random(seed)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 150, random))
    engine = CountingEngine(Engine.compile(policy_set))
    functions = tuple(policy_set.catalogue.functions.values())[:20]
    staff = [generated_subject(policy_set, random) for _ in range(300)]
    staff += [replace(who, staff_id=f"{who.staff_id}-twin", name="another") for who in staff]

    effects = set()
    for action in ("read", "write"):
        for subject, decisions in decide_population(
            engine,  # type: ignore[arg-type] # all of an engine that is used
            staff,
            functions,
            action=action,
            at=AT,
            factors=PASSWORD,
        ):
            for function, decision in zip(functions, decisions, strict=True):
                question = Question(
                    subject=subject, function=function, action=action, at=AT, factors=PASSWORD
                )
                assert decision == engine.engine.decide(question)
                effects.add(decision.effect)

    assert effects == set(Effect)
    assert engine.asked <= 2 * 300 * 20


def test_a_criterion_that_looks_at_everything_shares_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def form(_: OwnRecord) -> Form:
        return Asks(lambda question: Result(question.subject.staff_id.endswith("7")))

    monkeypatch.setattr(OwnRecord, "form", form)
    random = Random(4)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 60, random))
    engine = CountingEngine(Engine.compile(policy_set))
    who = generated_subject(policy_set, random)
    staff = [replace(who, staff_id=f"{who.organisation}/{number}") for number in range(10)]
    functions = tuple(policy_set.catalogue.functions.values())[:3]

    list(
        decide_population(
            engine,  # type: ignore[arg-type] # all of an engine that is used
            staff,
            functions,
            action="read",
            at=AT,
            factors=PASSWORD,
        )
    )

    assert engine.asked == 30


def test_everybody_asked_separately_gets_what_they_would_get_alone() -> None:
    random = Random(5)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 200, random))
    engine = CountingEngine(Engine.compile(policy_set))
    functions = tuple(policy_set.catalogue.functions.values())[:10]
    staff = [generated_subject(policy_set, random) for _ in range(80)]
    staff += [replace(who, posts=frozenset({"cook"}), unit="galley") for who in staff]

    for subject, decisions in decide_population(
        engine,  # type: ignore[arg-type] # all of an engine that is used
        staff,
        functions,
        action="read",
        at=AT,
        factors=PASSWORD,
        shared=False,
    ):
        assert subject in staff
        for function, decision in zip(functions, decisions, strict=True):
            question = Question(
                subject=subject, function=function, action="read", at=AT, factors=PASSWORD
            )
            assert decision == engine.engine.decide(question)
    assert engine.asked == 160 * 10
