"""While an answer is said to stand, no instant makes another; nor does it end too early."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, cast

from policies.engine import Engine
from policies.standing import stands_until
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
    asked,
    cheshire,
    grant,
    rule_text,
    subject,
    with_rules,
)
from tests.policies.test_engine import forgetful

if TYPE_CHECKING:
    from pathlib import Path

    from policies.policy_set import PolicySet
    from policies.question import Subject


def test_an_answer_stands_until_an_agreement_a_rule_or_the_vetting_changes_it(
    tmp_path: Path,
) -> None:
    def stands(policy_set: PolicySet, who: Subject, at: datetime = AT) -> datetime | None:
        engine, question = Engine.compile(policy_set), asked(who, at=at)
        return stands_until(engine, question, engine.decide(question))

    ending = tuple(replace(each, end=date(2026, 12, 31)) for each in cheshire().agreements)
    agreed = replace(cheshire(), agreements=ending)
    vetted = subject("DBSB")
    expiring = replace(vetted.clearance, grants=(grant("DBSB", expires_on=date(2026, 11, 30)),))
    hours = rule_text(when='hours = { days = ["sat"], from = "10:00", until = "13:30" }')

    assert stands(agreed, vetted) == datetime(2027, 1, 1, tzinfo=UTC)
    assert stands(agreed, replace(vetted, clearance=expiring)) == datetime(2026, 12, 1, tzinfo=UTC)
    assert stands(with_rules(tmp_path, hours), vetted) == datetime(2026, 11, 21, 13, 30, tzinfo=UTC)


def test_while_an_answer_stands_no_instant_makes_another() -> None:
    """Nor does how long ago a second factor was shown, which passes with it."""
    random = Random(17)
    policy_set = generous(cheshire())
    rules = bound(generated_rules(policy_set, 250, random, RARE), random)
    policy_set = replace(policy_set, rules=rules)
    used, other = Engine.compile(policy_set), Engine.compile(policy_set)
    staff = [generated_subject(policy_set, random) for _ in range(25)]
    stood = changed = 0
    for _ in range(1500):
        question = generated_question(policy_set, random.choice(staff), random)
        decision = used.decide(question)
        until = stands_until(used, question, decision)
        if until is None:
            continue
        stood += 1
        span = until - question.at
        for at in (question.at + span * random.random(), until - timedelta(microseconds=1)):
            age = random.choice([None, 0, 10**12])
            later = replace(question, at=at, second_factor_age_us=age)
            assert forgetful(other, later) == decision
        if until.year < 9999:
            changed += forgetful(other, replace(question, at=until)) != decision
    assert stood > 200
    assert changed > 5  # a span that ends too early would hide one that ends too late


def test_what_is_not_kept_stands_for_no_time() -> None:
    engine = Engine.compile(cheshire())
    unreadable = asked(replace(subject("DBSB"), clearance=cast("Any", None)))
    for question in (unreadable, asked(subject("DBSB"), "pay.bank"), asked(subject("DBSB"))):
        decision = engine.decide(question)
        stands = stands_until(engine, question, decision)
        assert (stands is None) is (question.function.id == "pay.bank" or question is unreadable)
        if stands is not None:
            copied = decision._replace(rule_ids=decision.rule_ids)
            assert stands_until(engine, question, copied) is None  # another engine's, perhaps
    unknown = asked(subject("DBSB"))
    unknown = replace(unknown, function=replace(unknown.function, id="no.such"))
    assert stands_until(engine, unknown, engine.decide(unknown)) is None
