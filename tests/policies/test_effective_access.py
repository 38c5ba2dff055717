"""Effective access: what the grid says is what the engine does, for whoever asks."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import pytest

from policies.agreements import AgreementStatus
from policies.audiences import Audience
from policies.catalogue import Catalogue
from policies.effective_access import (
    Access,
    AccessReader,
    Cell,
    Grid,
    actions_of,
    effective_access,
    lets_in,
)
from policies.engine import Engine
from policies.obligations import LEFT_TO_ASKER
from policies.policy_set import PolicySet
from policies.question import Question
from policies.situations import Situation
from tests.policies.generated import COURSES, ZONES, generated_rules, generated_subject, generous
from tests.policies.people import (
    AMBULANCE,
    AT,
    BOTH_FACTORS,
    FIRE,
    HOST,
    cheshire,
    rule_text,
    with_rules,
)
from vetting.levels import LevelId

EVERYDAY = Situation(AT, honours=LEFT_TO_ASKER)


@cache
def shipped() -> tuple[Engine, Grid]:
    engine = Engine.compile(cheshire())
    return engine, grid_of(engine)


def grid_of(engine: Engine) -> Grid:
    policy_set = engine.policy_set
    return effective_access(
        engine,
        at=AT,
        organisations=[each.id for each in policy_set.organisations],
        functions=policy_set.catalogue.functions.values(),
        honours=LEFT_TO_ASKER,
    )


def cell(grid: Grid, function: str, organisation: str, *levels: str) -> Cell:
    places = [(each.organisation.id, each.levels) for each in grid.audiences]
    return grid.cells[function][places.index((organisation, tuple(map(LevelId, levels))))]


def fire(policy_set: PolicySet, *levels: str) -> Audience:
    organisation = next(each for each in policy_set.organisations if each.id == FIRE)
    return Audience.of(organisation, tuple(map(LevelId, levels)), policy_set)


@pytest.mark.parametrize(
    ("function", "organisation", "level", "access"),
    [
        ("pay.slip", FIRE, "DBSB", Access.OPEN),
        ("pay.bank", FIRE, "DBSB", Access.WITH_STEP),
        ("hr.search", FIRE, "DBSB", Access.NEEDS_VETTING),
        ("hr.search", FIRE, "N2F", Access.CONDITIONAL),
        ("pay.run", FIRE, "N3", Access.NO_AGREEMENT),
        ("hr.team.basic", HOST, "RV", Access.NO_RULE),
        ("est.job", AMBULANCE, "DBSB", Access.OPEN),
    ],
)
def test_the_shipped_set_says_what_its_officers_agreed(
    function: str, organisation: str, level: str, access: Access
) -> None:
    assert cell(shipped()[1], function, organisation, level).access is access


def test_a_cell_says_who_which_step_and_what_vetting_is_missing() -> None:
    _, grid = shipped()

    assert cell(grid, "hr.search", FIRE, "N2F").conditions == ("in the post hr",)
    assert cell(grid, "hr.search", FIRE, "N2F").by_post
    assert cell(grid, "pay.bank", FIRE, "DBSB").obligations.words == ("step-up",)
    assert cell(grid, "hr.search", FIRE, "DBSB").needs == ("N2F",)


def test_every_column_tells_something_that_no_other_of_the_organisation_does() -> None:
    _, grid = shipped()
    functions = cheshire().catalogue.functions
    columns = [
        (audience.organisation.id, *(
            cells[place] for name, cells in grid.cells.items()
            if functions[name].system != "gateway"
        ))
        for place, audience in enumerate(grid.audiences)
    ]  # fmt: skip

    assert len(set(columns)) == len(columns) > 4
    assert all(audience.levels for audience in grid.audiences)


def test_those_without_vetting_have_a_column_where_it_opens_something() -> None:
    policy_set = cheshire()
    functions = policy_set.catalogue.functions
    nothing = fire(policy_set).clearance.order
    floor = type(functions["pay.slip"].floor).parse("ANY", nothing)
    changed = {**functions, "pay.slip": replace(functions["pay.slip"], floor=floor)}
    catalogue = Catalogue(changed.values())
    grid = grid_of(Engine.compile(replace(policy_set, catalogue=catalogue)))

    assert cell(grid, "pay.slip", FIRE).access is Access.OPEN


def test_everything_a_permit_is_bound_to_is_told_at_once(tmp_path: Path) -> None:
    """Before a step is taken the engine names that step alone."""
    more = "obligations = { step_up = true, watermark = true, read_only = true }"
    policy_set = with_rules(
        tmp_path,
        rule_text("own_record = true", functions='["hr.absence"]', more=more)
        + rule_text(
            "own_record = true",
            functions='["hr.absence"]',
            id="too",
            actions='["write"]',
            more=more,
        ),
    )
    function = policy_set.catalogue.functions["hr.absence"]
    found = AccessReader(Engine.compile(policy_set), EVERYDAY).cell(
        fire(policy_set, "DBSB"), function
    )

    assert found.access is Access.WITH_STEP
    assert found.obligations.words == ("step-up", "read-only", "watermark")
    assert found.reading_only


def test_what_the_gate_does_not_undertake_lets_nobody_in(tmp_path: Path) -> None:
    """A set may ask for more than the gate can do, and then nothing opens."""
    more = "obligations = { watermark = true }"
    policy_set = with_rules(tmp_path, rule_text("own_record = true", more=more))
    engine, slip = Engine.compile(policy_set), policy_set.catalogue.functions["pay.slip"]
    held = fire(policy_set, "DBSB")

    assert AccessReader(engine, EVERYDAY).cell(held, slip).access is Access.WITH_STEP
    assert AccessReader(engine, Situation(AT)).cell(held, slip).access is Access.UNFULFILLED


def test_a_suspended_agreement_closes_what_it_offered() -> None:
    policy_set = cheshire()
    agreements = tuple(
        replace(each, status=AgreementStatus.SUSPENDED) if FIRE in each.serves else each
        for each in policy_set.agreements
    )
    engine = Engine.compile(replace(policy_set, agreements=agreements))
    slip = policy_set.catalogue.functions["pay.slip"]

    assert (
        AccessReader(engine, EVERYDAY).cell(fire(policy_set, "N3"), slip).access
        is Access.NO_AGREEMENT
    )


def test_who_may_read_and_not_change_is_said_to_read_only(tmp_path: Path) -> None:
    policy_set = with_rules(tmp_path, rule_text("own_record = true", functions='["hr.absence"]'))
    function = policy_set.catalogue.functions["hr.absence"]
    found = AccessReader(Engine.compile(policy_set), EVERYDAY).cell(
        fire(policy_set, "DBSB"), function
    )

    assert actions_of(function) == ("read", "write")
    assert (found.access, found.reading_only) == (Access.OPEN, True)


def test_hours_are_a_condition_and_not_a_refusal_at_night(tmp_path: Path) -> None:
    hours = 'hours = { days = ["mon"], from = "09:00", until = "17:00" }'
    policy_set = with_rules(tmp_path, rule_text(hours, functions='["pay.slip"]'))
    slip = policy_set.catalogue.functions["pay.slip"]
    found = AccessReader(Engine.compile(policy_set), EVERYDAY).cell(fire(policy_set, "DBSB"), slip)

    assert found.access is Access.CONDITIONAL
    assert "from 09:00 until 17:00" in found.conditions[0]
    assert not found.by_post


def test_audiences_that_a_rule_tells_apart_are_asked_apart(tmp_path: Path) -> None:
    """One reader for all of them, as the grid has it."""
    policy_set = with_rules(tmp_path, rule_text('post = ["hr"], clearance = "N2F"'))
    slip = policy_set.catalogue.functions["pay.slip"]
    reader = AccessReader(Engine.compile(policy_set), EVERYDAY)

    found = [reader.cell(fire(policy_set, level), slip).access for level in ("DBSB", "N2F", "DBSS")]

    assert found == [Access.NO_RULE, Access.CONDITIONAL, Access.NO_RULE]


def test_one_forbidden_post_does_not_hide_another_that_is_permitted(tmp_path: Path) -> None:
    text = rule_text('post = ["auditor", "clerk"]') + rule_text(
        'post = ["auditor"]', id="never", effect="deny"
    )
    policy_set = with_rules(tmp_path, text)
    slip = policy_set.catalogue.functions["pay.slip"]

    found = AccessReader(Engine.compile(policy_set), EVERYDAY).cell(fire(policy_set, "DBSB"), slip)

    assert found.access is Access.CONDITIONAL


def test_nobody_gets_in_where_the_grid_says_nobody_does() -> None:
    """Whoever asks with every advantage, over generated rules of every kind."""
    random = Random(7)
    policy_set = generous(cheshire())
    functions = tuple(policy_set.catalogue.functions.values())[:12]
    chosen = {each.id for each in functions}
    rules = generated_rules(policy_set, 500, random)
    policy_set = replace(
        policy_set, rules=tuple(each for each in rules if not chosen.isdisjoint(each.functions))
    )
    engine = Engine.compile(policy_set)
    grid = effective_access(
        engine, at=AT, organisations=[HOST, FIRE], functions=functions, honours=LEFT_TO_ASKER
    )
    seen: set[Access] = set()
    for place, audience in enumerate(grid.audiences):
        for function in functions:
            said = grid.cells[function.id][place]
            seen.add(said.access)
            if said.access in {Access.OPEN, Access.WITH_STEP}:
                plain = [
                    engine.decide(EVERYDAY.question(audience, function, action))
                    for action in actions_of(function)
                ]
                assert any(map(lets_in, plain)), (function.id, audience.title)
            if said.access.granted:
                continue
            for _ in range(12):
                who = replace(
                    generated_subject(policy_set, random),
                    organisation=audience.organisation.id,
                    organisation_kind=audience.organisation.kind,
                    clearance=audience.clearance,
                    trainings=frozenset(COURSES),
                )
                for action in actions_of(function):
                    question = Question(
                        subject=who,
                        function=function,
                        action=action,
                        at=AT,
                        factors=BOTH_FACTORS,
                        zone=random.choice(ZONES),
                        second_factor_age_us=0,
                    )
                    assert not lets_in(engine.decide(question)), (function.id, audience.title)

    assert Access.CONDITIONAL in seen
    assert seen & {Access.NO_RULE, Access.NEEDS_VETTING}
