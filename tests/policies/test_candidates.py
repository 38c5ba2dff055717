"""Candidates: which rules concern whom, and one bit for each different criterion."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from policies.answers import REMEMBERED
from policies.candidates import SUBJECT_BIT, Candidates
from policies.criteria import Result, record_standing
from policies.engine import Engine
from policies.prepared_rule import PreparedRule, key_of
from tests.policies.generated import (
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import FIRE, asked, cheshire, rule_text, subject, with_rules

if TYPE_CHECKING:
    from pathlib import Path

    from policies.policy_set import PolicySet
    from policies.question import Question
    from policies.rules import Rule


def prepared(directory: Path, *whens: str, effect: str = "permit") -> list[PreparedRule]:
    text = "".join(
        rule_text(when, id=f"rule-{place}", effect=effect) for place, when in enumerate(whens)
    )
    return [PreparedRule.of(rule) for rule in with_rules(directory, text).rules]


def test_equal_criteria_of_different_rules_share_a_bit(tmp_path: Path) -> None:
    rules = prepared(
        tmp_path,
        'post = ["hr", "manager"], own_record = true',
        'post = ["manager", "hr"], unit = ["custody"]',
    )

    candidates = Candidates.compile(rules, ())

    assert len(candidates.bits) == 3
    assert SUBJECT_BIT not in candidates.bits.values()
    assert len(set(candidates.bits.values())) == 3


def test_keys_are_equal_exactly_when_criteria_are() -> None:
    criteria = [each for rule in generated_rules(cheshire(), 300, Random(3)) for each in rule.when]
    for one in criteria[:60]:
        for other in criteria[:60]:
            assert (key_of(one) == key_of(other)) is (one == other)


def test_a_rule_concerns_by_organisation_and_kind_together(tmp_path: Path) -> None:
    (rule,) = prepared(tmp_path, 'organisation = ["nwas"], organisation_kind = ["fire"]')

    assert not rule.concerns("nwas", "ambulance")
    assert not rule.concerns("cheshire-fire", "fire")
    assert rule.concerns("nwas", "fire")


def test_an_unknown_organisation_keeps_denies_and_drops_permits(tmp_path: Path) -> None:
    (permit,) = prepared(tmp_path, 'organisation_kind = ["fire"]')
    (deny,) = prepared(tmp_path, 'organisation_kind = ["fire"]', effect="deny")

    assert not permit.concerns("nwas", "")
    assert deny.concerns("nwas", "")


def test_the_cost_of_words_does_not_grow_with_the_number_of_rules(tmp_path: Path) -> None:
    """Five hundred rules on posts are one look-up for each post that is held."""
    rules = prepared(tmp_path, *(f'post = ["post-{place}"]' for place in range(500)))

    candidates = Candidates.compile(rules, ())

    assert candidates.traits is not None
    assert candidates.factors is None
    assert candidates.reaches is None
    assert candidates.of_record == candidates.asks == ()
    question = asked(subject("DBSB", posts=["post-7"]))
    met, unknown, failed, out = candidates.answer(question, candidates.moment(question.at), 0, 0)
    assert met == candidates.bits['post["post-7"]']
    assert unknown == failed == 0
    assert out == (1 << 500) - 1 - (1 << 7)


def test_recorded_results_lead_to_the_rules_that_applied() -> None:
    """A decision is read back from its criteria alone; both ways name the same rules."""
    random = Random(11)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 200, random))
    engine = Engine.compile(policy_set)
    seen = set()
    for _ in range(400):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        results = engine.decide(question).results
        candidates = engine.functions[question.function.id].candidates_for(
            question.action, who.organisation, who.organisation_kind
        )
        moment, standing = candidates.moment(question.at), record_standing(question)
        *answered, out = candidates.answer(question, moment, results.reach, standing)
        applying = candidates.applying(results)

        assert tuple(answered) == (results.met, results.unknown, results.failed)
        assert candidates.meanings[out] == candidates.meaning(applying)
        assert out.bit_count() + applying.bit_count() == len(candidates.rules)
        seen.add(applying.bit_count())
    assert {0, 1, 2} <= seen


def test_a_moment_lasts_until_the_next_change(tmp_path: Path) -> None:
    """Of a rule's days and of the agreements; on its last instant and not one later."""
    (rule,) = [
        PreparedRule.of(rule)
        for rule in with_rules(
            tmp_path,
            rule_text(
                'agreement = ["host-own-staff"]', more="starts = 2026-03-01\nends = 2026-03-31"
            ),
        ).rules
    ]
    starts_at, ends_at = (datetime(2026, 3, day, tzinfo=UTC) for day in (10, 20))
    candidates = Candidates.compile([rule], ((starts_at, ends_at, "host-own-staff"),))
    step = timedelta(microseconds=1)
    begins, ends = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, 23, tzinfo=UTC))
    boundaries = [begins, starts_at, ends_at, ends]

    for boundary in boundaries:
        assert candidates.moment(boundary).since == boundary
        assert candidates.moment(boundary - step).until == boundary
    running = candidates.moment(starts_at)
    assert (running.since, running.until, running.agreement_id) == (
        starts_at,
        ends_at,
        "host-own-staff",
    )
    assert candidates.moment(begins).agreement_id is None
    assert len({candidates.moment(boundary).answers for boundary in boundaries}) == 3


def test_what_is_remembered_of_attributes_has_a_bound(tmp_path: Path) -> None:
    rules = prepared(tmp_path, 'post = ["hr"], clearance = "RV"')
    candidates = Candidates.compile(rules, ())
    assert candidates.traits is not None
    assert candidates.reaches is not None
    answers = set()
    for number in range(3 * REMEMBERED):
        question = asked(subject("DBSB", posts=[f"post-{number}"]))
        moment = candidates.moment(question.at)
        answers.add(candidates.answer(question, moment, number % 700 << 40, 0))
        assert 0 < len(candidates.traits) <= REMEMBERED
        assert 0 < len(candidates.reaches) <= REMEMBERED
    assert len(answers) == 1


def test_what_is_remembered_of_attributes_hides_no_time_no_vetting_and_no_other_policy() -> None:
    """One engine that has met everything answers as one that has met nothing."""
    random = Random(12)
    policy_set = generous(cheshire())
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 300, random))
    used = Engine.compile(policy_set)
    staff = [generated_subject(policy_set, random) for _ in range(40)]
    questions = [generated_question(policy_set, random.choice(staff), random) for _ in range(1500)]
    for question in questions:
        used.decide(question)
    for question in questions[:40]:
        fresh = Engine.compile(replace(policy_set, rules=_speaking_of(policy_set, question)))
        assert used.decide(question)[:7] == fresh.decide(question)[:7]


def _speaking_of(policy_set: PolicySet, question: Question) -> tuple[Rule, ...]:
    return tuple(rule for rule in policy_set.rules if question.function.id in rule.functions)


def test_an_answer_that_failed_is_not_remembered() -> None:
    engine = Engine.compile(cheshire())
    candidates = engine.functions["pay.slip"].candidates_for("read", FIRE, "fire")
    question = asked(subject("DBSB"))
    standing, moment = record_standing(question), candidates.moment(question.at)
    fails = tuple((_fails, bit) for _, bit in candidates.of_record)
    failing = replace(candidates, of_record=fails)

    assert failing.answer(question, moment, 0, standing)[2]
    mended = replace(failing, of_record=candidates.of_record)
    assert not mended.answer(question, moment, 0, standing)[2]


def _fails(_: Question) -> Result:
    raise ZeroDivisionError("a fault")
