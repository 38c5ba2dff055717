"""Obligations: what several rules come to, who sees to them, and that the stricter wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.decision import Gate
from policies.engine import Engine
from policies.errors import PolicyError
from policies.obligations import (
    BIT_OF,
    LEFT_TO_ASKER,
    NO_OBLIGATIONS,
    Obligation,
    Obligations,
    PurposeAsked,
    Rate,
)
from policies.reasons import Reason
from tests.policies.people import BOTH_FACTORS, asked, rule_text, subject, with_rules

if TYPE_CHECKING:
    from pathlib import Path

MINUTE = 60_000_000
EVERYTHING = Obligations(
    step_up=True,
    purpose=PurposeAsked(codes=frozenset({"complaint", "audit"})),
    read_only=True,
    mask=frozenset({"health", "bank-details"}),
    watermark=True,
    rates=(Rate(20, 60),),
)

some_obligations = st.builds(
    Obligations,
    step_up=st.booleans(),
    purpose=st.none()
    | st.builds(
        PurposeAsked, codes=st.frozensets(st.sampled_from(("a", "b", "c"))), text=st.booleans()
    ),
    read_only=st.booleans(),
    mask=st.frozensets(st.sampled_from(("x", "y"))),
    watermark=st.booleans(),
    rates=st.lists(st.builds(Rate, st.integers(1, 3), st.integers(1, 3)), max_size=3).map(tuple),
)


def engine_of(tmp_path: Path, *obligations: str) -> Engine:
    """An engine with one rule on the payslip for each of these."""
    texts = (
        rule_text(
            'organisation_kind = ["fire"]',
            id=f"bound.{number}",
            actions='["read", "write"]',
            more=f"obligations = {each}" if each else "",
        )
        for number, each in enumerate(obligations)
    )
    return Engine.compile(with_rules(tmp_path, "".join(texts)))


def test_everything_is_said_in_short_words_that_hold_a_bit_each() -> None:
    assert EVERYTHING.words == (
        "step-up",
        "purpose:audit|complaint",
        "read-only",
        "mask:bank-details",
        "mask:health",
        "watermark",
        "rate:20/60",
    )
    assert EVERYTHING.kinds == set(Obligation)
    assert EVERYTHING.bits == sum(BIT_OF.values())
    assert (NO_OBLIGATIONS.words, NO_OBLIGATIONS.bits) == ((), 0)


def test_the_bit_of_a_kind_stays_because_entries_keep_it() -> None:
    assert {kind.value: bit for kind, bit in BIT_OF.items()} == {
        "step-up": 1,
        "purpose": 2,
        "read-only": 4,
        "mask": 8,
        "watermark": 16,
        "rate": 32,
    }


@settings(max_examples=50, deadline=None)
@given(some_obligations, some_obligations, some_obligations)
def test_joining_has_no_order_and_only_ever_adds(
    one: Obligations, other: Obligations, third: Obligations
) -> None:
    joined = one.joined(other)

    assert joined == other.joined(one)
    assert joined.joined(third) == one.joined(other.joined(third))
    assert joined.joined(one) == joined
    assert joined.bits == one.bits | other.bits
    assert joined.mask >= one.mask
    assert all(any(kept.includes(each) for kept in joined.rates) for each in one.rates)
    if one.purpose is not None and joined.purpose is not None:
        assert joined.purpose.codes <= one.purpose.codes


def test_of_two_rates_the_one_that_includes_the_other_is_kept() -> None:
    assert Obligations(rates=(Rate(5, 10), Rate(5, 60))).rates == (Rate(5, 60),)
    assert Obligations(rates=(Rate(5, 10), Rate(20, 60))).rates == (Rate(5, 10), Rate(20, 60))


def test_what_is_left_out_by_its_bits_is_gone_and_the_rest_stays() -> None:
    assert EVERYTHING.only(EVERYTHING.bits) == EVERYTHING
    for kind, bit in BIT_OF.items():
        assert EVERYTHING.only(bit).kinds == {kind}


def test_a_function_cannot_ask_for_what_needs_more_than_a_name() -> None:
    assert Obligations.of_function(("step-up", "watermark")).words == ("step-up", "watermark")
    for name in ("mask", "rate", "purpose", "fly"):
        with pytest.raises(PolicyError, match=name):
            Obligations.of_function((name,))


def test_a_permit_carries_what_it_is_bound_to_once_all_of_it_is_seen_to(tmp_path: Path) -> None:
    engine = engine_of(
        tmp_path,
        '{ step_up = true, purpose = ["audit"], purpose_text = true, mask = ["health"], '
        "watermark = true, rate = { most = 20, minutes = 60 } }",
    )

    decision = engine.decide(
        asked(
            subject("DBSB"),
            factors=BOTH_FACTORS,
            age_us=0,
            purpose="audit",
            honours=LEFT_TO_ASKER,
        )
    )

    assert decision.permitted
    assert decision.obligations.words == (
        "step-up",
        "purpose:audit",
        "mask:health",
        "watermark",
        "rate:20/60",
    )
    assert decision.obligations.purpose == PurposeAsked(codes=frozenset({"audit"}), text=True)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("{ step_up = true }", Reason.SECOND_FACTOR_NEEDED),
        ('{ purpose = ["audit"] }', Reason.PURPOSE_NEEDED),
        ('{ mask = ["health"] }', Reason.OBLIGATION_NOT_FULFILLED),
        ("{ watermark = true }", Reason.OBLIGATION_NOT_FULFILLED),
        ("{ rate = { most = 1, minutes = 1 } }", Reason.RATE_EXCEEDED),
    ],
)
def test_an_obligation_that_nobody_sees_to_refuses(
    tmp_path: Path, written: str, reason: Reason
) -> None:
    engine = engine_of(tmp_path, written)
    question = asked(subject("DBSB"))
    decision = engine.decide(question)

    assert (decision.gate, decision.reason) == (Gate.OBLIGATION, reason)
    assert decision.obligations.kinds == engine.decide(question).obligations.kinds
    assert engine.staff_reasons(question, decision)
    line = engine.explain(question, decision).gates[-1]
    assert (line.mark, line.looked_at) == ("not met", ", ".join(decision.obligations.words))


@pytest.mark.parametrize("age_us", [None, -1, 15 * MINUTE])
def test_a_second_factor_that_a_rule_asks_for_has_to_be_fresh(
    tmp_path: Path, age_us: int | None
) -> None:
    engine = engine_of(tmp_path, "{ step_up = true }")
    who = subject("DBSB")

    assert not engine.decide(asked(who, factors=BOTH_FACTORS, age_us=age_us)).permitted
    assert engine.decide(asked(who, factors=BOTH_FACTORS, age_us=15 * MINUTE - 1)).permitted


def test_read_only_refuses_changes_whatever_another_rule_permits(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, "{ read_only = true }", "")
    who = subject("DBSB")

    reading, writing = (engine.decide(asked(who, action=each)) for each in ("read", "write"))

    assert reading.permitted
    assert reading.obligations.read_only
    assert (writing.gate, writing.reason) == (Gate.OBLIGATION, Reason.READ_ONLY)
    assert engine_of(tmp_path, "").decide(asked(who, action="write")).permitted


def test_of_two_lists_of_purposes_only_what_both_have_will_do(tmp_path: Path) -> None:
    engine = engine_of(
        tmp_path, '{ purpose = ["audit", "complaint"] }', '{ purpose = ["audit", "pay-query"] }'
    )
    who = subject("DBSB")

    assert engine.decide(asked(who, purpose="audit")).permitted
    for other in ("complaint", "pay-query", None):
        decision = engine.decide(asked(who, purpose=other))
        assert decision.reason is Reason.PURPOSE_NEEDED
        assert decision.obligations.words == ("purpose:audit",)


def test_lists_of_purposes_without_a_common_one_refuse_for_good(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, '{ purpose = ["audit"] }', '{ purpose = ["pay-query"] }')

    decision = engine.decide(asked(subject("DBSB"), purpose="audit"))

    assert decision.reason is Reason.OBLIGATION_NOT_FULFILLED


def test_first_is_named_what_the_person_can_do_nothing_about(tmp_path: Path) -> None:
    engine = engine_of(
        tmp_path, '{ step_up = true, purpose = ["audit"], watermark = true, read_only = true }'
    )
    who = subject("DBSB")

    assert engine.decide(asked(who, action="write")).reason is Reason.READ_ONLY
    assert engine.decide(asked(who)).reason is Reason.OBLIGATION_NOT_FULFILLED
    marked = asked(who, honours=[Obligation.WATERMARK])
    assert engine.decide(marked).reason is Reason.SECOND_FACTOR_NEEDED


def test_an_obligation_binds_only_where_its_rule_applies(tmp_path: Path) -> None:
    text = rule_text('organisation_kind = ["fire"]') + rule_text(
        'post = ["hr"]', id="hr", more="obligations = { watermark = true }"
    )
    engine = Engine.compile(with_rules(tmp_path, text))

    assert engine.decide(asked(subject("DBSB"))).obligations == NO_OBLIGATIONS
    assert not engine.decide(asked(subject("DBSB", posts=["hr"]))).permitted


def test_results_of_the_log_lead_to_the_same_decision(tmp_path: Path) -> None:
    engine = engine_of(tmp_path, '{ purpose = ["audit"], watermark = true }')
    for purpose, honours in ((None, ()), ("audit", ()), ("audit", LEFT_TO_ASKER)):
        decision = engine.decide(asked(subject("DBSB"), purpose=purpose, honours=honours))

        again = engine.conclude("pay.slip", decision.agreement_id, decision.results)
        assert again == decision


def test_the_portal_shows_what_a_person_can_still_see_to_and_nothing_else(tmp_path: Path) -> None:
    def tiles(written: str, honours: frozenset[Obligation] = frozenset()) -> list[str | None]:
        engine = engine_of(tmp_path, written)
        at = asked(subject("DBSB")).at
        found = engine.tiles(
            subject("DBSB"), at=at, factors=frozenset({"password"}), honours=honours
        )
        return [tile.needs for tile in found]

    assert tiles('{ purpose = ["audit"] }') == ["purpose"]
    assert tiles("{ step_up = true }") == ["step-up"]
    assert tiles("{ watermark = true }") == []
    assert tiles("{ watermark = true }", LEFT_TO_ASKER) == [None]
