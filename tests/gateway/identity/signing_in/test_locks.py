"""What officers see of locks, and lifting them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.signing_in.attempts import AttemptLimits, Attempts, TooManyAttempts
from gateway.identity.signing_in.locks import Lock, lift_person, lift_source, locks_at
from gateway.identity.staff import remember
from gateway.store.engine import reading, writing
from tests.doubles.stores import new_store
from tests.gateway.identity.parts import AT, FIRE, later

LIMITS = AttemptLimits(per_person=3, per_directory=4, per_source=6, per_source_anywhere=8)


class Counter:
    """The count of failures, and what officers do about it."""

    def __init__(self, store: Engine) -> None:
        self.store = store
        self.attempts = Attempts(store, lambda _: LIMITS)

    def fail(
        self, name: str, person: str = "", *, organisation: str = FIRE, source: str = "10.0.0.1"
    ) -> None:
        self.attempts.begin(
            organisation=organisation, name=name, source=source, at=AT, person=person
        )

    def locks(self, **passed: float) -> tuple[Lock, ...]:
        with reading(self.store) as connection:
            return locks_at(connection, lambda _: LIMITS, later(**passed))

    def may_try(self, name: str, person: str = "", source: str = "10.0.0.9") -> bool:
        try:
            begun = self.attempts.begin(
                organisation=FIRE, name=name, source=source, at=later(minutes=2), person=person
            )
        except TooManyAttempts:
            return False
        return begun.wanted

    def lift(self, name: str, organisation: str = FIRE) -> int:
        with writing(self.store) as connection:
            return lift_person(connection, organisation, name, later(minutes=1))


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with new_store(tmp_path) as store:
        yield Counter(store)


def test_a_locked_person_is_one_lock_with_every_name_that_was_typed(counter: Counter) -> None:
    for name in ("alice", "a@fire.example", "alice"):
        counter.fail(name, "id-alice")
    counter.fail("bob", "id-bob")

    assert counter.locks() == (
        Lock(
            kind="person",
            organisation=FIRE,
            names=("a@fire.example", "alice"),
            failures=3,
            until=AT + timedelta(minutes=30),
        ),
    )
    assert counter.locks(minutes=31) == ()


def test_a_name_that_nobody_has_is_locked_too(counter: Counter) -> None:
    for _ in range(3):
        counter.fail("nobody")

    (lock,) = counter.locks()

    assert (lock.kind, lock.names) == ("name", ("nobody",))


def test_a_locked_source_is_told_by_its_address(counter: Counter) -> None:
    for number in range(6):
        counter.fail(f"p{number}", source="10.0.0.7")
    for number in range(2):
        counter.fail(f"p{number}", organisation="nwas", source="10.0.0.7")

    found = [(lock.kind, lock.organisation, lock.names, lock.failures) for lock in counter.locks()]

    assert found == [("source", FIRE, ("10.0.0.7",), 6), ("source", "", ("10.0.0.7",), 8)]


def test_lifting_by_any_name_lifts_all_of_them(counter: Counter) -> None:
    for _ in range(3):
        counter.fail("a@fire.example", "id-alice")
    lifted = counter.lift(" A@Fire.example ")

    assert lifted == 2
    assert counter.locks() == ()
    assert counter.may_try("a@fire.example", "id-alice")


def test_lifting_by_the_name_the_directory_uses_finds_what_was_typed_otherwise(
    counter: Counter,
) -> None:
    alice = DirectoryPerson(
        directory_id="id-alice", username="alice", name="Alice", employee_number="40011"
    )
    with writing(counter.store) as connection:
        remember(connection, FIRE, alice, AT)
    for _ in range(3):
        counter.fail("a@fire.example", "id-alice")

    assert counter.lift("alice")
    assert counter.may_try("alice", "id-alice")


def test_lifting_elsewhere_or_for_others_lifts_nothing(counter: Counter) -> None:
    for _ in range(3):
        counter.fail("alice", "id-alice")

    assert counter.lift("alice", organisation="nwas") == 0
    assert counter.lift("bob") == 0
    assert not counter.may_try("alice", "id-alice")


def test_a_lift_gives_no_more_tries_than_the_directory_bears(counter: Counter) -> None:
    """It bears four and locks at the fifth: one more, however often it is lifted."""
    for _ in range(3):
        counter.fail("alice", "id-alice")
    counter.lift("alice")
    first = counter.may_try("alice", "id-alice")
    counter.lift("alice")

    assert first
    assert not counter.may_try("alice", "id-alice")


def test_a_source_is_let_go(counter: Counter) -> None:
    for number in range(6):
        counter.fail(f"p{number}", source="10.0.0.7")
    before = counter.may_try("new", source="10.0.0.7")
    with writing(counter.store) as connection:
        lifted = lift_source(connection, "10.0.0.7", later(minutes=1))
        unknown = lift_source(connection, "10.0.0.8", later(minutes=1))

    assert (before, lifted, unknown) == (False, 1, 0)
    assert counter.may_try("new", source="10.0.0.7")
