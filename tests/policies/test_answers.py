"""Answers: packed so that those of all attributes are joined, and rules are put out by them."""

from __future__ import annotations

from policies.answers import (
    AgeAnswers,
    FloorAnswers,
    Layout,
    Meanings,
    ReachAnswers,
    WordAnswers,
)
from policies.criteria import Attribute, OneOf, Reaches, ShownWithin
from policies.decision import Effect, Gate
from policies.obligations import NO_OBLIGATIONS, Obligations
from policies.reasons import Reason
from tests.policies.people import cheshire
from vetting.requirement import Requirement

PERMIT_RULE, DENY_RULE = 1, 2
HR, CUSTODY = 2, 4


def layout() -> Layout:
    """A permit rule and a deny rule, each with the same two criteria."""
    made = Layout(2, 3)
    made.name(PERMIT_RULE, Effect.PERMIT, (HR, CUSTODY))
    made.name(DENY_RULE, Effect.DENY, (HR, CUSTODY))
    return made


def test_what_is_not_met_puts_out_permits_and_what_is_neither_puts_out_denies() -> None:
    pack = layout().pack

    assert pack((HR, CUSTODY), HR | CUSTODY, 0) == (HR | CUSTODY) << 2
    assert pack((HR,), 0, HR) == HR << 5 | PERMIT_RULE
    assert pack((HR,), 0, 0) == PERMIT_RULE | DENY_RULE
    assert pack((), 0, 0) == 0
    assert layout().cuts() == (PERMIT_RULE | DENY_RULE, 2, 0b111, 5)


def test_words_held_are_met_and_none_held_is_unknown_unless_that_is_known() -> None:
    words = WordAnswers(
        layout(),
        {
            HR: OneOf(Attribute.POSTS, frozenset({"hr", "manager"}), empty_is_known=False),
            CUSTODY: OneOf(Attribute.POSTS, frozenset({"manager"}), empty_is_known=True),
        },
    )

    assert words[frozenset({"manager"})] == (HR | CUSTODY) << 2
    assert words["hr"] == HR << 2 | PERMIT_RULE | DENY_RULE
    assert words[frozenset()] == HR << 5 | PERMIT_RULE | DENY_RULE
    assert words[""] == words[frozenset()]


def test_levels_reached_are_met() -> None:
    order = cheshire().levels
    reaches = ReachAnswers(layout(), {HR: Reaches(Requirement.parse("RV", order))})

    assert reaches[order.reach("RV")] == HR << 2
    assert reaches[0] == PERMIT_RULE | DENY_RULE


def test_what_applying_rules_mean_is_told_in_the_order_of_the_rules() -> None:
    bound = {0b001: Obligations(step_up=True), 0b100: Obligations(watermark=True)}
    meanings = Meanings(("first", "second", "third"), 0b010, bound, Obligations(read_only=True))

    both = meanings[0b010]
    assert (both.reason, both.rules) == (Reason.RULE_PERMITS, ("first", "third"))
    assert both.owed.words == ("step-up", "read-only", "watermark")
    assert both.steps_up
    assert both.owes == both.binds == both.owed.bits
    assert both.ending[:3] == (Effect.PERMIT, Gate.PERMITTED, Reason.RULE_PERMITS)
    assert meanings[0b010] is both
    assert not meanings[0b011].steps_up
    denied = meanings[0]
    assert denied.ending[:3] == (Effect.DENY, Gate.RULE, Reason.RULE_DENIES)
    assert (denied.binds, denied.ending.obligations) == (0, NO_OBLIGATIONS)
    assert (denied.reason, denied.rules) == (Reason.RULE_DENIES, ("second",))
    none = meanings[0b111]
    assert (none.reason, none.rules) == (Reason.NO_RULE_PERMITS, ())
    assert none.owed.words == ("read-only",)


def test_floors_are_asked_by_reach() -> None:
    def ask(reach: int) -> Reason:
        return Reason.CLEARANCE_REACHED if reach == 5 else Reason.CLEARANCE_TOO_LOW

    answers = FloorAnswers(ask)

    for reach in (5, 4, 1, 0):
        assert answers[reach] == answers[reach] == ask(reach)


def test_an_age_meets_every_limit_above_it_and_an_unknown_one_none() -> None:
    ages = AgeAnswers(layout(), {HR: ShownWithin(60), CUSTODY: ShownWithin(5)})

    assert ages[0] == ages[4] == (HR | CUSTODY) << 2
    assert ages[5] == ages[59] == HR << 2 | PERMIT_RULE | DENY_RULE
    assert ages[60] == PERMIT_RULE | DENY_RULE
    assert ages[None] == ages[-1] == (HR | CUSTODY) << 5 | PERMIT_RULE
