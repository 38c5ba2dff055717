"""Which function a transaction belongs to: for its session, in every worker, within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.backoffice.kept_transactions import KeptTransactions
from gateway.store import schema
from gateway.store.engine import reading, writing
from tests.gateway.identity.parts import AT, Parts, later, new_parts

EBS = "ebs"
PEOPLE = (("alice", "40011"), ("bob", "40012"), ("carol", "40013"))


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        yield made


def test_what_one_worker_binds_every_worker_finds(parts: Parts) -> None:
    session = parts.sign_in()[1].hash
    here, there = KeptTransactions(parts.store), KeptTransactions(parts.store)

    assert there.load(session, EBS, "7") is None
    assert here.bind(session, EBS, "7", "hr.sit", at=AT) == "hr.sit"
    assert here.get(session, EBS, "7") == "hr.sit"
    assert there.get(session, EBS, "7") is None
    assert there.load(session, EBS, "7") == "hr.sit"
    assert there.get(session, EBS, "7") == "hr.sit"


def test_a_transaction_stays_with_its_first_function(parts: Parts) -> None:
    """Also where another worker learns of it later."""
    session = parts.sign_in()[1].hash
    here, there = KeptTransactions(parts.store), KeptTransactions(parts.store)
    here.bind(session, EBS, "7", "hr.sit", at=AT)

    assert there.bind(session, EBS, "7", "pay.bank", at=AT) == "hr.sit"
    assert there.get(session, EBS, "7") == "hr.sit"


def test_sessions_and_systems_have_transactions_of_their_own(parts: Parts) -> None:
    session, other = parts.sign_in()[1].hash, parts.sign_in("bob", "40012")[1].hash
    kept = KeptTransactions(parts.store)
    kept.bind(session, EBS, "7", "hr.sit", at=AT)

    assert kept.load(other, EBS, "7") is None
    assert kept.load(session, "fleet", "7") is None
    assert kept.bind(other, EBS, "7", "pay.bank", at=AT, alone=True) is None
    assert kept.bind(other, EBS, "7", "pay.bank", at=AT) == "pay.bank"
    assert kept.load(session, EBS, "7") == "hr.sit"


def test_a_session_that_is_over_binds_nothing(parts: Parts) -> None:
    _, session = parts.sign_in()
    parts.sessions.end(session.hash, at=later(seconds=1))
    kept = KeptTransactions(parts.store)

    assert kept.bind(session.hash, EBS, "7", "hr.sit", at=later(seconds=2)) is None
    assert kept.load(session.hash, EBS, "7") is None


def test_a_session_keeps_its_newest_and_a_worker_no_more_than_it_can_hold(parts: Parts) -> None:
    session = parts.sign_in()[1].hash
    kept = KeptTransactions(parts.store, most=3, capacity=4)
    for number in range(9):
        kept.bind(session, EBS, str(number), "hr.sit", at=AT)
    with reading(parts.store) as connection:
        count = select(func.count()).select_from(schema.upstream_transaction)
        left = connection.execute(count).scalar_one()
    fresh = KeptTransactions(parts.store)

    assert left == 3
    assert [fresh.load(session, EBS, str(number)) for number in (5, 6, 8)] == [
        None,
        "hr.sit",
        "hr.sit",
    ]


def test_a_worker_remembers_the_newest_of_each_session_and_of_so_many_sessions(
    parts: Parts,
) -> None:
    kept = KeptTransactions(parts.store, capacity=2)
    sessions = [parts.sign_in(name, number)[1].hash for name, number in PEOPLE]
    for number in range(40):
        kept.bind(sessions[0], EBS, str(number), "hr.sit", at=AT)
    known = [number for number in range(40) if kept.get(sessions[0], EBS, str(number))]

    assert known == list(range(8, 40))
    assert kept.load(sessions[0], EBS, "0") == "hr.sit"

    for session in sessions[1:]:
        kept.bind(session, EBS, "7", "hr.sit", at=AT)
    assert len(kept._known) <= 2


def test_transactions_of_sessions_that_are_not_there_any_more_leave_memory(parts: Parts) -> None:
    kept = KeptTransactions(parts.store)
    sessions = [parts.sign_in(name, number)[1].hash for name, number in PEOPLE]
    for session in sessions:
        kept.bind(session, EBS, "7", "hr.sit", at=AT)
    kept.forget_others(frozenset(sessions[1:]))

    assert kept.get(sessions[0], EBS, "7") is None
    assert kept.get(sessions[1], EBS, "7") == "hr.sit"
    assert kept.load(sessions[0], EBS, "7") == "hr.sit"  # the store has it


def test_transactions_go_with_their_session(parts: Parts) -> None:
    """They follow one that is strengthened, and are gone when it is removed."""
    _, session = parts.sign_in()
    kept = KeptTransactions(parts.store)
    kept.bind(session.hash, EBS, "7", "hr.sit", at=AT)
    with writing(parts.store) as connection:
        _, stronger = parts.sessions.strengthen(
            connection, session.hash, factors=frozenset({"second-factor"}), at=later(seconds=1)
        )

    assert kept.load(stronger.hash, EBS, "7") == "hr.sit"

    parts.sessions.purge(at=later(days=400))
    assert kept.load(stronger.hash, EBS, "7") is None
