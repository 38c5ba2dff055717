"""Whatever is missing, unknown, broken or on the boundary: the answer is a refusal."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.criteria.organisation import OfOrganisations
from policies.criteria.post import InPosts
from policies.decision import Effect, Gate
from policies.engine import Engine
from policies.errors import PolicyFileError
from policies.reasons import Reason
from tests.policies.generated import (
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import (
    FIRE,
    HOST,
    asked,
    cheshire,
    clearance,
    grant,
    rule_text,
    subject,
    with_broken_rule,
    with_rules,
)
from vetting.clearance import Clearance
from vetting.days import day_ends_at
from vetting.levels import LevelId, LevelOrder
from vetting.toml_source import TomlSource

if TYPE_CHECKING:
    from pathlib import Path

TICK = timedelta(microseconds=1)


@cache
def shipped_engine() -> Engine:
    return Engine.compile(cheshire())


def test_an_empty_rule_set_permits_nothing() -> None:
    random = Random(1)
    policy_set = replace(generous(cheshire()), rules=())
    engine = Engine.compile(policy_set)
    reached = set()
    for _ in range(1000):
        who = generated_subject(policy_set, random)
        decision = engine.decide(generated_question(policy_set, who, random))
        reached.add(decision.gate)

        assert decision.effect is Effect.DENY
    assert Gate.RULE in reached


@pytest.mark.parametrize("effect", ["Deny", "DENY", "allow", "", "permit "])
def test_a_misspelt_effect_never_loads(tmp_path: Path, effect: str) -> None:
    with pytest.raises(PolicyFileError):
        with_rules(tmp_path, rule_text("own_record = true", effect=effect))


@pytest.mark.parametrize("effect", [Effect.PERMIT, Effect.DENY])
def test_an_error_in_a_rule_denies_though_another_rule_permits(effect: Effect) -> None:
    """Skipping a broken deny rule would let in whom it was made to keep out."""
    engine = Engine.compile(with_broken_rule(cheshire(), effect))
    question = asked(subject("DBSB"))
    decision = engine.decide(question)

    assert (decision.gate, decision.reason) == (Gate.RULE, Reason.RULE_IN_ERROR)
    (broken,) = [
        rule for rule in engine.explain(question, decision).rules if rule.rule_id == "broken"
    ]
    assert broken.outcome == "error"
    assert [criterion.mark for criterion in broken.criteria] == ["error"]


def test_an_error_in_a_rule_that_does_not_concern_the_organisation_is_not_met() -> None:
    """Of such a rule nothing is asked, so one partner's fault does not shut out the others."""
    of_host = OfOrganisations(frozenset({HOST}))
    engine = Engine.compile(with_broken_rule(cheshire(), Effect.PERMIT, of_host))

    assert engine.decide(asked(subject("DBSB"))).permitted
    assert not engine.decide(asked(subject("RV", organisation=HOST))).permitted


def test_an_error_behind_a_criterion_that_is_not_met_denies_all_the_same() -> None:
    nobody = InPosts(frozenset({"astronaut"}))
    engine = Engine.compile(with_broken_rule(cheshire(), Effect.PERMIT, nobody))

    assert engine.decide(asked(subject("DBSB"))).reason is Reason.RULE_IN_ERROR


@pytest.mark.parametrize(
    ("missing", "function_id"),
    [("posts", "hr.search"), ("team", "hr.team"), ("appointments", "gate.audit")],
)
def test_a_subject_that_cannot_be_read_is_denied_and_nothing_is_raised(
    missing: str, function_id: str
) -> None:
    engine = Engine.compile(cheshire())
    who = subject(
        "RV", organisation=HOST, posts=["hr", "manager"], team=["1"], appointments=["auditor"]
    )
    broken: dict[str, Any] = {missing: None}

    assert engine.decide(asked(who, function_id)).permitted
    decision = engine.decide(asked(replace(who, **broken), function_id))
    assert not decision.permitted
    assert engine.explain(None, decision).effect is Effect.DENY


def test_a_clearance_that_cannot_be_read_denies_everything() -> None:
    engine = Engine.compile(cheshire())
    broken: dict[str, Any] = {"clearance": None}
    who = replace(subject("RV", organisation=HOST, appointments=["auditor"]), **broken)
    for function_id in cheshire().catalogue.functions:
        assert not engine.decide(asked(who, function_id)).permitted


def test_a_missing_attribute_never_permits_more_than_a_given_one() -> None:
    """Taking away what a directory said may only take access away."""
    random = Random(2)
    policy_set = generous(cheshire())
    engine = Engine.compile(replace(policy_set, rules=generated_rules(policy_set, 400, random)))
    empty: dict[str, Any] = {
        "posts": frozenset(),
        "unit": "",
        "employee_number": "",
        "trainings": frozenset(),
    }
    permits = 0
    for _ in range(1500):
        who = generated_subject(policy_set, random)
        question = generated_question(policy_set, who, random)
        permitted = engine.decide(question).permitted
        permits += permitted
        for name, nothing in empty.items():
            if not getattr(who, name):
                continue
            without = replace(question, subject=replace(who, **{name: nothing}))

            assert permitted or not engine.decide(without).permitted
        untold: dict[str, Any] = {"zone": None, "second_factor_age_us": None}
        for name, nothing in untold.items():
            without = replace(question, **{name: nothing})

            assert permitted or not engine.decide(without).permitted
    assert permits > 20


def test_an_unknown_level_on_the_register_adds_nothing() -> None:
    engine = Engine.compile(cheshire())
    strange = replace(grant("DBSB"), level=LevelId("N9"))
    who = replace(
        subject(),
        clearance=Clearance(
            grants=(strange,),
            organisation=FIRE,
            order=cheshire().levels,
            accepted=frozenset({"cheshire-police"}),
        ),
    )

    assert engine.decide(asked(who)).reason is Reason.CLEARANCE_TOO_LOW


def test_a_clearance_over_another_order_of_levels_reaches_nothing() -> None:
    """Its bits would be read as levels that nobody granted."""
    other = LevelOrder.from_toml(
        TomlSource.from_text(
            'base = "A"\n[[level]]\nid = "A"\nscheme = "employer"\ntitle = "A"\n', file="other"
        )
    )
    who = replace(
        subject(),
        clearance=Clearance(
            grants=(replace(grant("DBSB"), level=LevelId("A")),),
            organisation=FIRE,
            order=other,
            accepted=frozenset({"cheshire-police"}),
        ),
    )
    decision = Engine.compile(cheshire()).decide(asked(who))

    assert not decision.permitted
    assert decision.results.reach == 0


def test_an_equal_order_that_was_read_again_is_the_same_order() -> None:
    who = replace(subject(), clearance=clearance("DBSB", order=LevelOrder.shipped()))

    assert Engine.compile(cheshire()).decide(asked(who)).permitted


@settings(deadline=None)  # other tests may hold the machine
@given(st.dates(min_value=date(2019, 1, 1), max_value=date(2040, 12, 31)))
def test_vetting_lasts_to_the_last_moment_of_its_last_day_and_no_longer(day: date) -> None:
    """Leap days, summer and winter alike; the agreement has no end."""
    engine = shipped_engine()
    who = subject()
    held = Clearance(
        grants=(grant("DBSB", expires_on=day),),
        organisation=FIRE,
        order=cheshire().levels,
        accepted=frozenset({"cheshire-police"}),
    )
    who = replace(who, clearance=held)
    over = day_ends_at(day)

    assert engine.decide(asked(who, at=over - TICK)).permitted
    assert not engine.decide(asked(who, at=over)).permitted


def test_the_kind_that_the_settings_say_does_not_override_the_policy_set() -> None:
    """A subject of another kind than its organisation gets that kind's rules, cached or not."""
    engine = Engine.compile(cheshire())
    who = subject("RV", organisation=HOST)

    assert engine.decide(asked(who, "duty.me")).permitted
    disguised = replace(who, organisation_kind="fire")
    assert engine.decide(asked(disguised, "duty.me")).reason is Reason.RULE_DENIES
    nothing_said = replace(who, organisation_kind="")
    assert engine.decide(asked(nothing_said, "duty.me")).reason is Reason.RULE_DENIES
