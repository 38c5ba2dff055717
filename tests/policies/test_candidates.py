"""Candidates: which rules concern whom, and one bit for each different criterion."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from policies.candidates import SUBJECT_BIT, Candidates, PreparedRule, key_of
from tests.policies.generated import generated_rules
from tests.policies.people import asked, cheshire, rule_text, subject, with_rules

if TYPE_CHECKING:
    from pathlib import Path


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

    candidates = Candidates.compile(rules, lambda _organisation, _at: ())

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

    candidates = Candidates.compile(rules, lambda _organisation, _at: ())

    assert len(candidates.words) == 1
    assert candidates.asks == ()
    assert candidates.reaches == ()
    met, unknown, failed = candidates.answer(asked(subject("DBSB", posts=["post-7"])), 0)
    assert met == candidates.bits['post["post-7"]']
    assert unknown == failed == 0
