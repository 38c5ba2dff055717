"""The engine: five gates in their order, each with its own way to fail."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, cast

import pytest

from policies.agreements import AgreementStatus
from policies.candidates import MOST_DECIDED
from policies.decision import Effect, Gate, Results
from policies.engine import Engine
from policies.errors import PolicyError
from policies.obligations import NO_OBLIGATIONS
from policies.question import Question, Subject
from policies.reasons import Reason
from tests.policies.generated import (
    RARE,
    bound,
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import (
    AT,
    BOTH_FACTORS,
    FIRE,
    HOST,
    asked,
    cheshire,
    requirement,
    rule_text,
    subject,
    with_function,
    with_rules,
)

if TYPE_CHECKING:
    from pathlib import Path

    from policies.decision import Decision
    from policies.policy_set import PolicySet


def ends_at(policy_set: PolicySet, question: Question) -> tuple[Gate, Reason]:
    decision = Engine.compile(policy_set).decide(question)
    assert decision.permitted is (decision.gate is Gate.PERMITTED)
    return decision.gate, decision.reason


def test_a_permit_names_its_agreement_its_rules_and_the_policy_set() -> None:
    decision = Engine.compile(cheshire()).decide(asked(subject("DBSB")))

    assert decision.effect is Effect.PERMIT
    assert decision.gate is Gate.PERMITTED
    assert decision.function_id == "pay.slip"
    assert decision.agreement_id == "cheshire-blue-light-2018"
    assert decision.rule_ids == ("own.self-service",)
    assert decision.policy_digest == cheshire().digest


def test_the_first_gate_that_fails_ends_it() -> None:
    """Each step mends what the step before failed on, and the next gate is reached."""
    stranger = subject(organisation="steria", posts=["hr"])
    unknown = replace(asked(stranger), function=replace(asked(stranger).function, id="pay.secret"))
    uncleared = subject(posts=["firefighter"])
    another = subject("DBSB")

    assert ends_at(cheshire(), unknown) == (Gate.FUNCTION, Reason.FUNCTION_UNKNOWN)
    assert ends_at(cheshire(), asked(stranger)) == (Gate.AGREEMENT, Reason.NO_AGREEMENT)
    assert ends_at(cheshire(), asked(uncleared, person="2", owner=FIRE)) == (
        Gate.CLEARANCE,
        Reason.CLEARANCE_TOO_LOW,
    )
    assert ends_at(cheshire(), asked(another, "pay.bank", person=None, owner=HOST)) == (
        Gate.RULE,
        Reason.NO_RULE_PERMITS,
    )
    assert ends_at(cheshire(), asked(another, "pay.bank")) == (
        Gate.OBLIGATION,
        Reason.SECOND_FACTOR_NEEDED,
    )
    assert ends_at(cheshire(), asked(another, "pay.bank", factors=BOTH_FACTORS)) == (
        Gate.PERMITTED,
        Reason.RULE_PERMITS,
    )


def test_what_an_obligation_asks_is_told_and_what_was_fulfilled_is_kept() -> None:
    engine = Engine.compile(cheshire())

    asking = engine.decide(asked(subject("DBSB"), "pay.bank"))
    fulfilled = engine.decide(asked(subject("DBSB"), "pay.bank", factors=BOTH_FACTORS))

    assert asking.obligations.words == ("step-up",)
    assert asking.rule_ids == ("own.self-service",)
    assert fulfilled.obligations.words == ("step-up",)
    assert engine.decide(asked(subject("DBSB"))).obligations == NO_OBLIGATIONS


def test_an_obligation_that_nothing_fulfils_is_never_fulfilled() -> None:
    changed = with_function(cheshire(), "pay.slip", obligations=("watermark",))

    assert ends_at(changed, asked(subject("DBSB"), factors=BOTH_FACTORS)) == (
        Gate.OBLIGATION,
        Reason.OBLIGATION_NOT_FULFILLED,
    )


def test_pages_of_the_gateway_skip_the_agreement_gate_and_no_other() -> None:
    without = replace(cheshire(), agreements=())
    auditor = subject("RV", organisation=HOST, appointments=["auditor"])

    assert ends_at(without, asked(auditor, "gate.audit"))[0] is Gate.PERMITTED
    assert ends_at(without, asked(auditor, "pay.slip"))[0] is Gate.AGREEMENT
    assert ends_at(without, asked(subject("DBSB", appointments=["auditor"]), "gate.audit")) == (
        Gate.CLEARANCE,
        Reason.CLEARANCE_TOO_LOW,
    )
    assert ends_at(without, asked(subject("RV", organisation=HOST), "gate.audit")) == (
        Gate.RULE,
        Reason.NO_RULE_PERMITS,
    )


def test_one_deny_outweighs_every_permit(tmp_path: Path) -> None:
    text = rule_text("own_record = true", id="lets-in") + rule_text(
        'post = ["firefighter"]', id="keeps-out", effect="deny"
    )
    decision = Engine.compile(with_rules(tmp_path, text)).decide(asked(subject("DBSB")))

    assert (decision.gate, decision.reason) == (Gate.RULE, Reason.RULE_DENIES)
    assert decision.rule_ids == ("keeps-out",)


def test_the_order_of_rules_means_nothing() -> None:
    random = Random(5)
    policy_set = generous(cheshire())
    rules = list(generated_rules(policy_set, 300, random))
    first = Engine.compile(replace(policy_set, rules=tuple(rules)))
    random.shuffle(rules)
    second = Engine.compile(replace(policy_set, rules=tuple(rules)))
    for _ in range(500):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        one, other = first.decide(question), second.decide(question)

        assert (one.gate, one.reason) == (other.gate, other.reason)
        assert set(one.rule_ids) == set(other.rule_ids)


def test_a_rule_speaks_of_its_own_function_and_action_only(tmp_path: Path) -> None:
    policy_set = with_rules(tmp_path, rule_text("own_record = true"))

    assert ends_at(policy_set, asked(subject("DBSB")))[0] is Gate.PERMITTED
    assert ends_at(policy_set, asked(subject("DBSB"), action="write"))[0] is Gate.RULE
    assert ends_at(policy_set, asked(subject("DBSB"), action="delete"))[0] is Gate.RULE
    assert ends_at(policy_set, asked(subject("DBSB"), "hr.me"))[0] is Gate.RULE


def test_the_engine_goes_by_its_own_functions_not_by_those_of_the_question() -> None:
    """A question made with an older catalogue must not bring its lower floor along."""
    question = asked(subject("DBSB"))
    stricter = with_function(cheshire(), "pay.slip", floor=requirement("MV"))

    assert ends_at(stricter, question)[0] is Gate.CLEARANCE


def test_a_floor_may_depend_on_the_owner_and_the_highest_applies_when_none_can_be_told() -> None:
    """Domain: at a council as host its own and fire records need less than police records."""
    changed = with_function(
        cheshire(),
        "hr.search",
        floor_by_owner={FIRE: requirement("BASE"), "nwas": requirement("MV")},
    )
    operator = subject("RV", organisation=HOST, posts=["hr"])
    unvetted = subject("DBSB", organisation=HOST, posts=["hr"])
    cleared = subject("MV", organisation=HOST, posts=["hr"])

    def passes(who: Subject, owner: str | None) -> bool:
        question = asked(who, "hr.search", person="7", owner=owner)
        return ends_at(changed, question)[0] is Gate.PERMITTED

    assert [passes(unvetted, owner) for owner in (FIRE, HOST, "nwas", None)] == [True, *[False] * 3]
    assert [passes(operator, owner) for owner in (FIRE, HOST, "nwas", None)] == [
        True,
        True,
        False,
        False,
    ]
    assert all(passes(cleared, owner) for owner in (FIRE, HOST, "nwas", None))


def test_what_would_let_in_is_the_vetting_that_is_missing() -> None:
    engine = Engine.compile(cheshire())

    def ways(*levels: str, function: str, posts: list[str]) -> tuple[tuple[str, ...], ...]:
        question = asked(subject(*levels, posts=posts), function)
        return engine.would_let_in(engine.decide(question))

    assert ways("DBSB", function="hr.search", posts=["hr"]) == (("N2F",),)
    assert ways("DBSB", function="hr.search", posts=["firefighter"]) == ()
    assert ways("N2F", function="hr.search", posts=["hr"]) == ()
    assert ways("DBSB", function="duty.me", posts=["hr"]) == ()


def test_offered_is_the_agreement_in_force_at_that_instant() -> None:
    engine = Engine.compile(cheshire())

    assert engine.offered(FIRE, "pay.slip", AT) == "cheshire-blue-light-2018"
    assert engine.offered(FIRE, "duty.me", AT) is None
    assert engine.offered(FIRE, "pay.slip", AT - timedelta(days=4000)) is None
    assert engine.offered(FIRE, "no.such", AT) is None
    assert engine.offered(HOST, "pay.slip", AT) == "host-own-staff"


@pytest.mark.parametrize(
    ("last_day", "over"),
    [
        (date(2026, 7, 31), datetime(2026, 7, 31, 23, tzinfo=UTC)),  # summer time
        (date(2026, 1, 31), datetime(2026, 2, 1, tzinfo=UTC)),
        (date(2028, 2, 29), datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("ending", ["end", "dsa_expires"])
def test_an_agreement_ends_with_the_last_moment_of_its_last_day(
    ending: str, last_day: date, over: datetime
) -> None:
    changes: dict[str, Any] = {ending: last_day}
    agreements = tuple(replace(each, **changes) for each in cheshire().agreements)
    engine = Engine.compile(replace(cheshire(), agreements=agreements))
    last_moment = over - timedelta(microseconds=1)

    assert engine.decide(asked(subject("DBSB"), at=last_moment)).permitted
    assert engine.decide(asked(subject("DBSB"), at=over)).reason is Reason.NO_AGREEMENT


def test_a_suspended_agreement_offers_nothing() -> None:
    agreements = tuple(
        replace(each, status=AgreementStatus.SUSPENDED) for each in cheshire().agreements
    )
    changed = replace(cheshire(), agreements=agreements)

    assert ends_at(changed, asked(subject("DBSB"))) == (Gate.AGREEMENT, Reason.NO_AGREEMENT)


def test_agreements_worked_out_as_instants_cover_as_the_agreements_say() -> None:
    random = Random(11)
    policy_set = generous(cheshire())
    engine = Engine.compile(policy_set)
    seen = set()
    for _ in range(2000):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        function_id, organisation = question.function.id, who.organisation
        covered = any(
            agreement.covers(organisation, function_id, at=question.at)
            for agreement in policy_set.agreements
        )
        seen.add(covered)

        assert (engine.offered(organisation, function_id, question.at) is not None) is covered
    assert seen == {True, False}


def test_a_recorded_decision_is_concluded_again_from_its_text() -> None:
    random = Random(12)
    policy_set = replace(generous(cheshire()), rules=generated_rules(cheshire(), 200, random))
    engine = Engine.compile(policy_set)
    for _ in range(500):
        who = generated_subject(policy_set, random)
        decision = engine.decide(generated_question(policy_set, who, random))
        results = Results.from_text(decision.results.to_text())

        assert engine.conclude(decision.function_id, decision.agreement_id, results) == decision


def test_results_of_a_function_that_the_set_does_not_have_are_not_concluded() -> None:
    engine = Engine.compile(cheshire())

    with pytest.raises(PolicyError):
        engine.conclude("no.such", None, engine.decide(asked(subject("DBSB"))).results)


def forgetful(engine: Engine, question: Question) -> Decision:
    """Decide as one does who has kept nothing."""
    subject = question.subject
    candidates = engine.functions[question.function.id].candidates_for(
        question.action, subject.organisation, subject.organisation_kind
    )
    if decided := candidates.latest[0].decided:
        decided.clear()
    return engine.decide(question)


def test_a_decision_that_is_kept_is_the_one_that_would_be_made() -> None:
    """Whatever is changed of a question, its answer is what nobody has kept."""
    random = Random(13)
    policy_set = generous(cheshire())
    rules = bound(generated_rules(policy_set, 250, random, RARE), random)
    policy_set = replace(policy_set, rules=rules)
    used, other = Engine.compile(policy_set), Engine.compile(policy_set)
    staff = [generated_subject(policy_set, random) for _ in range(25)]
    questions = [generated_question(policy_set, random.choice(staff), random) for _ in range(400)]
    kept = 0
    for question in questions:
        first = used.decide(question)
        kept += used.decide(question) is first
        assert first == forgetful(other, question)
        another = generated_question(policy_set, random.choice(staff), random)
        for field in fields(Question):
            changed = replace(question, **{field.name: getattr(another, field.name)})
            assert used.decide(changed) == forgetful(other, changed), field.name
        for field in fields(Subject):
            if field.init:
                value = {field.name: getattr(another.subject, field.name)}
                changed = replace(question, subject=replace(question.subject, **value))
                assert used.decide(changed) == forgetful(other, changed), field.name
    assert kept > 200


def test_so_many_decisions_are_kept_and_no_more() -> None:
    engine = Engine.compile(cheshire())
    candidates = engine.functions["pay.slip"].candidates_for("read", FIRE, "fire")
    for number in range(3 * MOST_DECIDED):
        assert engine.decide(asked(subject("DBSB", unit=f"unit {number}"))).permitted
        decided = candidates.latest[0].decided
        assert decided is not None
        assert 0 < len(decided) <= MOST_DECIDED


def test_what_rests_on_more_or_failed_is_not_kept() -> None:
    engine = Engine.compile(cheshire())
    for question in (
        asked(subject("DBSB"), "pay.bank"),
        asked(replace(subject("DBSB"), clearance=cast("Any", None))),
        asked(replace(subject("N2F"), posts=cast("Any", ["hr"])), "hr.search"),
    ):
        candidates = engine.functions[question.function.id].candidates_for("read", FIRE, "fire")
        engine.decide(question)

        assert not candidates.latest[0].decided


def test_a_function_that_is_withheld_forgets_what_was_decided() -> None:
    engine = Engine.compile(cheshire())
    question = asked(subject("DBSB"))
    assert engine.decide(question).permitted

    withheld = engine.withholding(frozenset({"pay.slip"}))
    assert [withheld.decide(question).permitted for _ in range(2)] == [False, False]
    assert engine.decide(question).permitted
    assert not withheld.decide(question).permitted
