"""Whom a rule means, and in what circumstances."""

from __future__ import annotations

from pathlib import Path

import pytest

from policies.audiences import Audience
from policies.engine import Engine
from policies.situations import Situation, conditions_of, situations
from tests.policies.people import AT, rule_text, with_rules
from vetting.levels import LevelId


def meant(tmp_path: Path, when: str) -> list[Situation]:
    policy_set = with_rules(tmp_path, rule_text(when))
    audience = Audience.of(policy_set.host, (LevelId("RV"),), policy_set)
    slip = policy_set.catalogue.functions["pay.slip"]
    found = situations(Engine.compile(policy_set), audience, slip, "read", Situation(AT))
    return [situation for _, situation in found]


def test_each_post_of_each_unit_is_meant_apart(tmp_path: Path) -> None:
    found = meant(tmp_path, 'post = ["hr", "clerk"], unit = ["A", "B"]')

    assert {(*each.posts, each.unit) for each in found} == {
        ("hr", "A"), ("hr", "B"), ("clerk", "A"), ("clerk", "B"),
    }  # fmt: skip


def test_whoever_is_not_asked_for_a_post_has_one_that_no_rule_names(tmp_path: Path) -> None:
    (found,) = meant(tmp_path, 'training = ["driving", "first-aid"], own_team = true')

    assert found.posts == Situation(AT).posts
    assert found.posts
    assert found.trainings == {"driving", "first-aid"}
    assert found.team


@pytest.mark.parametrize(
    ("when", "moved"),
    [
        ('hours = { days = ["sat"], from = "09:00", until = "17:00" }', False),
        ('hours = { days = ["mon"], from = "09:00", until = "17:00" }', True),
    ],
)
def test_hours_are_asked_within(tmp_path: Path, when: str, *, moved: bool) -> None:
    """It is a Saturday, at noon."""
    (found,) = meant(tmp_path, when)

    assert (found.at != AT) is moved
    assert found.at.strftime("%a %H:%M") == ("Mon 09:00" if moved else "Sat 12:00")


def test_a_rule_says_what_it_asks_of_people_and_not_whose_they_are(tmp_path: Path) -> None:
    when = 'organisation_kind = ["police"], post = ["hr"], clearance = "N2F", own_record = true'
    policy_set = with_rules(tmp_path, rule_text(when))
    compiled = Engine.compile(policy_set).functions["pay.slip"]
    (prepared,) = compiled.rules["read"]

    assert conditions_of(prepared) == (("post", "in the post hr"),)
