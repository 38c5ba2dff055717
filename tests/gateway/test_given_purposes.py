"""What people said they need a function for: for their session, in every worker, for an hour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from gateway.given_purposes import KEPT, TEXT_CHARACTERS, GivenPurposes
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.store import schema
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, Parts, later, new_parts, us

SEAL = FactorSeal([bytes(32)])


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


async def test_a_purpose_is_kept_for_session_and_function_in_every_worker(parts: Parts) -> None:
    session, other = parts.sign_in()[1].hash, parts.sign_in("bob", "40012")[1].hash
    here, there = GivenPurposes(parts.store, SEAL), GivenPurposes(parts.store, SEAL)
    here.keep(session, "hr.search", code="audit", text="Case 7", at=AT)

    assert there.get(session, "hr.search", us(AT)) is None
    given = await there.find(session, "hr.search", at=AT)
    assert given is not None
    assert (given.code, given.text) == ("audit", "Case 7")
    assert there.get(session, "hr.search", us(AT)) == given
    assert there.load(other, "hr.search", at=AT) is None
    assert there.load(session, "hr.team", at=AT) is None


def test_after_an_hour_they_are_asked_again(parts: Parts) -> None:
    session = parts.sign_in()[1].hash
    given = GivenPurposes(parts.store, SEAL)
    given.keep(session, "hr.search", code="audit", text="", at=AT)
    over = AT + KEPT

    assert given.load(session, "hr.search", at=over) is None
    assert given.load(session, "hr.search", at=later(minutes=59)) is not None
    assert given.get(session, "hr.search", us(over)) is None


def test_the_last_answer_counts(parts: Parts) -> None:
    session = parts.sign_in()[1].hash
    given = GivenPurposes(parts.store, SEAL)
    for code in ("audit", "complaint"):
        given.keep(session, "hr.search", code=code, text="", at=AT)
        given.load(session, "hr.search", at=AT)
    known = given.get(session, "hr.search", us(AT))

    assert known is not None
    assert known.code == "complaint"


def test_their_own_words_are_sealed_and_bounded(parts: Parts) -> None:
    """They may name people."""
    session = parts.sign_in()[1].hash
    given = GivenPurposes(parts.store, SEAL)
    given.keep(session, "hr.search", code="audit", text="about Alice" + "x" * 999, at=AT)
    with reading(parts.store) as connection:
        sealed = connection.execute(select(schema.given_purpose.c.sealed)).scalar_one()
    read = given.load(session, "hr.search", at=AT)

    assert "Alice" not in sealed
    assert read is not None
    assert (read.text[:11], len(read.text)) == ("about Alice", TEXT_CHARACTERS)
    strange = GivenPurposes(parts.store, FactorSeal([bytes(31) + b"1"]))
    assert strange.load(session, "hr.search", at=AT) is None


def test_it_follows_a_session_that_is_strengthened(parts: Parts) -> None:
    _, session = parts.sign_in()
    given = GivenPurposes(parts.store, SEAL)
    given.keep(session.hash, "hr.search", code="audit", text="Case 7", at=AT)
    with writing(parts.store) as connection:
        _, stronger = parts.sessions.strengthen(
            connection, session.hash, factors=frozenset({"second-factor"}), at=AT
        )
    read = given.load(stronger.hash, "hr.search", at=AT)

    assert read is not None
    assert read.text == "Case 7"


def test_memory_is_bounded(parts: Parts) -> None:
    given = GivenPurposes(parts.store, SEAL, capacity=2)
    session = parts.sign_in()[1].hash
    for number in range(5):
        given.keep(session, f"a.f{number}", code="audit", text="", at=AT)
        given.load(session, f"a.f{number}", at=AT)

    assert len(given._known) <= 2


def test_what_was_said_in_sessions_that_are_not_there_any_more_leaves_memory(parts: Parts) -> None:
    given = GivenPurposes(parts.store, SEAL)
    sessions = [parts.sign_in()[1].hash, parts.sign_in("bob", "40012")[1].hash]
    for session in sessions:
        given.keep(session, "hr.search", code="audit", text="", at=AT)
        given.load(session, "hr.search", at=AT)
    given.forget_others(frozenset(sessions[1:]))

    assert given.get(sessions[0], "hr.search", us(AT)) is None
    assert given.get(sessions[1], "hr.search", us(AT)) is not None
    assert given.load(sessions[0], "hr.search", at=AT) is not None  # the store has it
