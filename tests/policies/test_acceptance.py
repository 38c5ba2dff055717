"""Acceptance: another body's vetting counts under the agreement that says so, and as it says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random
from typing import TYPE_CHECKING

import pytest

from policies.acceptance import Acceptance
from policies.agreements import AgreementStatus, load_agreements
from policies.casbin_oracle import CasbinOracle
from policies.decision import Gate
from policies.engine import Engine
from policies.errors import PolicyFileError
from tests.policies.generated import (
    ACCEPTED,
    FIRST_DAY,
    generated_question,
    generated_rules,
    generated_subject,
    generous,
)
from tests.policies.people import (
    FIRE,
    asked,
    cheshire,
    grant,
    requirement,
    rule_text,
    subject,
    with_function,
    with_rules,
)
from vetting.clearance import Clearance
from vetting.levels import LevelId

if TYPE_CHECKING:
    from pathlib import Path

    from policies.decision import Decision
    from policies.policy_set import PolicySet
    from policies.question import Question, Subject

NORTH = "north-police"
BLUE_LIGHT = "cheshire-blue-light-2018"
AGREED = """
[[agreement]]
id = "north"
title = "North"
legal_basis = "s22A"
parties = ["police", "fire"]
host = "police"
functions = ["pay.slip"]
start = 2018-04-01
dsa_ref = "DSA/1"
dpia_ref = "DPIA/1"
status = "in-force"

[[agreement.accepts]]
body = "north-police"
levels = ["MV", "RV"]
as = "RV"

[[agreement.accepts]]
body = "south-police"
levels = ["N3"]
"""


def accepting(policy_set: PolicySet, *acceptances: tuple[str, str]) -> PolicySet:
    """The policy set whose agreement with the fire service accepts these levels of the north."""
    accepts = tuple(
        Acceptance(body=NORTH, level=LevelId(level), counts_as=LevelId(counts_as))
        for level, counts_as in acceptances
    )
    return replace(
        policy_set,
        agreements=tuple(
            replace(each, accepts=accepts) if each.id == BLUE_LIGHT else each
            for each in policy_set.agreements
        ),
    )


def vetted(level: str, body: str = NORTH) -> Subject:
    held = replace(grant(level), granting_body=body)
    clearance = Clearance(
        grants=(grant("DBSB"), held),
        organisation=FIRE,
        order=cheshire().levels,
        accepted=cheshire().accepted_bodies,
    )
    return replace(subject(posts=["hr"]), clearance=clearance)


def decided(policy_set: PolicySet, question: Question) -> Decision:
    """Decide, and see that Casbin says the same."""
    policy_set = replace(policy_set, rules=policy_set.rules)
    decision = Engine.compile(policy_set).decide(question)
    assert CasbinOracle.from_policy_set(policy_set).decide(question) is decision.effect
    return decision


@pytest.fixture
def rules(tmp_path: Path) -> PolicySet:
    text = rule_text('post = ["hr"]', functions='["hr.search", "fleet.work", "pay.slip"]')
    policy_set = with_rules(tmp_path, text)
    functions = frozenset({"hr.search", "pay.slip"})
    agreements = (
        replace(each, functions=functions) if each.id == BLUE_LIGHT else each
        for each in policy_set.agreements
    )
    return replace(policy_set, agreements=tuple(agreements))


def test_what_is_written_is_read_level_by_level(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(AGREED, encoding="utf-8")
    (agreement,) = load_agreements(path, order=cheshire().levels)

    assert [str(each) for each in agreement.accepts] == [
        "MV of north-police as RV",
        "RV of north-police",
        "N3 of south-police",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"N3"', '"N4"', "`N4` is not a level"),
        ('"N3"', '"DBSB"', "screening"),
        ('as = "RV"', 'as = "BPSS"', "screening"),
        ('"south-police"', '"north-police"\n', "None"),
        ('body = "south-police"', "", "`body` is missing"),
        ('["N3"]', '["N3", "N3"]', "written twice"),
        ('as = "RV"', 'like = "RV"', "unknown key"),
    ],
)
def test_what_is_not_understood_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(AGREED.replace(old, new, 1), encoding="utf-8")
    if message == "None":
        assert len(load_agreements(path, order=cheshire().levels)[0].accepts) == 3
        return
    with pytest.raises(PolicyFileError, match=message):
        load_agreements(path, order=cheshire().levels)


def test_one_level_of_one_body_is_accepted_once(tmp_path: Path) -> None:
    path = tmp_path / "agreements.toml"
    path.write_text(AGREED.replace('"south-police"', '"north-police"').replace("N3", "MV"))

    with pytest.raises(PolicyFileError, match="`MV` of `north-police` stands twice"):
        load_agreements(path, order=cheshire().levels)


def test_vetting_of_another_body_counts_under_the_agreement_that_accepts_it(
    rules: PolicySet,
) -> None:
    question = asked(vetted("RV"), "hr.search")

    assert decided(rules, question).gate is Gate.CLEARANCE
    assert decided(accepting(rules, ("MV", "MV")), question).gate is Gate.CLEARANCE
    permitted = decided(accepting(rules, ("RV", "RV")), question)
    assert permitted.permitted
    assert permitted.agreement_id == BLUE_LIGHT


def test_it_counts_as_what_the_agreement_takes_it_for(rules: PolicySet) -> None:
    question = asked(vetted("MV"), "hr.search")

    assert decided(accepting(rules, ("MV", "N2F")), question).permitted
    assert decided(accepting(rules, ("MV", "CTC")), question).gate is Gate.CLEARANCE


def test_it_counts_for_the_functions_of_that_agreement_only(rules: PolicySet) -> None:
    """Workshop jobs are offered by another agreement, which accepts nothing."""
    policy_set = accepting(rules, ("RV", "RV"))
    other = replace(
        next(each for each in policy_set.agreements if each.id == BLUE_LIGHT),
        id="other",
        functions=frozenset({"fleet.work"}),
        accepts=(),
    )
    policy_set = replace(policy_set, agreements=(*policy_set.agreements, other))

    assert decided(policy_set, asked(vetted("RV"), "fleet.work")).gate is Gate.CLEARANCE


def test_it_ends_with_the_agreement(rules: PolicySet) -> None:
    policy_set = accepting(rules, ("RV", "RV"))
    second = replace(
        next(each for each in policy_set.agreements if each.id == BLUE_LIGHT),
        id="second",
        accepts=(),
    )
    suspended = tuple(
        replace(each, status=AgreementStatus.SUSPENDED) if each.id == BLUE_LIGHT else each
        for each in policy_set.agreements
    )
    ended = replace(policy_set, agreements=(*suspended, second))
    question = asked(vetted("RV"), "hr.search")

    assert decided(ended, question).gate is Gate.CLEARANCE
    assert decided(ended, question).agreement_id == "second"


def test_what_a_rule_asks_for_is_met_by_it_as_well(tmp_path: Path) -> None:
    policy_set = with_rules(tmp_path, rule_text('clearance = "RV"'))
    question = asked(vetted("RV"))

    def under(policy_set: PolicySet) -> PolicySet:
        """The rules read again beside these agreements, as a file would be."""
        read = (
            replace(
                rule,
                when=tuple(type(c).from_value(c.to_value(), policy_set.terms) for c in rule.when),
            )
            for rule in policy_set.rules
        )
        return replace(policy_set, rules=tuple(read))

    assert not decided(policy_set, question).permitted
    assert decided(under(accepting(policy_set, ("RV", "RV"))), question).permitted
    assert not decided(under(accepting(policy_set, ("RV", "N2F"))), question).permitted


def test_the_explanation_says_what_the_agreement_accepts(rules: PolicySet) -> None:
    policy_set = accepting(rules, ("RV", "RV"), ("MV", "N2F"))
    engine = Engine.compile(policy_set)
    question = asked(vetted("RV"), "hr.search")
    decision = engine.decide(question)

    line = engine.explain(question, decision).gates[2]
    assert line.looked_at.endswith(f"`{BLUE_LIGHT}` accepts RV of {NORTH}, MV of {NORTH} as N2F")
    assert (
        "accepts"
        not in Engine.compile(rules)
        .explain(None, Engine.compile(rules).decide(question))
        .gates[2]
        .looked_at
    )


def test_reading_under_an_agreement_that_says_so_is_a_disclosure(rules: PolicySet) -> None:
    """Case C5: consultation only, as by a processor, or also disclosure: each agreement says."""
    question = asked(subject("DBSB", posts=["hr"]))
    disclosing = replace(
        rules,
        agreements=tuple(
            replace(each, discloses=each.id == BLUE_LIGHT) for each in rules.agreements
        ),
    )

    assert Engine.compile(rules).decide(question).discloses is False
    assert Engine.compile(disclosing).decide(question).discloses is True
    engine = Engine.compile(disclosing)
    decision = engine.decide(question)
    assert engine.conclude("pay.slip", BLUE_LIGHT, decision.results) == decision


def test_nothing_is_accepted_before_the_agreement_begins(rules: PolicySet) -> None:
    policy_set = accepting(rules, ("RV", "RV"))
    begun = next(each for each in policy_set.agreements if each.id == BLUE_LIGHT)
    question = asked(vetted("RV"), "hr.search", at=begun.starts_at)
    later = replace(begun, start=date(2018, 4, 2))
    postponed = replace(
        policy_set,
        agreements=tuple(later if each is begun else each for each in policy_set.agreements),
    )

    assert decided(policy_set, question).permitted
    assert decided(postponed, question).gate is Gate.AGREEMENT


@pytest.fixture
def two(rules: PolicySet) -> PolicySet:
    """Two agreements over the same function; the second alone accepts the north's vetting."""
    first = next(each for each in rules.agreements if each.id == BLUE_LIGHT)
    accepts = (Acceptance(body=NORTH, level=LevelId("RV"), counts_as=LevelId("RV")),)
    second = replace(first, id="second", accepts=accepts)
    third = replace(first, id="third", accepts=accepts)
    return replace(rules, agreements=(*rules.agreements, second, third))


def test_every_agreement_that_covers_is_tried_in_the_order_of_the_file(two: PolicySet) -> None:
    """The first that lets in is named, though the first of the file does not."""
    question = asked(vetted("RV"), "hr.search")
    permitted = decided(two, question)
    engine = Engine.compile(two)

    assert (permitted.permitted, permitted.agreement_id) == (True, "second")
    assert engine.conclude("hr.search", "second", permitted.results) == permitted
    gate = engine.explain(question, permitted).gates[1]
    assert gate.looked_at == f"second; {BLUE_LIGHT} and third would let in no further"
    # Whoever needs nothing accepted is let in under the first, and who is not let in is told of it.
    host = decided(two, asked(subject("N2F", posts=["hr"]), "hr.search"))
    assert (host.permitted, host.agreement_id) == (True, BLUE_LIGHT)
    refused = decided(two, asked(vetted("SC"), "hr.search"))
    assert (refused.gate, refused.agreement_id) == (Gate.CLEARANCE, BLUE_LIGHT)


def test_of_agreements_that_do_not_let_in_the_one_that_got_furthest_is_told(
    two: PolicySet,
) -> None:
    """Otherwise nobody would be led to what is still to be seen to."""
    refused = decided(two, asked(replace(vetted("RV"), posts=frozenset({"cook"})), "hr.search"))

    assert (refused.gate, refused.agreement_id) == (Gate.RULE, "second")


def test_what_one_agreement_accepts_is_never_added_to_what_another_does(rules: PolicySet) -> None:
    """Half of a requirement under each is the whole under none."""
    first = next(each for each in rules.agreements if each.id == BLUE_LIGHT)
    n3, sc = (
        replace(
            first,
            id=level.lower(),
            accepts=(Acceptance(body=NORTH, level=LevelId(level), counts_as=LevelId(level)),),
        )
        for level in ("N3", "SC")
    )
    who = replace(
        vetted("N3"),
        clearance=replace(
            vetted("N3").clearance,
            grants=(
                grant("DBSB"),
                *(replace(grant(level), granting_body=NORTH, id=level) for level in ("N3", "SC")),
            ),
        ),
    )
    split = replace(
        with_function(rules, "hr.search", floor=requirement("N3 and SC")), agreements=(n3, sc)
    )
    whole = replace(split, agreements=(replace(n3, accepts=(*n3.accepts, *sc.accepts)),))

    assert decided(split, asked(who, "hr.search")).gate is Gate.CLEARANCE
    assert decided(whole, asked(who, "hr.search")).permitted


def test_agreements_side_by_side_are_decided_as_casbin_does() -> None:
    """Generated rules, three agreements at once, each accepting something else."""
    random = Random(8)
    base = generous(cheshire())
    agreements = tuple(
        replace(each, start=FIRST_DAY, end=None, accepts=ACCEPTED[place % 3 : place % 3 + 2])
        for place, each in enumerate(base.agreements)
    )
    policy_set = replace(base, agreements=agreements)
    policy_set = replace(policy_set, rules=generated_rules(policy_set, 150, random))
    engine, oracle = Engine.compile(policy_set), CasbinOracle.from_policy_set(policy_set)
    staff = [generated_subject(policy_set, random) for _ in range(60)]
    questions = [generated_question(policy_set, random.choice(staff), random) for _ in range(1500)]

    assert oracle.compare(engine.decide, questions) == ()
    named = {(d.effect, d.agreement_id) for d in map(engine.decide, questions) if d.permitted}
    assert len({str(agreement)[-1] for _, agreement in named}) == 3
