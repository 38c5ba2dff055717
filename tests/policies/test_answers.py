"""Answers: packed so that those of all attributes are joined, and rules are put out by them."""

from __future__ import annotations

from policies.answers import AgeAnswers, Layout, ReachAnswers, RuleIds, WordAnswers
from policies.criteria import Attribute, OneOf, Reaches, ShownWithin
from policies.decision import Effect
from tests.policies.people import cheshire
from vetting.requirement import Requirement

PERMIT_RULE, DENY_RULE = 1, 2
HR, CUSTODY = 2, 4


def layout() -> Layout:
    """A permit rule and a deny rule, each with the same two criteria."""
    made = Layout(3)
    made.name(PERMIT_RULE, Effect.PERMIT, (HR, CUSTODY))
    made.name(DENY_RULE, Effect.DENY, (HR, CUSTODY))
    return made


def test_what_is_not_met_puts_out_permits_and_what_is_neither_puts_out_denies() -> None:
    pack = layout().pack

    assert pack((HR, CUSTODY), HR | CUSTODY, 0) == HR | CUSTODY
    assert pack((HR,), 0, HR) == HR << 3 | PERMIT_RULE << 6
    assert pack((HR,), 0, 0) == (PERMIT_RULE | DENY_RULE) << 6
    assert pack((), 0, 0) == 0


def test_words_held_are_met_and_none_held_is_unknown_unless_that_is_known() -> None:
    words = WordAnswers(
        layout(),
        {
            HR: OneOf(Attribute.POSTS, frozenset({"hr", "manager"}), empty_is_known=False),
            CUSTODY: OneOf(Attribute.POSTS, frozenset({"manager"}), empty_is_known=True),
        },
    )

    assert words[frozenset({"manager"})] == HR | CUSTODY
    assert words["hr"] == HR | (PERMIT_RULE | DENY_RULE) << 6
    assert words[frozenset()] == HR << 3 | (PERMIT_RULE | DENY_RULE) << 6
    assert words[""] == words[frozenset()]


def test_levels_reached_are_met() -> None:
    order = cheshire().levels
    reaches = ReachAnswers(layout(), {HR: Reaches(Requirement.parse("RV", order))})

    assert reaches[order.reach("RV")] == HR
    assert reaches[0] == (PERMIT_RULE | DENY_RULE) << 6


def test_ids_are_given_in_the_order_of_the_rules() -> None:
    ids = RuleIds(("first", "second", "third"))

    assert ids[0b101] == ids[0b101] == ("first", "third")
    assert ids[0] == ()


def test_an_age_meets_every_limit_above_it_and_an_unknown_one_none() -> None:
    ages = AgeAnswers(layout(), {HR: ShownWithin(60), CUSTODY: ShownWithin(5)})

    assert ages[0] == ages[4] == HR | CUSTODY
    assert ages[5] == ages[59] == HR | (PERMIT_RULE | DENY_RULE) << 6
    assert ages[60] == (PERMIT_RULE | DENY_RULE) << 6
    assert ages[None] == ages[-1] == (HR | CUSTODY) << 3 | PERMIT_RULE << 6
