"""A policy set is activated only after Casbin has agreed, within a time that is bounded."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from random import Random
from typing import TYPE_CHECKING

import pytest

from policies.activation import (
    FEWEST_QUESTIONS,
    ActivationRefusedError,
    check_before_activation,
)
from policies.decision import Effect
from policies.engine import Engine
from tests.policies.generated import (
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import cheshire

if TYPE_CHECKING:
    from collections.abc import Callable

    from policies.policy_set import PolicySet
    from policies.question import Question


def to_activate() -> tuple[PolicySet, list[Question]]:
    random = Random(17)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 150, random))
    staff = [generated_subject(policy_set, random) for _ in range(100)]
    return policy_set, [
        generated_question(policy_set, random.choice(staff), random) for _ in range(800)
    ]


def standing() -> float:
    """A clock that does not move."""
    return 0.0


def ticking() -> Callable[[], float]:
    """A clock that moves one second each time it is looked at."""
    seconds = count()
    return lambda: float(next(seconds))


def test_where_the_two_agree_an_engine_comes_back_with_the_size_of_the_sample() -> None:
    policy_set, questions = to_activate()
    told: list[int] = []

    checked = check_before_activation(
        policy_set, questions[:300], clock=standing, recorded=questions[300:320],
        progress=told.append,
    )  # fmt: skip

    assert checked.engine.digest == policy_set.digest
    assert (checked.asked, checked.complete) == (320, True)
    assert told == list(range(1, 321))


@pytest.mark.parametrize("fault", ["denies lost", "criteria lost", "one answer turned"])
def test_a_planted_disagreement_refuses_the_activation(fault: str) -> None:
    """Each is what a mistake in the compiler could make of a policy set."""
    policy_set, questions = to_activate()
    rules = policy_set.rules
    if fault == "denies lost":
        rules = tuple(rule for rule in rules if rule.effect is Effect.PERMIT)
    elif fault == "criteria lost":
        rules = tuple(replace(rule, when=rule.when[:1]) for rule in rules)
    faulty = Engine.compile(replace(policy_set, rules=rules))

    def decide(question: Question) -> object:
        decision = faulty.decide(question)
        if fault != "one answer turned" or question is not questions[433]:
            return decision
        turned = Effect.DENY if decision.permitted else Effect.PERMIT
        return decision._replace(effect=turned)

    with pytest.raises(ActivationRefusedError, match="is not activated") as refused:
        check_before_activation(policy_set, questions, clock=standing, decide=decide)  # type: ignore[arg-type]

    assert refused.value.disagreements
    assert str(len(questions)) in str(refused.value)


def test_the_check_ends_when_its_time_is_up_and_says_how_far_it_came() -> None:
    policy_set, questions = to_activate()

    checked = check_before_activation(policy_set, questions, clock=ticking(), limit_seconds=201)

    assert (checked.asked, checked.complete) == (200, False)


def test_too_few_questions_in_time_refuse_the_activation() -> None:
    policy_set, questions = to_activate()

    with pytest.raises(ActivationRefusedError, match=f"only {FEWEST_QUESTIONS - 1} questions"):
        check_before_activation(
            policy_set, questions, clock=ticking(), limit_seconds=FEWEST_QUESTIONS
        )
    # A small sample that was asked whole is no such case.
    assert check_before_activation(policy_set, questions[:9], clock=standing).asked == 9
