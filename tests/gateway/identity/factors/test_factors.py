"""Second factors: enrolled by who holds them, proved once, counted, removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from gateway.identity.factors.factors import MOST_FACTORS, FactorRefused, Proof
from gateway.identity.factors.second_factor import totp_code, totp_step
from gateway.store.engine import reading, writing
from gateway.store.schema_second_factor import factor_ceremony, second_factor
from tests.doubles.soft_key import SoftKey
from tests.gateway.identity.factor_bench import ORIGIN, FactorBench, anyone
from tests.gateway.identity.parts import AT, Parts, later


@pytest.fixture
def bench(parts: Parts) -> FactorBench:
    return FactorBench(parts=parts)


def refusal(call: object, *given: object, **named: object) -> str:
    """Give the code with which a call is refused."""
    with pytest.raises(FactorRefused) as caught:
        call(*given, **named)  # type: ignore[operator]
    return caught.value.code


def code_at(secret: str, **passed: float) -> str:
    return totp_code(secret, totp_step(later(**passed)))


# ---- enrolment ----------------------------------------------------------------------------------


def test_an_app_is_enrolled_by_who_can_show_its_code(bench: FactorBench) -> None:
    """The first factor brings recovery codes, the second none."""
    staff, here = bench.staff()
    secret, enrolled = bench.with_app(staff, here)
    _, second = bench.with_app(staff, here, later(minutes=1), name="")

    standing = bench.factors.standing(staff.staff_id)
    assert [each.name for each in standing.factors] == ["Phone", "Authenticator app"]
    assert (len(enrolled.codes), second.codes, standing.codes_left) == (10, (), 10)
    with reading(bench.parts.store) as connection:
        kept = str(connection.execute(select(second_factor)).all())
    assert secret not in kept


def test_a_wrong_code_enrols_nothing_and_may_be_corrected(bench: FactorBench) -> None:
    staff, here = bench.staff()
    secret = bench.factors.begin_app(here, at=AT)
    for wrong in ("", "000000", code_at(secret, minutes=5)):
        asked = {"name": "", "code": wrong, "at": AT, "allow": anyone}
        assert refusal(bench.factors.add_app, here, staff.staff_id, **asked) == "code-wrong"

    assert bench.factors.standing(staff.staff_id).factors == ()
    assert bench.factors.begin_app(here, at=AT) == secret
    with reading(bench.parts.store) as connection:
        assert secret not in str(connection.execute(select(factor_ceremony)).all())


def test_an_enrolment_belongs_to_the_session_that_began_it(bench: FactorBench) -> None:
    _, here = bench.staff()
    other, elsewhere = bench.staff("bob", "40012")
    secret = bench.factors.begin_app(here, at=AT)
    asked = {"name": "", "code": code_at(secret), "at": AT, "allow": anyone}

    assert refusal(bench.factors.add_app, elsewhere, other.staff_id, **asked) == "too-late"
    assert bench.factors.begin_app(elsewhere, at=AT) != secret


def test_the_code_of_the_enrolment_is_used_up_by_it(bench: FactorBench) -> None:
    staff, here = bench.staff()
    secret, _ = bench.with_app(staff, here)

    asked = bench.factors.prove_code, staff.staff_id, code_at(secret)
    assert refusal(*asked, at=AT) == "code-wrong"


def test_a_key_is_enrolled_once(bench: FactorBench) -> None:
    staff, here = bench.staff()
    other, elsewhere = bench.staff("bob", "40012")
    key = bench.with_key(staff, here)
    again = key.enrol(bench.factors.begin_key(elsewhere, other, at=AT))

    asked = {"name": "", "answer": again, "at": AT, "allow": anyone}
    assert refusal(bench.factors.add_key, elsewhere, other.staff_id, **asked) == "key-known"
    assert [each.name for each in bench.factors.standing(staff.staff_id).factors] == ["Blue key"]


def test_nobody_enrols_without_end(bench: FactorBench) -> None:
    staff, here = bench.staff()
    for _ in range(MOST_FACTORS):
        bench.with_key(staff, here)

    with pytest.raises(FactorRefused) as caught:
        bench.with_key(staff, here)
    assert caught.value.code == "too-many"


# ---- proof --------------------------------------------------------------------------------------


def test_a_code_proves_once_whoever_sends_it_how_often_at_once(bench: FactorBench) -> None:
    staff, here = bench.staff()
    secret, _ = bench.with_app(staff, here)
    code, at = code_at(secret, minutes=1), later(minutes=1)

    def prove(_: int) -> str:
        try:
            return bench.factors.prove_code(staff.staff_id, code, at=at)
        except FactorRefused as error:
            return error.code

    with ThreadPoolExecutor(4) as threads:
        answers = sorted(threads.map(prove, range(4)))
    assert answers == [Proof.APP, "code-wrong", "code-wrong", "code-wrong"]


def test_a_recovery_code_proves_once(bench: FactorBench) -> None:
    staff, here = bench.staff()
    _, enrolled = bench.with_app(staff, here)
    asked = bench.factors.prove_code, staff.staff_id, enrolled.codes[3]

    assert asked[0](*asked[1:], at=AT) is Proof.RECOVERY_CODE
    assert refusal(*asked, at=AT) == "code-wrong"
    assert bench.factors.standing(staff.staff_id).codes_left == 9


@pytest.mark.parametrize("typed", ["", " ", "-", "000000", "AAAAA-AAAAA", "\0", "null"])
def test_what_is_no_code_proves_nothing(bench: FactorBench, typed: str) -> None:
    """Nor for somebody who has no factor at all."""
    staff, here = bench.staff()
    nobody, _ = bench.staff("bob", "40012")
    bench.with_app(staff, here)

    for who in (staff, nobody):
        assert refusal(bench.factors.prove_code, who.staff_id, typed, at=AT) == "code-wrong"


def test_anothers_code_proves_nothing(bench: FactorBench) -> None:
    staff, here = bench.staff()
    secret, enrolled = bench.with_app(staff, here)
    other, elsewhere = bench.staff("bob", "40012")
    bench.with_app(other, elsewhere)

    for code in (code_at(secret, minutes=1), enrolled.codes[0]):
        asked = bench.factors.prove_code, other.staff_id, code
        assert refusal(*asked, at=later(minutes=1)) == "code-wrong"


def test_after_five_wrong_codes_even_the_right_one_must_wait(bench: FactorBench) -> None:
    """Written down: another worker, and the same after a restart, make them wait too."""
    staff, here = bench.staff()
    secret, _ = bench.with_app(staff, here)
    at = later(minutes=1)
    for _ in range(5):
        assert refusal(bench.factors.prove_code, staff.staff_id, "000000", at=at) == "code-wrong"
    elsewhere = FactorBench(parts=bench.parts).factors

    right = code_at(secret, minutes=1)
    assert refusal(elsewhere.prove_code, staff.staff_id, right, at=at) == "code-must-wait"
    over = later(minutes=1.5)
    assert elsewhere.prove_code(staff.staff_id, code_at(secret, minutes=1.5), at=over) is Proof.APP
    asked = elsewhere.prove_code, staff.staff_id, "000000"
    assert [refusal(*asked, at=over) for _ in range(5)] == ["code-wrong"] * 5


def test_a_key_proves_and_its_challenge_serves_once(bench: FactorBench) -> None:
    staff, here = bench.staff()
    key = bench.with_key(staff, here)
    answer = key.answer(bench.factors.challenge_key(here, staff.staff_id, at=AT))

    proved = bench.factors.prove_key(here, staff.staff_id, answer, at=AT)
    assert proved is Proof.KEY
    asked = bench.factors.prove_key, here, staff.staff_id
    assert refusal(*asked, answer, at=AT) == "too-late"
    for empty in ("", "{}"):
        bench.factors.challenge_key(here, staff.staff_id, at=AT)
        assert refusal(*asked, empty, at=AT) == "key-wrong"
        assert refusal(*asked, empty, at=AT) == "too-late"


def test_the_challenge_of_another_session_is_no_challenge(bench: FactorBench) -> None:
    staff, here = bench.staff()
    key = bench.with_key(staff, here)
    _, elsewhere = bench.parts.sign_in()
    answer = key.answer(bench.factors.challenge_key(here, staff.staff_id, at=AT))
    asked = bench.factors.prove_key, elsewhere.hash, staff.staff_id, answer

    assert refusal(*asked, at=AT) == "too-late"
    bench.factors.challenge_key(elsewhere.hash, staff.staff_id, at=AT)
    assert refusal(*asked, at=AT) == "key-wrong"


def test_anothers_key_proves_nothing(bench: FactorBench) -> None:
    staff, here = bench.staff()
    bench.with_key(staff, here)
    other, elsewhere = bench.staff("bob", "40012")
    key = bench.with_key(other, elsewhere)
    answer = key.answer(bench.factors.challenge_key(here, staff.staff_id, at=AT))

    assert refusal(bench.factors.prove_key, here, staff.staff_id, answer, at=AT) == "key-wrong"


def test_a_copied_key_is_refused_and_told_apart(bench: FactorBench) -> None:
    staff, here = bench.staff()
    key = bench.with_key(staff, here)

    def prove(with_key: SoftKey) -> Proof:
        answer = with_key.answer(bench.factors.challenge_key(here, staff.staff_id, at=AT))
        return bench.factors.prove_key(here, staff.staff_id, answer, at=AT)

    copy = SoftKey(origin=ORIGIN, id=key.id, private=key.private)
    assert [prove(key), prove(key)] == [Proof.KEY, Proof.KEY]
    assert refusal(prove, copy) == "key-copied"


def test_a_challenge_lapses(bench: FactorBench) -> None:
    staff, here = bench.staff()
    key = bench.with_key(staff, here)
    answer = key.answer(bench.factors.challenge_key(here, staff.staff_id, at=AT))
    asked = bench.factors.prove_key, here, staff.staff_id, answer

    assert refusal(*asked, at=later(minutes=10)) == "too-late"
    assert bench.factors.challenge_key(here, "cheshire-fire/id-nobody", at=AT) == ""


# ---- afterwards ---------------------------------------------------------------------------------


def test_the_last_factor_takes_the_recovery_codes_with_it(bench: FactorBench) -> None:
    staff, here = bench.staff()
    _, enrolled = bench.with_app(staff, here)
    bench.with_key(staff, here, later(minutes=1))
    first, second = bench.factors.standing(staff.staff_id).factors

    removed = bench.factors.remove(staff.staff_id, first.id)
    assert removed is not None
    assert removed.name == "Phone"
    assert bench.factors.prove_code(staff.staff_id, enrolled.codes[0], at=AT)
    bench.factors.remove(staff.staff_id, second.id)
    asked = bench.factors.prove_code, staff.staff_id, enrolled.codes[1]
    assert refusal(*asked, at=AT) == "code-wrong"
    assert bench.factors.new_codes(staff.staff_id, at=AT) == ()


def test_nobody_removes_anothers_factor(bench: FactorBench) -> None:
    staff, here = bench.staff()
    bench.with_app(staff, here)
    other, _ = bench.staff("bob", "40012")
    (factor,) = bench.factors.standing(staff.staff_id).factors

    assert bench.factors.remove(other.staff_id, factor.id) is None
    assert bench.factors.standing(staff.staff_id).factors == (factor,)


def test_new_recovery_codes_void_the_old(bench: FactorBench) -> None:
    staff, here = bench.staff()
    _, enrolled = bench.with_app(staff, here)
    codes = bench.factors.new_codes(staff.staff_id, at=AT)

    asked = bench.factors.prove_code, staff.staff_id, enrolled.codes[0]
    assert refusal(*asked, at=AT) == "code-wrong"
    assert bench.factors.prove_code(staff.staff_id, codes[0], at=AT) is Proof.RECOVERY_CODE


def test_an_app_that_cannot_be_read_leaves_the_other_factors(bench: FactorBench) -> None:
    """Its key may be gone: then recovery codes are what helps."""
    staff, here = bench.staff()
    gone, enrolled = bench.with_app(staff, here)
    other, _ = bench.with_app(staff, here, later(minutes=1))
    first = enrolled.factor.id
    with writing(bench.parts.store) as connection:
        connection.execute(
            update(second_factor).where(second_factor.c.id == first).values(secret="x.y")
        )

    prove, at = bench.factors.prove_code, later(minutes=5)
    assert refusal(prove, staff.staff_id, code_at(gone, minutes=5), at=at) == "code-wrong"
    assert prove(staff.staff_id, code_at(other, minutes=5), at=at) is Proof.APP
    assert prove(staff.staff_id, enrolled.codes[0], at=at) is Proof.RECOVERY_CODE
