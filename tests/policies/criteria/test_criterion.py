"""What all criteria have in common: one meaning in two forms, and nothing empty or unknown."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from policies.agreements import AgreementStatus
from policies.candidates import Candidates
from policies.criteria import (
    VOCABULARY,
    Criterion,
    CriterionError,
    InPeriod,
    OfOrganisation,
    Result,
    record_standing,
)
from policies.function import Action
from policies.prepared_rule import PreparedRule
from policies.rules import Rule
from tests.policies.generated import generated_question, generated_rules, generated_subject
from tests.policies.people import cheshire

if TYPE_CHECKING:
    from policies.question import Question

Kept = dict[tuple[Criterion, str, str], Candidates]


def quick_result(criterion: Criterion, question: Question, kept: Kept) -> Result:
    """Answer a criterion the way the engine does, which remembers what attributes mean."""
    rule = Rule(
        id="one",
        effect=generated_rules(cheshire(), 1, Random(0))[0].effect,
        functions=frozenset({question.function.id}),
        written_functions=(question.function.id,),
        actions=frozenset({Action.READ}),
        when=(criterion,),
        reason="r",
        owner="o",
    )
    prepared = PreparedRule.of(rule)
    (form,) = prepared.forms
    subject = question.subject
    if isinstance(form, OfOrganisation):
        return form.ask(subject.organisation, subject.organisation_kind)

    key = criterion, subject.organisation, question.function.id
    if key not in kept:
        cover = tuple(
            (each.starts_at, each.ends_at, each.id)
            for each in cheshire().agreements
            if each.status is AgreementStatus.IN_FORCE
            and subject.organisation in each.serves
            and question.function.id in each.functions
        )
        kept[key] = Candidates.compile([prepared], cover)
    candidates = kept[key]
    reach = subject.clearance.reach(at=question.at, function=question.function.id)
    moment = candidates.moment(question.at)
    standing = record_standing(question)
    met, unknown, failed, out = candidates.answer(question, moment, reach, standing)
    assert not failed
    assert (out == 0) is bool(met)
    if met:
        return Result.MET
    return Result.UNKNOWN if unknown else Result.NOT_MET


@pytest.mark.parametrize("kind", [*VOCABULARY, InPeriod])
def test_the_compiled_form_answers_as_the_definition_does(kind: type[Criterion]) -> None:
    """The engine never asks the definition, so this is what makes its answers mean anything."""
    random = Random(kind.name)
    policy_set = cheshire()
    criteria = [
        criterion
        for rule in generated_rules(policy_set, 200, random)
        for criterion in rule.criteria
        if isinstance(criterion, kind)
    ][:20]
    seen = set()
    kept: Kept = {}
    for _ in range(40):
        who = generated_subject(policy_set, random)
        for criterion in criteria:
            question = generated_question(policy_set, who, random)
            result = criterion.result(question)
            seen.add(result)

            assert quick_result(criterion, question, kept) is result

    assert {Result.MET, Result.NOT_MET} <= seen


@pytest.mark.parametrize("kind", [*VOCABULARY, InPeriod])
def test_a_criterion_is_written_and_read_back_equal(kind: type[Criterion]) -> None:
    rules = generated_rules(cheshire(), 200, Random(1))
    found = [each for rule in rules for each in rule.criteria if isinstance(each, kind)]

    assert found
    for criterion in found:
        assert type(criterion).from_value(criterion.to_value(), cheshire().terms) == criterion
        assert criterion.sentence()


@pytest.mark.parametrize("kind", [*VOCABULARY, InPeriod])
@pytest.mark.parametrize("value", [[], "", None, False, 0, {}, ["x", 1], [[]], "N9"])
def test_nothing_empty_and_nothing_unknown_is_read(kind: type[Criterion], value: object) -> None:
    with pytest.raises(CriterionError) as refused:
        kind.from_value(value, cheshire().terms)

    assert all(flaw.message and flaw.remedy for flaw in refused.value.flaws)


def test_every_wrong_word_of_a_list_is_told_with_its_position() -> None:
    organisation = VOCABULARY[0]

    with pytest.raises(CriterionError) as refused:
        organisation.from_value(["navy", "cheshire-fire", "armee"], cheshire().terms)

    assert [flaw.position for flaw in refused.value.flaws] == [0, 2]


def test_unknown_speaks_against_the_access_in_its_reason() -> None:
    for kind in VOCABULARY:
        good, bad = kind.reasons
        (criterion, *_) = [
            each
            for rule in generated_rules(cheshire(), 300, Random(2))
            for each in rule.criteria
            if isinstance(each, kind)
        ]

        assert criterion.reason(Result.MET) is good
        assert criterion.reason(Result.NOT_MET) is criterion.reason(Result.UNKNOWN) is bad
