"""Criterion `factor_age_minutes`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from policies.criteria import CriterionError, Result
from policies.criteria.factor_age import FactorShownWithin
from policies.engine import Engine
from tests.policies.people import BOTH_FACTORS, asked, cheshire, rule_text, subject, with_rules

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("age_us", "expected"),
    [
        (0, Result.MET),
        (15 * MINUTE - 1, Result.MET),
        (15 * MINUTE, Result.NOT_MET),
        (None, Result.UNKNOWN),
        (-1, Result.UNKNOWN),  # shown in the future: the clock was put back
    ],
)
def test_the_second_factor_must_have_been_shown_lately(
    age_us: int | None, expected: Result
) -> None:
    criterion = FactorShownWithin(15)

    assert criterion.result(asked(subject(), age_us=age_us)) is expected


@pytest.mark.parametrize("age_us", [0, 1, 15 * MINUTE - 1, 15 * MINUTE, 16 * MINUTE])
def test_it_counts_as_the_catalogue_counts_step_up_minutes(age_us: int) -> None:
    function = replace(
        cheshire().catalogue.functions["pay.bank"], obligations=("step-up",), step_up_minutes=15
    )
    fresh = "second-factor" in function.fresh_factors(BOTH_FACTORS, -age_us, 0)

    answered = FactorShownWithin(15).result(asked(subject(), age_us=age_us))
    assert (answered is Result.MET) is fresh


def test_several_limits_of_one_function_are_each_kept(tmp_path: Path) -> None:
    """Compiled together, the ages of all rules share one table."""
    text = rule_text("factor_age_minutes = 5", id="five", actions='["read"]')
    text += rule_text("factor_age_minutes = 15, own_record = true", id="fifteen")
    text += rule_text("factor_age_minutes = 60, unit = ['custody']", id="sixty")
    engine = Engine.compile(with_rules(tmp_path, text))
    decided = {
        age: engine.decide(asked(subject("DBSB"), age_us=age * MINUTE)).rule_ids
        for age in (0, 5, 14, 15, 59)
    }

    assert decided == {0: ("five", "fifteen"), 5: ("fifteen",), 14: ("fifteen",), 15: (), 59: ()}


@pytest.mark.parametrize("value", [True, 0, -1, 481, 1.5, "15", [15]])
def test_what_is_not_a_number_of_minutes_is_refused(value: object) -> None:
    with pytest.raises(CriterionError, match="number of minutes"):
        FactorShownWithin.from_value(value, cheshire().terms)


def test_it_shows_how_long_ago() -> None:
    criterion = FactorShownWithin(15)

    assert criterion.shown(asked(subject(), age_us=3 * MINUTE)) == "shown 3 minutes ago"
    assert criterion.shown(asked(subject())) == "not known"
