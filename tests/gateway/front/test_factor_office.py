"""Officers act for their own organisation, two together, on the record."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.identity.factors.factor_reset import ResetRefused
from gateway.identity.factors.factors import FactorRefused
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.identity.sessions.live_session import LiveSession
from tests.gateway.front.factor_stand import FactorStand, visit_at
from tests.gateway.identity.parts import AT, FIRE, Parts


@pytest.fixture
def stand(parts: Parts) -> FactorStand:
    return FactorStand(parts)


def officer(stand: FactorStand, name: str, number: str, organisation: str = FIRE) -> LiveSession:
    live = stand.parts.cache.load(
        stand.parts.sign_in(name, number, organisation=organisation)[0], at=AT
    )
    assert live is not None
    return live


def refused(call: object, *given: object) -> str:
    with pytest.raises(ResetRefused) as caught:
        call(*given, visit=visit_at())  # type: ignore[operator]
    return caught.value.code


def test_two_officers_reset_and_the_person_is_signed_out(stand: FactorStand) -> None:
    holder = stand.holder()
    _, _, token = stand.enrol(holder)
    first, second = officer(stand, "one", "40101"), officer(stand, "two", "40102")
    ((found, standing),) = stand.office.find(first, "alice")
    assert len(standing.factors) == 1
    stand.office.propose(first, found.staff_id, visit=visit_at())
    (waiting,) = stand.office.waiting(second, at=AT)

    assert refused(stand.office.approve, first, waiting.id) == "reset-same-officer"
    assert stand.desk.standing(holder).factors
    stand.office.approve(second, waiting.id, visit=visit_at())
    assert stand.desk.standing(holder).factors == ()
    assert stand.parts.sessions.find(token, at=AT) is None
    assert stand.noted.codes[1:] == [
        "permit factor-reset-proposed",
        "deny reset-same-officer",
        "permit factor-reset-approved",
    ]
    assert {draft.subject for draft in stand.noted.drafts[1:]} == {"cheshire-fire/40011"}
    assert [draft.actor_name.partition("@")[0] for draft in stand.noted.drafts[1:]] == [
        "one", "one", "two",
    ]  # fmt: skip
    assert len(stand.office.notices(first, at=AT)) == 3


def test_another_organisation_is_out_of_reach(stand: FactorStand) -> None:
    holder = stand.holder()
    stand.enrol(holder)
    ours, other = officer(stand, "one", "40101"), officer(stand, "nurse", "70150", "nwas")
    stand.office.propose(ours, holder.staff.staff_id, visit=visit_at())
    (waiting,) = stand.office.waiting(ours, at=AT)

    assert stand.office.find(other, "alice") == ()
    assert stand.office.waiting(other, at=AT) == ()
    assert stand.office.notices(other, at=AT) == ()
    assert refused(stand.office.propose, other, holder.staff.staff_id) == "reset-unknown"
    assert refused(stand.office.approve, other, waiting.id) == "reset-unknown"
    assert refused(stand.office.drop, other, waiting.id) == "reset-unknown"
    assert stand.desk.standing(holder).factors


def test_nobody_proposes_their_own_and_anybody_may_drop(stand: FactorStand) -> None:
    holder = stand.holder()
    stand.enrol(holder)
    first, second = officer(stand, "one", "40101"), officer(stand, "two", "40102")

    assert refused(stand.office.propose, first, first.staff.staff_id) == "reset-own"
    stand.office.propose(first, holder.staff.staff_id, visit=visit_at())
    (waiting,) = stand.office.waiting(first, at=AT)
    stand.office.drop(second, waiting.id, visit=visit_at())
    assert stand.office.waiting(first, at=AT) == ()


def test_no_session_outlives_the_factors_to_enrol_another(stand: FactorStand) -> None:
    """Whoever is in that session is whom the reset may be against."""
    holder = stand.holder()
    _, _, token = stand.enrol(holder)
    strong = stand.holder(token=token)
    first, second = officer(stand, "one", "40101"), officer(stand, "two", "40102")
    stand.office.propose(first, strong.staff.staff_id, visit=visit_at())
    (waiting,) = stand.office.waiting(second, at=AT)
    secret, _ = stand.desk.begin_app(strong, at=AT)
    approve = stand.office._resets.approve

    def and_enrol(*given: Any, **named: Any) -> Any:
        done = approve(*given, **named)
        with pytest.raises(FactorRefused, match="too-late"):
            stand.desk.add_app(
                strong,
                name="",
                code=totp_code(secret, totp_step(AT)),
                visit=visit_at(),
                replaces=None,
            )
        return done

    stand.office._resets.approve = and_enrol  # type: ignore[method-assign]
    stand.office.approve(second, waiting.id, visit=visit_at())

    assert stand.desk.standing(holder).factors == ()
