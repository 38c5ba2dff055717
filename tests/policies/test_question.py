"""Questions: what they hold, and whom they name."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from policies.engine import Engine
from policies.question import Question
from tests.policies.people import AT, BOTH_FACTORS, FIRE, HOST, asked, cheshire, subject


def test_an_instant_without_a_time_zone_is_refused() -> None:
    """It would be read as two different moments."""
    function = cheshire().catalogue.functions["pay.slip"]

    with pytest.raises(ValueError, match="no time zone"):
        Question(
            subject=subject("DBSB"),
            function=function,
            action="read",
            at=datetime(2026, 1, 1),  # noqa: DTZ001 - what is tested
        )


def test_who_is_alike_shares_traits_and_who_cannot_be_read_has_their_own() -> None:
    one, other = subject("DBSB", posts=["hr"]), subject("N2F", posts=["hr"])
    unreadable: dict[str, Any] = {"posts": ["hr"]}

    assert one.traits is other.traits
    assert one.traits is not subject("DBSB", posts=["hr"], unit="custody").traits
    assert replace(one, **unreadable).traits is not replace(one, **unreadable).traits
    decide = Engine.compile(cheshire()).decide
    assert decide(asked(other, "hr.search")).permitted
    assert not decide(asked(replace(other, **unreadable), "hr.search")).permitted


@pytest.mark.parametrize(
    ("person", "owner", "another"),
    [
        (None, None, False),
        ("40011", FIRE, False),
        ("40012", FIRE, True),
        ("40011", HOST, True),  # the same number with another employer is another person
        ("40011", None, True),  # an employer that cannot be told may be another one
    ],
)
def test_a_person_is_the_subject_only_with_the_same_number_and_employer(
    person: str | None, owner: str | None, *, another: bool
) -> None:
    question = asked(subject("DBSB"), person=person, owner=owner)

    assert question.names_another is another
    assert question.at == AT


def test_a_question_turned_to_another_function_is_the_question_about_it() -> None:
    about = asked(subject("DBSB"), "pay.bank", factors=BOTH_FACTORS, age_us=0)
    turned = asked(subject("DBSB"), "pay.slip", age_us=0)

    assert turned.turned_to(about.function, BOTH_FACTORS) is turned
    assert turned == about
