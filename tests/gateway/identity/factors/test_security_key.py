"""Answers of security keys: only the right one, to this challenge, from this origin, is taken."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.identity.factors.security_key import (
    KeyAnswerWrong,
    KnownKey,
    RelyingParty,
    SignCountRegressed,
    answering_key,
    challenge_options,
    enrolment_options,
    judge_answer,
    judge_enrolment,
)
from gateway.store.schema_second_factor import second_factor
from tests.doubles.soft_key import SoftKey

ORIGIN = "http://localhost:8080"
PARTY = RelyingParty(origin=ORIGIN, name="Shared services")
CHALLENGE, OTHER = b"c" * 32, b"d" * 32


def enrolled(key: SoftKey) -> KnownKey:
    options = enrolment_options(
        PARTY, handle=b"h" * 32, account="a@fire", name="Alice", challenge=CHALLENGE, known=()
    )
    new = judge_enrolment(PARTY, challenge=CHALLENGE, answer=key.enrol(options))
    return KnownKey(
        credential_id=new.credential_id, public_key=new.public_key, sign_count=new.sign_count,
        transports=new.transports,
    )  # fmt: skip


def ask(known: KnownKey, challenge: bytes = CHALLENGE) -> str:
    return challenge_options(PARTY, challenge=challenge, known=[known])


def judge(known: KnownKey, answer: str) -> int:
    return judge_answer(PARTY, challenge=CHALLENGE, answer=answer, key=known)


def test_a_key_is_enrolled_and_answers() -> None:
    key = SoftKey(origin=ORIGIN)
    known = enrolled(key)
    answer = key.answer(ask(known))

    assert known.credential_id == key.name == answering_key(answer)
    assert known.transports == "usb"  # what is no transport is not kept
    assert judge(known, answer) == 1


def test_a_key_with_a_longer_id_than_any_may_have_is_not_enrolled() -> None:
    """Somebody who writes the answer by hand would otherwise have us keep what they like."""
    longest = enrolled(SoftKey(origin=ORIGIN, id=b"i" * 1_023)).credential_id

    assert len(longest) <= getattr(second_factor.c.credential_id.type, "length", 0)
    with pytest.raises(KeyAnswerWrong, match="longer than 1,023 bytes"):
        enrolled(SoftKey(origin=ORIGIN, id=b"i" * 1_024))


def test_the_question_asks_for_what_we_want() -> None:
    """The host alone is the RP id; verification is preferred; keys known already are named."""
    known = enrolled(SoftKey(origin=ORIGIN))
    told = json.loads(
        enrolment_options(
            PARTY, handle=b"h" * 32, account="a", name="A", challenge=CHALLENGE, known=[known]
        )
    )

    assert told["rp"]["id"] == "localhost"
    assert told["authenticatorSelection"]["userVerification"] == "preferred"
    assert [each["id"] for each in told["excludeCredentials"]] == [known.credential_id]
    assert json.loads(ask(known))["userVerification"] == "preferred"


@pytest.mark.parametrize(
    "fault",
    [
        {"origin": "https://localhost:8080"},
        {"origin": "http://localhost:8081"},
        {"origin": "http://localhost.evil.example:8080"},
        {"rp_id": "evil.example"},
    ],
)
def test_another_site_gets_nothing(fault: dict[str, Any]) -> None:
    with pytest.raises(KeyAnswerWrong):
        enrolled(SoftKey(**{"origin": ORIGIN, **fault}))
    key = SoftKey(origin=ORIGIN)
    known = enrolled(key)
    for name, value in fault.items():
        setattr(key, name, value)
    with pytest.raises(KeyAnswerWrong):
        judge(known, key.answer(ask(known)))


def test_an_answer_to_another_question_is_refused() -> None:
    key = SoftKey(origin=ORIGIN)
    known = enrolled(key)

    with pytest.raises(KeyAnswerWrong):
        judge(known, key.answer(ask(known, OTHER)))
    with pytest.raises(KeyAnswerWrong):
        judge(known, key.answer(ask(known), kind="webauthn.create"))
    with pytest.raises(KeyAnswerWrong):
        judge(known, key.answer(ask(known), flags=0))  # nobody was there


def test_another_keys_signature_is_refused() -> None:
    key = SoftKey(origin=ORIGIN)
    known = enrolled(key)
    forger = SoftKey(origin=ORIGIN, id=key.id)

    with pytest.raises(KeyAnswerWrong):
        judge(known, forger.answer(ask(known)))


def test_a_count_that_goes_back_is_told_apart_only_where_the_signature_is_right() -> None:
    """Else anybody could raise the alarm."""
    key = SoftKey(origin=ORIGIN, count=7)
    known = enrolled(key)
    key.count = 6
    with pytest.raises(SignCountRegressed):
        judge(known, key.answer(ask(known)))
    forger = SoftKey(origin=ORIGIN, id=key.id)
    with pytest.raises(KeyAnswerWrong) as caught:
        judge(known, forger.answer(ask(known)))
    assert not isinstance(caught.value, SignCountRegressed)


def test_a_passkey_that_does_not_count_is_taken_again_and_again() -> None:
    key = SoftKey(origin=ORIGIN, counts=False)
    known = enrolled(key)

    assert [judge(known, key.answer(ask(known))) for _ in range(2)] == [0, 0]


@pytest.mark.parametrize(
    "answer",
    ["", "{}", "[]", "null", "1", '"x"', "{", "[" * 9_000, '{"id": 1}', "{}" + " " * 20_000,
     '{"id":"","rawId":"","type":"public-key","response":{}}'],
)  # fmt: skip
def test_rubbish_is_refused_as_everything_else(answer: str) -> None:
    """An empty form above all (as authentik once let pass)."""
    known = enrolled(SoftKey(origin=ORIGIN))

    with pytest.raises(KeyAnswerWrong):
        judge(known, answer)
    with pytest.raises(KeyAnswerWrong):
        judge_enrolment(PARTY, challenge=CHALLENGE, answer=answer)
