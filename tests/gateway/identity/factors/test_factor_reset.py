"""Resetting factors takes two different people, neither of them the person."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from gateway.identity.factors.factor_notices import NoticeCode, notices
from gateway.identity.factors.factor_reset import FactorResets, Officer, Reset, ResetRefused
from gateway.identity.staff import Staff
from tests.gateway.identity.factor_bench import FactorBench
from tests.gateway.identity.parts import AT, FIRE, Parts, later

FIRST, SECOND = (Officer(id=f"{FIRE}/id-{name}", name=name) for name in ("one", "two"))


def nobody(_: Connection, __: str) -> None:
    """End no sessions: what is ended is tested where it is said."""


@pytest.fixture
def bench(parts: Parts) -> FactorBench:
    return FactorBench(parts=parts)


@pytest.fixture
def alice(bench: FactorBench) -> Staff:
    staff, here = bench.staff()
    bench.with_app(staff, here)
    return staff


@pytest.fixture
def proposal(parts: Parts, alice: Staff) -> Reset:
    return FactorResets(parts.store).propose(alice.staff_id, by=FIRST, at=AT)


def refused(call: object, *given: object, **named: object) -> str:
    with pytest.raises(ResetRefused) as caught:
        call(*given, **named)  # type: ignore[operator]
    return caught.value.code


def test_two_officers_reset_everything(bench: FactorBench, alice: Staff, proposal: Reset) -> None:
    resets = FactorResets(bench.parts.store)
    assert [each.id for each in resets.waiting(at=AT, organisation=FIRE)] == [proposal.id]
    assert resets.waiting(at=AT, organisation="nwas") == ()
    done, removed = resets.approve(proposal.id, by=SECOND, at=AT, end=nobody)

    assert (done.person, removed) == (f"{FIRE}/40011", 1)
    assert bench.factors.standing(alice.staff_id).factors == ()
    assert resets.waiting(at=AT) == ()
    told = [each.code for each in notices(bench.parts.store, at=AT, staff_id=alice.staff_id)]
    assert told == [NoticeCode.RESET, NoticeCode.RESET_PROPOSED]


def test_nobody_approves_alone_or_about_themselves(
    bench: FactorBench, alice: Staff, proposal: Reset
) -> None:
    resets = FactorResets(bench.parts.store)
    own = Officer(id=alice.staff_id, name="alice")

    assert refused(resets.approve, proposal.id, by=FIRST, at=AT, end=nobody) == "reset-same-officer"
    assert refused(resets.approve, proposal.id, by=own, at=AT, end=nobody) == "reset-own"
    assert refused(resets.propose, alice.staff_id, by=own, at=AT) == "reset-own"
    assert len(bench.factors.standing(alice.staff_id).factors) == 1


def test_one_operator_is_one_person_however_they_are_spelt(alice: Staff, parts: Parts) -> None:
    resets = FactorResets(parts.store)
    made = resets.propose(alice.staff_id, by=Officer.operator("Helen  Marsh"), at=AT)

    again = Officer.operator(" helen marsh ")
    assert refused(resets.approve, made.id, by=again, at=AT, end=nobody) == "reset-same-officer"


def test_a_proposal_is_one_and_is_used_once(parts: Parts, alice: Staff, proposal: Reset) -> None:
    resets = FactorResets(parts.store)

    assert refused(resets.propose, alice.staff_id, by=SECOND, at=AT) == "reset-waiting"
    resets.approve(proposal.id, by=SECOND, at=AT, end=nobody)
    assert refused(resets.approve, proposal.id, by=SECOND, at=AT, end=nobody) == "reset-unknown"
    assert refused(resets.find, "nothing", at=AT) == "reset-unknown"


def test_a_proposal_lapses_after_a_day(parts: Parts, alice: Staff, proposal: Reset) -> None:
    resets, over = FactorResets(parts.store), later(days=1)

    assert refused(resets.approve, proposal.id, by=SECOND, at=over, end=nobody) == "reset-unknown"
    assert resets.propose(alice.staff_id, by=SECOND, at=over).proposed_by == SECOND.id


def test_a_dropped_proposal_resets_nothing(
    bench: FactorBench, alice: Staff, proposal: Reset
) -> None:
    resets = FactorResets(bench.parts.store)
    resets.drop(proposal.id, by=FIRST, at=AT)

    assert refused(resets.approve, proposal.id, by=SECOND, at=AT, end=nobody) == "reset-unknown"
    assert refused(resets.drop, proposal.id, by=SECOND, at=AT) == "reset-unknown"
    assert len(bench.factors.standing(alice.staff_id).factors) == 1
