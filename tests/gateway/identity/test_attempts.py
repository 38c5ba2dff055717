"""Nobody can guess for long, and nobody can lock a directory account through us."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.identity.attempts import AttemptLimits, Attempts, TooManyAttempts
from gateway.store.engine import open_store, writing
from tests.doubles.stores import new_store, store_url
from tests.gateway.identity.parts import AT, FIRE, later

LIMITS = AttemptLimits(per_person=3, per_source=6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    with new_store(tmp_path) as engine:
        yield engine


@pytest.fixture
def attempts(store: Engine) -> Attempts:
    return Attempts(store, LIMITS)


def fail(
    attempts: Attempts,
    times: int = 1,
    *,
    name: str = "alice",
    organisation: str = FIRE,
    source: str = "10.0.0.1",
    **passed: float,
) -> None:
    for _ in range(times):
        attempts.begin(organisation=organisation, name=name, source=source, at=later(**passed))


def allowed(
    attempts: Attempts,
    *,
    name: str = "alice",
    organisation: str = FIRE,
    source: str = "10.0.0.2",
    **passed: float,
) -> bool:
    try:
        attempts.check(organisation=organisation, name=name, source=source, at=later(**passed))
    except TooManyAttempts:
        return False
    return True


def test_after_the_last_failure_borne_the_next_is_refused(attempts: Attempts) -> None:
    fail(attempts, 2)
    before = allowed(attempts)
    fail(attempts)

    assert (before, allowed(attempts)) == (True, False)
    with pytest.raises(TooManyAttempts):
        fail(attempts)


def test_the_limit_as_shipped_is_ten_in_fifteen_minutes() -> None:
    assert AttemptLimits() == AttemptLimits(
        window=timedelta(minutes=15), per_person=10, per_source=100
    )


@pytest.mark.parametrize("spelling", ["ALICE", " alice ", "Alice", "\uff41lice"], ids=ascii)
def test_every_spelling_counts_as_one_person(attempts: Attempts, spelling: str) -> None:
    fail(attempts, 3)

    assert not allowed(attempts, name=spelling)


def test_other_people_are_not_counted_along(attempts: Attempts) -> None:
    """The same name in another organisation is another person."""
    fail(attempts, 3)

    assert allowed(attempts, name="bob")
    assert allowed(attempts, organisation="nwas")


def test_one_source_trying_many_names_is_refused_everywhere(attempts: Attempts) -> None:
    for number in range(6):
        fail(attempts, name=f"p{number}", organisation=("nwas", FIRE)[number % 2])

    assert not allowed(attempts, source="10.0.0.1", name="new", organisation="cheshire-police")
    assert allowed(attempts, source="10.0.0.2", name="new")


def test_failures_are_forgotten_after_the_window(attempts: Attempts) -> None:
    fail(attempts, 3)

    assert not allowed(attempts, minutes=14, seconds=59)
    assert allowed(attempts, minutes=15)


def test_a_refused_attempt_does_not_make_the_wait_longer(attempts: Attempts) -> None:
    fail(attempts, 3)
    for minute in range(1, 15):
        with pytest.raises(TooManyAttempts):
            fail(attempts, minutes=minute)

    assert allowed(attempts, minutes=15)


def test_a_good_sign_in_is_no_failure(attempts: Attempts, store: Engine) -> None:
    for _ in range(5):
        number = attempts.begin(organisation=FIRE, name="alice", source="10.0.0.1", at=AT)
        with writing(store) as connection:
            attempts.succeed(connection, number)

    assert allowed(attempts, source="10.0.0.1")


def test_a_good_sign_in_does_not_wipe_out_the_failures(attempts: Attempts, store: Engine) -> None:
    """Or a guesser would get a fresh set whenever the person signs in."""
    fail(attempts, 2)
    number = attempts.begin(organisation=FIRE, name="alice", source="10.0.0.9", at=AT)
    with writing(store) as connection:
        attempts.succeed(connection, number)
    fail(attempts)

    assert not allowed(attempts)


def test_an_attempt_that_came_to_nothing_is_taken_back(attempts: Attempts) -> None:
    for _ in range(5):
        attempts.forget(attempts.begin(organisation=FIRE, name="alice", source="10.0.0.1", at=AT))

    assert allowed(attempts)


def test_the_count_survives_a_restart(attempts: Attempts, store: Engine, tmp_path: Path) -> None:
    fail(attempts, 3)
    store.dispose()
    again = open_store(store_url(tmp_path))

    assert not allowed(Attempts(again, LIMITS))
    again.dispose()


def test_many_at_once_cannot_slip_past(attempts: Attempts) -> None:
    passed: list[int] = []
    together = threading.Barrier(8)

    def attempt(source: int) -> None:
        together.wait()
        try:
            fail(attempts, source=f"10.0.1.{source}")
        except TooManyAttempts:
            return
        passed.append(source)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(passed) == 3


def test_the_purge_removes_only_what_no_longer_counts(attempts: Attempts) -> None:
    fail(attempts, 2)
    fail(attempts, 3, name="bob", source="10.0.0.3", minutes=10)

    assert attempts.purge(at=later(minutes=16)) == 2
    assert not allowed(attempts, name="bob", minutes=16)


def test_a_name_of_any_length_is_counted(attempts: Attempts) -> None:
    fail(attempts, 3, name="x" * 10_000)

    assert not allowed(attempts, name="x" * 10_000)
