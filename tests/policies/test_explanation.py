"""Explanations: complete, the same from the log as on the day, and never another decision."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random

import pytest

from policies.decision import Effect, Gate, Results
from policies.engine import Engine
from policies.errors import PolicyError
from policies.explanation import Explanation
from policies.reasons import Reason
from policies.rule_lines import Mark, Outcome
from tests.policies.generated import (
    bound,
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import FIRE, asked, cheshire, subject


def verdict(explanation: Explanation) -> tuple[Effect, Gate]:
    """Read the decision off the lines alone."""
    for line in explanation.gates:
        if line.mark is not Mark.MET:
            return Effect.DENY, line.gate
    return Effect.PERMIT, Gate.PERMITTED


def rules_permit(explanation: Explanation) -> bool:
    """Read the rule gate off the lines of the rules alone."""
    outcomes = {rule.outcome for rule in explanation.rules}
    return Outcome.PERMITS in outcomes and not outcomes & {Outcome.DENIES, Outcome.ERROR}


def test_the_lines_and_the_decision_agree_and_the_log_tells_the_same() -> None:
    random = Random(21)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=bound(generated_rules(policy_set, 400, random), random))
    engine = Engine.compile(policy_set)
    gates = set()
    for _ in range(600):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        decision = engine.decide(question)
        explained = engine.explain(question, decision)
        recorded = decision._replace(results=Results.from_text(decision.results.to_text()))
        from_log = engine.explain(None, recorded)
        gates.add(decision.gate)

        assert verdict(explained) == (decision.effect, decision.gate)
        (rule_gate,) = [line for line in explained.gates if line.gate is Gate.RULE]
        assert rules_permit(explained) is (rule_gate.mark is Mark.MET)
        assert without_values(explained) == from_log
    assert gates == {*Gate} - {Gate.FUNCTION}


def without_values(explanation: Explanation) -> Explanation:
    return replace(
        explanation,
        rules=tuple(
            rule._replace(criteria=tuple(each._replace(value="") for each in rule.criteria))
            for rule in explanation.rules
        ),
    )


def test_every_criterion_is_marked_as_its_definition_answers() -> None:
    random = Random(22)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 300, random))
    engine = Engine.compile(policy_set)
    by_id = {rule.id: rule for rule in policy_set.rules}
    marks = set()
    for _ in range(200):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        for line in engine.explain(question, engine.decide(question)).rules:
            for criterion, told in zip(by_id[line.rule_id].criteria, line.criteria, strict=True):
                marks.add(told.mark)
                if told.mark is Mark.NOT_ASKED:
                    assert line.outcome is Outcome.DOES_NOT_CONCERN
                    continue
                result = criterion.result(question)
                assert told.mark.replace(" ", "_").upper() == result.name
                assert told.reason is criterion.reason(result)
    assert marks == {Mark.MET, Mark.NOT_MET, Mark.UNKNOWN, Mark.NOT_ASKED}


def test_it_reads_aloud() -> None:
    engine = Engine.compile(cheshire())
    question = asked(subject("DBSB"), "hr.search", person="40012", owner=FIRE)

    lines = engine.explain(question, engine.decide(question)).lines()

    assert lines[0] == (
        "deny: read hr.search for staff of cheshire-fire (clearance-too-low, at gate clearance)"
    )
    assert "gate agreement: met (agreement-in-force) cheshire-blue-light-2018" in lines
    assert "    not met: in the post hr [firefighter]" in lines
    assert "rule hr.host-search (permit): does not concern the organisation" in lines
    assert not any("40012" in line for line in lines)


def test_it_can_be_written_as_json() -> None:
    engine = Engine.compile(cheshire())
    question = asked(subject("DBSB"))

    read = json.loads(json.dumps(engine.explain(question, engine.decide(question)).to_json()))

    assert read["effect"] == "permit"
    assert [gate["gate"] for gate in read["gates"]] == [
        *("function", "agreement", "clearance", "rule", "obligation"),
    ]


def test_an_unknown_function_is_explained_by_its_first_gate() -> None:
    engine = Engine.compile(cheshire())
    question = asked(subject("DBSB"))
    unknown = replace(question, function=replace(question.function, id="no.such"))
    explained = engine.explain(unknown, engine.decide(unknown))

    assert [(line.gate, line.mark) for line in explained.gates] == [(Gate.FUNCTION, Mark.NOT_MET)]
    assert explained.rules == ()


def test_a_decision_of_another_policy_set_is_not_explained() -> None:
    engine = Engine.compile(cheshire())
    question = asked(subject("DBSB"))
    decision = engine.decide(question)

    with pytest.raises(PolicyError, match="another policy set"):
        engine.explain(question, decision._replace(policy_digest="0" * 64))


@pytest.mark.parametrize(
    "changes",
    [
        {"effect": Effect.DENY},
        {"gate": Gate.RULE, "reason": Reason.NO_RULE_PERMITS},
        {"rule_ids": ("hr.vacancies",)},
        {"agreement_id": None},
        {"obligations": ("step-up",)},
    ],
)
def test_a_decision_that_its_results_do_not_lead_to_is_not_explained(
    changes: dict[str, object],
) -> None:
    """An entry whose parts do not fit together must not be given a plausible story."""
    engine = Engine.compile(cheshire())
    decision = engine.decide(asked(subject("DBSB")))

    with pytest.raises(PolicyError, match="do not lead"):
        engine.explain(None, decision._replace(**changes))  # type: ignore[arg-type] # any field
