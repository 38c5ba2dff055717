"""The desk of second factors: recorded, in the right order, and by nobody who may not."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from gateway.errors import RecordUnavailable, SecondFactorOwed
from gateway.identity.factors.factor_notices import NoticeCode
from gateway.identity.factors.factors import FactorRefused
from gateway.identity.factors.kept_forms import KEPT, KeptForm
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.identity.sessions.session_ending import Whose
from gateway.identity.signing_in.factor_holder import Holder
from gateway.identity.signing_in.stages import Stage
from gateway.store import schema
from gateway.store.engine import reading
from tests.doubles.soft_key import SoftKey
from tests.gateway.front.factor_stand import FactorStand, visit_at
from tests.gateway.identity.factor_bench import ORIGIN
from tests.gateway.identity.parts import AT, Parts, later
from tests.gateway.identity.signing_in.test_stages import VOUCHED


@pytest.fixture
def stand(parts: Parts) -> FactorStand:
    return FactorStand(parts)


def refused(call: object, *given: object, **named: object) -> str:
    with pytest.raises(FactorRefused) as caught:
        call(*given, **named)  # type: ignore[operator]
    return caught.value.code


def test_a_first_factor_is_added_recorded_told_and_makes_the_session_stronger(
    stand: FactorStand,
) -> None:
    holder = stand.holder()
    _, codes, token = stand.enrol(holder)

    assert len(codes) == 10
    assert stand.noted.codes == ["permit factor-added"]
    assert stand.noted.drafts[0].actor_name == "alice@cheshire-fire"
    (notice,) = stand.desk.notices(holder, at=AT, within=KEPT)
    assert (notice.code, notice.detail) == (NoticeCode.ADDED, "Phone")
    stronger = stand.holder(token=token)
    assert stronger.live is not None
    assert "second-factor" in stronger.live.session.factors
    assert stand.parts.sessions.find(token, at=AT) is not None
    assert stronger.binding != holder.binding


def test_a_first_factor_needs_a_fresh_sign_in(stand: FactorStand) -> None:
    """A session somebody left open is not enough to enrol a factor for good."""
    holder = stand.holder()
    assert stand.desk.missing(holder, at=later(minutes=9.9)) == ""
    assert stand.desk.missing(holder, at=later(minutes=10)) == "sign-in"
    asked = {"name": "", "code": "1", "visit": visit_at(later(minutes=10)), "replaces": None}

    assert refused(stand.desk.add_app, holder, **asked) == "sign-in-first"
    assert stand.noted.codes == []


def test_every_further_change_needs_the_factor(stand: FactorStand) -> None:
    """In a session that has not shown it nothing is added, removed or renewed."""
    stand.enrol(stand.holder())
    weak = stand.holder()
    (factor,) = stand.desk.standing(weak).factors
    visit = visit_at()

    assert stand.desk.missing(weak, at=AT) == "second-factor"
    assert refused(stand.desk.new_codes, weak, visit=visit) == "second-factor-first"
    assert refused(stand.desk.remove, weak, factor.id, visit=visit) == "second-factor-first"
    asked = {"name": "", "answer": "{}", "visit": visit, "replaces": None}
    assert refused(stand.desk.add_key, weak, **asked) == "second-factor-first"
    assert stand.desk.standing(weak).factors == (factor,)


def test_of_two_first_factors_at_once_one_is_added(stand: FactorStand) -> None:
    """The second one's would be a further factor, that nobody has shown a factor for."""
    holders = [stand.holder(), stand.holder()]  # two sessions of one person, both fresh
    both_looked = threading.Barrier(2)
    missing = stand.desk.missing

    def missing_and_wait(holder: Holder, *, at: datetime) -> str:
        said = missing(holder, at=at)
        both_looked.wait(10)
        return said

    stand.desk.missing = missing_and_wait  # type: ignore[method-assign]

    def enrol(holder: Holder) -> str:
        try:
            stand.enrol(holder)
        except FactorRefused as error:
            return error.code
        return "added"

    with ThreadPoolExecutor(2) as threads:
        came = sorted(threads.map(enrol, holders))

    assert came == ["added", "second-factor-first"]
    assert len(stand.desk.standing(holders[0]).factors) == 1


@pytest.mark.parametrize("of_stage", [False, True], ids=["session", "sign-in"])
def test_what_was_ended_meanwhile_enrols_nothing(stand: FactorStand, *, of_stage: bool) -> None:
    """Such as the session of whoever had their factors reset a moment ago."""
    holder = staged(stand) if of_stage else stand.holder()
    secret, _ = stand.desk.begin_app(holder, at=AT)
    stand.parts.sessions.end_all(Whose(staff_id=holder.staff.staff_id), at=AT, reason="test")
    code = totp_code(secret, totp_step(AT))
    asked: dict[str, Any] = {"name": "", "code": code, "visit": visit_at(), "replaces": None}

    assert refused(stand.desk.add_app, holder, **asked) == "too-late"
    assert stand.desk.standing(holder).factors == ()


def test_a_sign_in_that_was_ended_while_its_code_was_judged_opens_no_session(
    stand: FactorStand,
) -> None:
    """Such as by the provider, or by an officer."""
    _, codes, _ = stand.enrol(stand.holder())
    holder = staged(stand)
    find = stand.stages.find

    def find_and_end(stage_hash: str, *, at: datetime) -> Stage | None:
        found = find(stage_hash, at=at)
        stand.parts.sessions.end_all(Whose(staff_id=holder.staff.staff_id), at=AT, reason="test")
        return found

    stand.stages.find = find_and_end  # type: ignore[method-assign]
    asked: dict[str, Any] = {"visit": visit_at(), "replaces": None}

    assert refused(stand.desk.prove_code, holder, codes[0], **asked) == "too-late"
    assert list_sessions(stand) == []


def staged(stand: FactorStand) -> Holder:
    """Begin a sign-in that owes a factor."""
    with pytest.raises(SecondFactorOwed) as owed:
        stand.sign_in.admit(VOUCHED, at=AT)
    holder = stand.desk.stage_holder(owed.value.token, at=AT)
    assert holder is not None
    return holder


def list_sessions(stand: FactorStand) -> list[str]:
    """Give the hashes of the sessions that have not ended."""
    with reading(stand.parts.store) as connection:
        living = select(schema.session.c.hash).where(schema.session.c.ended_at_us.is_(None))
        return list(connection.execute(living).scalars())


def test_the_last_factor_is_removed_after_a_step_up(stand: FactorStand) -> None:
    _, codes, _ = stand.enrol(stand.holder())
    weak = stand.holder()
    token = stand.desk.prove_code(weak, codes[0], visit=visit_at(), replaces=None)
    stand.parts.reader.read()
    strong = stand.holder(token=token)
    (factor,) = stand.desk.standing(strong).factors
    assert stand.desk.remove(strong, factor.id, visit=visit_at())

    assert stand.desk.standing(strong).factors == ()
    assert stand.noted.codes[-2:] == [
        "permit second-factor-by-recovery-code",
        "permit factor-removed",
    ]
    codes_told = [each.code for each in stand.desk.notices(strong, at=AT, within=KEPT)]
    assert codes_told == [NoticeCode.REMOVED, NoticeCode.CODE_USED, NoticeCode.ADDED]
    assert stand.desk.missing(strong, at=later(minutes=15)) == "sign-in"


def test_what_cannot_be_recorded_does_not_happen(stand: FactorStand) -> None:
    secret, codes, _ = stand.enrol(stand.holder())
    weak, other = stand.holder(), stand.holder("bob", "40012")
    stand.noted.away = True
    with pytest.raises(RecordUnavailable):
        stand.desk.prove_code(weak, codes[0], visit=visit_at(), replaces=None)
    with pytest.raises(RecordUnavailable):
        stand.enrol(other)

    assert stand.desk.standing(other).factors == ()
    assert weak.live is not None
    found = stand.parts.cache.load(next(iter(stand.parts.cache._live)), at=AT)
    assert found is not None
    assert secret


def test_a_step_up_carries_what_waits_along(stand: FactorStand) -> None:
    _, codes, _ = stand.enrol(stand.holder())
    weak = stand.holder()
    form = KeptForm(target="/x", title="X", fields=(("a", "1"),))
    stand.forms.keep(weak.binding, form, at=AT)
    assert stand.desk.take_form(weak, at=AT) is None
    token = stand.desk.prove_code(weak, codes[0], visit=visit_at(), replaces=None)
    stand.parts.reader.read()
    strong = stand.holder(token=token)

    assert stand.desk.form_waits(strong, at=AT) == ""
    assert stand.desk.take_form(strong, at=AT) == form
    assert stand.desk.take_form(strong, at=AT) is None


def test_what_waits_for_a_purpose_needs_no_second_factor(stand: FactorStand) -> None:
    """It is sent through the gate like any other, and only that has to be asked for."""
    weak = stand.holder()
    form = KeptForm(target="/x", title="X", fields=(("a", "1"),), waits_for="purpose")
    stand.forms.keep(weak.binding, form, at=AT)

    assert stand.desk.take_form(weak, at=AT) == form
    assert stand.desk.take_form(weak, at=AT) is None


def test_wrong_codes_are_recorded_and_the_fifth_is_told(stand: FactorStand) -> None:
    stand.enrol(stand.holder())
    weak = stand.holder()
    asked: dict[str, Any] = {"visit": visit_at(), "replaces": None}
    for _ in range(5):
        assert refused(stand.desk.prove_code, weak, "000000", **asked) == "code-wrong"
    assert refused(stand.desk.prove_code, weak, "000000", **asked) == "code-must-wait"

    assert stand.noted.codes[1:] == ["deny second-factor-code-wrong"] * 5 + [
        "deny second-factor-code-must-wait"
    ]
    told = [each.code for each in stand.desk.notices(weak, at=AT, within=KEPT)]
    assert told == [NoticeCode.CODES_REFUSED, NoticeCode.ADDED]


def test_a_copied_key_raises_an_alarm(
    stand: FactorStand, capsys: pytest.CaptureFixture[str]
) -> None:
    holder, key = stand.holder(), SoftKey(origin=ORIGIN, count=5)
    answer = key.enrol(stand.desk.begin_key(holder, at=AT))
    asked: dict[str, Any] = {"visit": visit_at(), "replaces": None}
    stand.desk.add_key(holder, name="Blue", answer=answer, **asked)
    weak = stand.holder()
    key.count = 2
    copied = key.answer(stand.desk.challenge_key(weak, at=AT))

    assert refused(stand.desk.prove_key, weak, copied, **asked) == "key-copied"
    assert stand.noted.codes[-1] == "deny second-factor-key-copied"
    assert stand.desk.notices(weak, at=AT, within=KEPT)[0].code is NoticeCode.KEY_COPIED
    assert "key-copied" in capsys.readouterr().out


# ---- a sign-in that owes a factor ----------------------------------------------------------------


def stage_of(stand: FactorStand) -> str:
    with pytest.raises(SecondFactorOwed) as owed:
        stand.sign_in.admit(VOUCHED, at=AT)
    return owed.value.token


def test_a_stage_becomes_a_session_by_the_factor_alone(stand: FactorStand) -> None:
    secret, _, _ = stand.enrol(stand.holder())
    token = stage_of(stand)
    holder = stand.desk.stage_holder(token, at=AT)
    assert holder is not None
    asked: dict[str, Any] = {"visit": visit_at(later(seconds=30)), "replaces": None}
    for wrong in ("", "000000", totp_code(secret, totp_step(AT))):
        assert refused(stand.desk.prove_code, holder, wrong, **asked) == "code-wrong"
    right = totp_code(secret, totp_step(later(seconds=30)))
    session_token = stand.desk.prove_code(holder, right, **asked)

    session = stand.parts.sessions.find(session_token, at=later(seconds=30))
    assert session is not None
    assert session.factors == {"provider", "second-factor"}
    assert stand.noted.codes[-2:] == ["permit second-factor-by-app", "permit "]
    assert stand.desk.stage_holder(token, at=AT) is None


def test_within_a_sign_in_nobody_adds_beside_what_they_have(stand: FactorStand) -> None:
    stand.enrol(stand.holder())
    holder = stand.desk.stage_holder(stage_of(stand), at=AT)
    assert holder is not None
    asked = {"name": "", "code": "000000", "visit": visit_at(), "replaces": None}

    assert refused(stand.desk.add_app, holder, **asked) == "second-factor-first"


def test_a_first_factor_within_a_sign_in_opens_the_session(stand: FactorStand) -> None:
    holder = stand.desk.stage_holder(stage_of(stand), at=AT)
    assert holder is not None
    _, codes, token = stand.enrol(holder)

    assert len(codes) == 10
    session = stand.parts.sessions.find(token, at=AT)
    assert session is not None
    assert "second-factor" in session.factors


def test_one_stage_makes_one_session(stand: FactorStand) -> None:
    """The second of two proofs at once finds the stage taken."""
    _, codes, _ = stand.enrol(stand.holder())
    holder = stand.desk.stage_holder(stage_of(stand), at=AT)
    assert holder is not None
    asked: dict[str, Any] = {"visit": visit_at(), "replaces": None}
    assert stand.desk.prove_code(holder, codes[0], **asked)

    assert refused(stand.desk.prove_code, holder, codes[1], **asked) == "too-late"
