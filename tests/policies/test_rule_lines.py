"""Rule lines: laid out once, and filled in for each explanation with nothing of the one before."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from policies.candidates import SUBJECT_BIT
from policies.engine import Engine
from policies.rule_lines import Mark, Outcome, RuleLines
from tests.policies.generated import (
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import cheshire


def test_lines_that_were_laid_out_tell_what_lines_laid_out_anew_tell() -> None:
    random = Random(23)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 200, random))
    engine = Engine.compile(policy_set)
    outcomes = set()
    for _ in range(200):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        results = engine.decide(question).results
        compiled = engine.functions[question.function.id]
        audience = (results.action, results.organisation, results.kind)
        anew = RuleLines(
            compiled.rules[results.action],
            compiled.candidates_for(*audience),
            results.organisation,
            results.kind,
        )

        told = compiled.lines_for(*audience).write(results, question)

        assert told == anew.write(results, question)
        unread = compiled.lines_for(*audience).write(results._replace(failed=SUBJECT_BIT), question)
        organisational = {"organisation", "organisation_kind"}
        for line in unread:
            outcomes.add(line.outcome)
            asked = [each for each in line.criteria if each.name not in organisational]
            assert {each.mark for each in asked} <= {Mark.NOT_ASKED}
            assert {each.reason for each in asked} <= {None}
            assert not asked or line.outcome not in {Outcome.PERMITS, Outcome.DENIES}
    assert {Outcome.DOES_NOT_APPLY, Outcome.DOES_NOT_CONCERN} <= outcomes


def test_an_organisation_that_the_policy_set_has_not_is_not_remembered() -> None:
    compiled = Engine.compile(cheshire()).functions["pay.slip"]

    known = compiled.lines_for("read", "cheshire-fire", "fire")

    assert compiled.lines_for("read", "cheshire-fire", "fire") is known
    assert compiled.lines_for("read", "cheshire-fire", "police") is not known
    assert compiled.lines_for("read", "elsewhere", "fire") is not compiled.lines_for(
        "read", "elsewhere", "fire"
    )
