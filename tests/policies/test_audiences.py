"""The kinds of people that a policy set tells apart."""

from __future__ import annotations

from functools import cache

import pytest

from policies.audiences import Audience, asked_for, audiences_of
from policies.engine import Engine
from tests.policies.people import AMBULANCE, AT, FIRE, HOST, cheshire
from vetting.levels import LevelId


@cache
def engine() -> Engine:
    return Engine.compile(cheshire())


def audiences(organisation: str) -> tuple[Audience, ...]:
    policy_set = cheshire()
    found = next(each for each in policy_set.organisations if each.id == organisation)
    return audiences_of(found, policy_set, asked_for(engine()))


def test_all_that_floors_and_rules_ask_for_is_held_by_somebody() -> None:
    """An audience that is missing is access that nobody sees."""
    everybody = [
        each.clearance.reach(at=AT)
        for organisation in (HOST, FIRE, AMBULANCE)
        for each in audiences(organisation)
    ]
    for function in cheshire().catalogue.functions.values():
        for floor in (function.floor, *function.floor_by_owner.values()):
            assert any(floor.met_by(reach) for reach in everybody), function.id


@pytest.mark.parametrize(("organisation", "never"), [(HOST, "nppv"), (FIRE, "force")])
def test_staff_hold_the_scheme_of_their_organisation(organisation: str, never: str) -> None:
    order = cheshire().levels
    held = {level for each in audiences(organisation) for level in each.levels}

    assert held
    assert never not in {order.level(level).scheme for level in held}


def test_those_who_hold_least_come_first() -> None:
    found = audiences(FIRE)
    sizes = [each.clearance.reach(at=AT).bit_count() for each in found]

    assert found[0].levels == ()
    assert found[0].title == "No vetting"
    assert sizes == sorted(sizes)


def test_national_vetting_is_named_last_and_nothing_that_another_level_brings_along() -> None:
    assert "Management Vetting and Security Check" in {each.title for each in audiences(HOST)}


def test_an_audience_reaches_what_a_person_with_the_same_grants_would() -> None:
    policy_set = cheshire()
    fire = next(each for each in policy_set.organisations if each.id == FIRE)
    held = Audience.of(fire, (LevelId("DBSB"), LevelId("N2F")), policy_set)

    assert held.clearance.satisfies("N2F and BASE", at=AT)
    assert not held.clearance.satisfies("N3", at=AT)
