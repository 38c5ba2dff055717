"""What a refused person is told: something to act on, and nothing they must not learn."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest

from policies.decision import Gate
from policies.engine import Engine
from policies.reasons import Reason
from tests.policies.generated import (
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import (
    BOTH_FACTORS,
    FIRE,
    HOST,
    asked,
    cheshire,
    clearance,
    grant,
    rule_text,
    subject,
    with_rules,
)
from vetting.grants import GrantStatus

if TYPE_CHECKING:
    from pathlib import Path

    from policies.question import Question
    from policies.telling import StaffReason


def told(question: Question) -> tuple[StaffReason, ...]:
    engine = Engine.compile(cheshire())
    return engine.staff_reasons(question, engine.decide(question))


def test_who_is_let_in_is_told_nothing() -> None:
    assert told(asked(subject("DBSB"))) == ()


def test_what_no_agreement_offers_is_told_as_little_as_what_does_not_exist() -> None:
    question = asked(subject("DBSB"), "pc.crime")
    unknown = replace(question, function=replace(question.function, id="no.such"))

    assert told(question) == told(unknown) == ()


def test_lapsed_vetting_is_told_with_what_ended_and_when() -> None:
    who = subject("DBSB", posts=["hr"], ended=["N2F"])
    first, second = told(asked(who, "hr.search"))

    assert first.code is Reason.CLEARANCE_TOO_LOW
    assert first.sentence == "Your NPPV2 full ended on 20 November 2026."
    assert first.whom == "host-vetting"
    assert second.sentence == "Search all persons needs NPPV2 full."


def test_what_ended_is_told_also_where_a_rule_would_refuse_as_well() -> None:
    first, second = told(asked(subject("DBSB", ended=["N2F"]), "hr.search"))

    assert first.sentence == "Your NPPV2 full ended on 20 November 2026."
    assert "NPPV2" not in second.sentence, "vetting alone would not let this person in"


def test_what_ended_and_has_nothing_to_do_with_it_is_not_told() -> None:
    reasons = told(asked(subject("DBSB", ended=["CTC"]), "hr.search"))

    assert [reason.sentence for reason in reasons] == ["This needs vetting that you do not hold."]


def test_suspended_vetting_is_told_as_suspended() -> None:
    who = subject("DBSB", posts=["hr"])
    suspended = grant("N2F", status=GrantStatus.SUSPENDED)
    held = replace(clearance("DBSB"), grants=(*clearance("DBSB").grants, suspended))

    first, _ = told(asked(replace(who, clearance=held), "hr.search"))

    assert first.sentence == "Your NPPV2 full is suspended."


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (asked(subject("DBSB"), "pay.bank"), Reason.SECOND_FACTOR_NEEDED),
        (asked(subject("DBSB"), person="2", owner=FIRE), Reason.NOT_OWN_RECORD),
        (asked(subject("DBSB"), person="2", owner=HOST), Reason.RECORD_BEYOND_CLEARANCE),
        (asked(subject("N2F", posts=["firefighter"]), "hr.search"), Reason.POST_NOT_HELD),
        (asked(subject("N2F", posts=["manager"]), "hr.team"), Reason.NOT_OWN_TEAM),
        (asked(subject("MV", organisation=HOST), "custody.record"), Reason.UNIT_NOT_NAMED),
        (asked(subject("RV", organisation=HOST), "gate.audit"), Reason.NOT_APPOINTED),
    ],
)
def test_the_reason_told_is_what_the_person_lacks(question: Question, code: Reason) -> None:
    assert told(question)[0].code is code


@pytest.mark.parametrize("backwards", [False, True])
def test_of_several_rules_the_one_that_lacks_least_is_told(
    tmp_path: Path, *, backwards: bool
) -> None:
    texts = [
        rule_text('post = ["hr"], unit = ["custody"]', id="far"),
        rule_text('post = ["firefighter"], unit = ["custody"]', id="near"),
    ]
    text = "".join(reversed(texts) if backwards else texts)
    engine = Engine.compile(with_rules(tmp_path, text))
    question = asked(subject("DBSB"))

    (reason,) = engine.staff_reasons(question, engine.decide(question))

    assert reason.code is Reason.UNIT_NOT_NAMED


def test_a_deny_is_told_without_what_it_says_of_others(tmp_path: Path) -> None:
    text = rule_text("own_record = true") + rule_text(
        'post = ["firefighter"]', id="suspects", effect="deny"
    )
    engine = Engine.compile(with_rules(tmp_path, text))
    question = asked(subject("DBSB"))
    decision = engine.decide(question)

    (reason,) = engine.staff_reasons(question, decision)

    assert decision.reason is Reason.RULE_DENIES
    assert reason.code is Reason.NO_RULE_PERMITS


def test_nothing_told_ever_holds_the_id_of_a_rule_or_a_number() -> None:
    random = Random(31)
    engine = Engine.compile(cheshire())
    rule_ids = {rule.id for rule in cheshire().rules}
    gates = set()
    for _ in range(1500):
        who = generated_subject(cheshire(), random)
        question = generated_question(cheshire(), who, random)
        decision = engine.decide(question)
        reasons = engine.staff_reasons(question, decision)
        gates.add(decision.gate)

        assert bool(reasons) is (decision.gate in {Gate.CLEARANCE, Gate.RULE, Gate.OBLIGATION})
        for reason in reasons:
            text = f"{reason.code} {reason.sentence} {reason.remedy}"
            assert not any(rule_id in text for rule_id in rule_ids)
            assert not any(number in text for number in ("1001", "1002", "40011"))
            assert reason.sentence.endswith(".")
    assert {Gate.CLEARANCE, Gate.RULE} <= gates


def test_no_way_in_asks_for_more_than_another() -> None:
    """A person told "NPPV2 full, or MV" would be told nothing by the second half."""
    random = Random(33)
    levels = cheshire().levels
    policy_set = replace(
        generous(cheshire()), rules=generated_rules(generous(cheshire()), 300, random)
    )
    engine = Engine.compile(policy_set)
    several = 0
    for _ in range(1500):
        question = generated_question(policy_set, generated_subject(policy_set, random), random)
        reached = []
        for way in engine.would_let_in(engine.decide(question)):
            bits = 0
            for level in way:
                bits |= levels.reach(level)
            reached.append(bits)
        several += len(reached) > 1

        assert not any(
            one is not other and one & other == other for one in reached for other in reached
        )
    assert several


def test_the_ways_in_let_in() -> None:
    """What is said to be missing must be what is missing, and no way may be longer than needed."""
    random = Random(32)
    engine = Engine.compile(cheshire())
    levels = cheshire().levels
    found = 0
    for _ in range(1500):
        who = generated_subject(cheshire(), random)
        question = replace(generated_question(cheshire(), who, random), factors=BOTH_FACTORS)
        decision = engine.decide(question)
        for way in engine.would_let_in(decision) if who.organisation else ():
            found += 1
            added = clearance(*way, organisation=who.organisation).grants
            grants = (*who.clearance.grants, *added)
            better = replace(who, clearance=replace(who.clearance, grants=grants))

            assert not decision.permitted
            assert all(not levels.bit(level) & decision.results.reach for level in way)
            assert engine.decide(replace(question, subject=better)).permitted
    assert found > 20
