"""What differs between two policy sets, and whether it could let anybody in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.acceptance import Acceptance
from policies.agreements import AgreementStatus
from policies.catalogue import Catalogue
from policies.decision import Effect
from policies.engine import Engine
from policies.obligations import FieldSet
from policies.policy_changes import changes
from tests.policies.generated import bound, generated_question, generated_subject
from tests.policies.people import cheshire, rule_text, with_function, with_rules, with_words
from vetting.levels import LevelId

if TYPE_CHECKING:
    from pathlib import Path

    from policies.agreements import Agreement
    from policies.policy_set import PolicySet
    from policies.rules import Rule


def with_agreement(**fields: Any) -> PolicySet:
    agreements = tuple(
        replace(each, **fields) if each.id == "nwas-premises" else each
        for each in cheshire().agreements
    )
    return replace(cheshire(), agreements=agreements)


def without_rule(name: str) -> PolicySet:
    return replace(cheshire(), rules=tuple(rule for rule in cheshire().rules if rule.id != name))


def told(after: PolicySet, before: PolicySet | None = None) -> list[tuple[str, str, str, bool]]:
    return [
        (each.how, each.what, each.id, each.loosens)
        for each in changes(before or cheshire(), after)
    ]


def test_a_set_does_not_differ_from_itself() -> None:
    assert changes(cheshire(), cheshire()) == ()


def test_a_permit_that_goes_tightens_and_one_that_comes_loosens() -> None:
    fewer = without_rule("fin.ledger")

    assert told(fewer) == [("gone", "rule", "fin.ledger", False)]
    assert told(cheshire(), before=fewer) == [("new", "rule", "fin.ledger", True)]


def test_a_deny_that_comes_tightens_and_one_that_goes_loosens() -> None:
    fewer = without_rule("partners.no-duties")

    assert told(fewer) == [("gone", "rule", "partners.no-duties", True)]
    assert told(cheshire(), before=fewer) == [("new", "rule", "partners.no-duties", False)]


def test_a_rule_that_reads_otherwise_may_loosen(tmp_path: Path) -> None:
    before = with_rules(tmp_path, rule_text('post = ["hr"]'))
    after = with_rules(tmp_path, rule_text('post = ["hr", "manager"]'))

    assert told(after, before) == [("changed", "rule", "tested", True)]
    assert "manager" in changes(before, after)[0].words


@pytest.mark.parametrize(
    ("fields", "loosens"),
    [
        ({"status": AgreementStatus.SUSPENDED}, False),
        ({"status": AgreementStatus.ENDED}, False),
        ({"end": date(2026, 12, 31)}, False),
        ({"dsa_expires": date(2026, 12, 31)}, False),
        ({"functions": frozenset({"est.job"})}, False),
        ({"functions": frozenset({"est.job", "ict.ticket", "pay.slip"})}, True),
        ({"start": date(2018, 3, 31)}, True),
        ({"parties": frozenset({"cheshire-police", "cheshire-fire", "nwas"})}, True),
        ({"title": "another"}, True),
    ],
)
def test_an_agreement_that_offers_less_tightens(fields: dict[str, Any], loosens: bool) -> None:
    assert told(with_agreement(**fields)) == [("changed", "agreement", "nwas-premises", loosens)]


def test_an_agreement_that_comes_back_loosens() -> None:
    suspended = with_agreement(status=AgreementStatus.SUSPENDED)

    assert told(cheshire(), before=suspended) == [("changed", "agreement", "nwas-premises", True)]


def test_an_agreement_that_ends_later_loosens() -> None:
    before = with_agreement(end=date(2026, 12, 31))

    assert told(with_agreement(end=date(2027, 1, 1)), before)[0][3]
    assert told(with_agreement(end=date(2026, 12, 30)), before)[0][3] is False


def test_an_agreement_that_a_deny_rests_on_may_loosen(tmp_path: Path) -> None:
    deny = rule_text('agreement = ["nwas-premises"]', effect="deny")
    before = with_rules(tmp_path, deny)
    after = replace(before, agreements=with_agreement(status=AgreementStatus.ENDED).agreements)

    assert told(after, before) == [("changed", "agreement", "nwas-premises", True)]


def test_a_permit_that_alone_named_a_zone_may_loosen_by_going(tmp_path: Path) -> None:
    """While a rule names a zone that the settings do not have, no request's zone is known."""
    named = with_rules(tmp_path, rule_text('zone = ["depot"]')).rules
    again = tuple(replace(rule, id="again") for rule in named)
    alone = replace(cheshire(), rules=(*cheshire().rules, *named))
    twice = replace(alone, rules=(*alone.rules, *again))

    assert told(cheshire(), alone) == [("gone", "rule", named[0].id, True)]
    assert told(alone, twice) == [("gone", "rule", "again", False)]


def test_a_rule_that_is_bound_to_more_tightens_and_to_less_may_loosen(tmp_path: Path) -> None:
    def bound(written: str) -> PolicySet:
        return with_rules(tmp_path, rule_text('post = ["hr"]', more=f"obligations = {written}"))

    one, both = bound('{ purpose = ["audit"] }'), bound('{ purpose = ["audit", "complaint"] }')
    rate = bound("{ rate = { most = 2, minutes = 60 } }")

    assert told(one, both) == [("changed", "rule", "tested", False)]
    assert told(both, one) == [("changed", "rule", "tested", True)]
    assert told(bound("{ rate = { most = 1, minutes = 60 } }"), rate)[0][3] is False
    assert told(bound("{ rate = { most = 3, minutes = 60 } }"), rate)[0][3]
    # It counted beside other permits, so that what they permit is bound to less now.
    assert told(replace(one, rules=()), one) == [("gone", "rule", "tested", True)]


def test_an_agreement_that_a_bound_permit_rests_on_may_loosen(tmp_path: Path) -> None:
    bound = "obligations = { watermark = true }"
    before = with_rules(tmp_path, rule_text('agreement = ["nwas-premises"]', more=bound))
    after = replace(before, agreements=with_agreement(status=AgreementStatus.ENDED).agreements)

    assert told(after, before) == [("changed", "agreement", "nwas-premises", True)]


def test_an_agreement_that_accepts_less_tightens_unless_another_takes_its_place(
    tmp_path: Path,
) -> None:
    accepts = (Acceptance(body="north", level=LevelId("RV"), counts_as=LevelId("RV")),)
    accepting = with_agreement(accepts=accepts)

    assert told(accepting) == [("changed", "agreement", "nwas-premises", True)]
    assert told(cheshire(), accepting) == [("changed", "agreement", "nwas-premises", False)]

    # Ended before another in the file, its partner's vetting counts as that one says.
    def beside(**fields: Any) -> PolicySet:
        first = with_agreement(**fields)
        same = next(each for each in first.agreements if each.id == "nwas-premises")
        other = replace(same, id="other", accepts=accepts, status=AgreementStatus.IN_FORCE)
        return replace(first, agreements=(*first.agreements, other))

    ended = beside(status=AgreementStatus.ENDED)
    assert told(ended, beside()) == [("changed", "agreement", "nwas-premises", True)]

    # A deny that asks for vetting bites less when less vetting counts.
    deny = with_rules(tmp_path, rule_text('clearance = "RV"', effect="deny")).rules
    before, after = (replace(each, rules=deny) for each in (accepting, cheshire()))
    assert told(after, before) == [("changed", "agreement", "nwas-premises", True)]


def test_a_set_of_fields_that_grows_tightens_and_one_that_shrinks_may_loosen() -> None:
    def masking(
        *fields: str,
        other_fields: frozenset[str] = frozenset(),
        required: frozenset[str] = frozenset(),
    ) -> PolicySet:
        bank = FieldSet(
            id="bank",
            title="Bank",
            fields=frozenset(fields),
            other_fields=other_fields,
            required=required,
        )
        catalogue = Catalogue(
            cheshire().catalogue.functions.values(),
            carriers=cheshire().catalogue.carriers,
            form_paths=cheshire().catalogue.form_paths,
            purposes=cheshire().catalogue.purposes,
            field_sets={"bank": bank},
        )
        return replace(cheshire(), catalogue=catalogue)

    assert told(masking("a")) == [("new", "field set", "bank", False)]
    assert told(masking("a", "b"), masking("a")) == [("changed", "field set", "bank", False)]
    assert told(masking("b"), masking("a")) == [("changed", "field set", "bank", True)]
    for more, loosens in (("required", False), ("other_fields", True)):
        with_more = masking("a", **{more: frozenset({"a"})})
        assert told(with_more, masking("a"))[0][3] is loosens
        assert told(masking("a"), with_more)[0][3] is not loosens


def test_a_function_with_more_obligations_tightens_and_anything_else_may_loosen() -> None:
    stricter = with_function(cheshire(), "pay.slip", obligations=("step-up",))

    assert ("changed", "function", "pay.slip", False) in told(stricter)
    assert ("changed", "function", "pay.slip", True) in told(cheshire(), before=stricter)
    assert ("changed", "function", "pay.slip", True) in told(
        with_function(cheshire(), "pay.slip", title="Payslip")
    )


def _ended(agreement: Agreement) -> Agreement:
    return replace(agreement, status=AgreementStatus.ENDED)


def _bound_to_more(rule: Rule, random: Random) -> Rule:
    more = bound((rule,), random)[0].obligations
    return replace(rule, obligations=rule.obligations.joined(more))


@cache
def before_any_change() -> Engine:
    before = with_words(cheshire())
    return Engine.compile(replace(before, rules=bound(before.rules, Random(1))))


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_only_tightens_never_permits_what_was_denied(seed: int) -> None:
    """Whatever is taken away: a question that was denied stays denied."""
    random = Random(seed)
    was = before_any_change()
    before = was.policy_set
    after = replace(
        before,
        rules=tuple(
            rule if random.random() < 0.8 else _bound_to_more(rule, random)
            for rule in before.rules
            if rule.obligations.bits or random.random() < 0.9 or rule.effect is Effect.DENY
        ),
        agreements=tuple(
            _ended(each) if random.random() < 0.3 else each for each in before.agreements
        ),
    )
    engine = Engine.compile(after)
    if any(each.loosens for each in changes(before, after)):
        return
    for _ in range(20):
        question = generated_question(before, generated_subject(before, random), random)
        if not was.decide(question).permitted:
            assert not engine.decide(question).permitted
