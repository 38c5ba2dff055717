"""Nobody can guess for long, and nobody can lock a directory account through us."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gateway.identity.signing_in.attempts import (
    REMEMBERED,
    AttemptLimits,
    Attempts,
    TooManyAttempts,
)
from gateway.store.engine import open_store, writing
from tests.doubles.stores import new_store, store_url
from tests.gateway.identity.parts import AT, FIRE, later

LIMITS = AttemptLimits(per_person=3, per_source=6, per_source_anywhere=9)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    with new_store(tmp_path) as engine:
        yield engine


@pytest.fixture
def attempts(store: Engine) -> Attempts:
    return Attempts(store, lambda _: LIMITS)


def fail(
    attempts: Attempts,
    times: int = 1,
    *,
    name: str = "alice",
    organisation: str = FIRE,
    source: str = "10.0.0.1",
    person: str = "",
    **passed: float,
) -> list[bool]:
    """Fail so often; tells of each try whether the password was to be tried."""
    return [
        attempts.begin(
            organisation=organisation, name=name, source=source, person=person, at=later(**passed)
        ).wanted
        for _ in range(times)
    ]


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


def test_an_organisation_may_have_limits_of_its_own(store: Engine) -> None:
    attempts = Attempts(
        store, lambda where: AttemptLimits(per_person=1) if where == "nwas" else LIMITS
    )
    fail(attempts, organisation="nwas")
    fail(attempts)

    assert not allowed(attempts, organisation="nwas")
    assert allowed(attempts)


@pytest.mark.parametrize("spelling", ["ALICE", " alice ", "Alice", "\uff41lice"], ids=ascii)
def test_every_spelling_counts_as_one_person(attempts: Attempts, spelling: str) -> None:
    fail(attempts, 3)

    assert not allowed(attempts, name=spelling)


def test_other_people_are_not_counted_along(attempts: Attempts) -> None:
    """The same name in another organisation is another person."""
    fail(attempts, 3)

    assert allowed(attempts, name="bob")
    assert allowed(attempts, organisation="nwas")


def test_all_names_of_a_person_are_one_count(attempts: Attempts) -> None:
    """Three names by which the directory finds one person; a fourth is not a fresh set."""
    names = ("alice", "alice@fire.example", "40011")
    tried = [fail(attempts, name=name, person="id-alice") for name in names]
    by_another_name = fail(attempts, name="a.ashe", person="id-alice")

    assert tried == [[True]] * 3
    assert by_another_name == [False]
    assert fail(attempts, name="bob", person="id-bob") == [True]


def test_a_locked_persons_other_name_behaves_as_one_that_nobody_has(attempts: Attempts) -> None:
    """Asked by a name of a locked person or by a made-up one: the same until the same try."""
    fail(attempts, 3, name="alice", person="id-alice", source="10.0.0.9")
    for name, person in (("a.ashe", "id-alice"), ("made.up", "")):
        fail(attempts, 2, name=name, person=person, source=f"10.0.1.{len(name)}")
        assert allowed(attempts, name=name)
        fail(attempts, name=name, person=person, source=f"10.0.1.{len(name)}")
        assert not allowed(attempts, name=name)


def test_who_is_not_let_try_does_not_make_the_persons_wait_longer(attempts: Attempts) -> None:
    fail(attempts, 3, person="id-alice")
    fail(attempts, name="a.ashe", person="id-alice", minutes=29)

    assert fail(attempts, person="id-alice", minutes=31) == [True]


def test_the_same_person_elsewhere_is_another(attempts: Attempts) -> None:
    fail(attempts, 3, person="id-1")

    assert fail(attempts, organisation="nwas", person="id-1") == [True]


def test_one_source_trying_many_names_is_refused_at_that_organisation(attempts: Attempts) -> None:
    """A station's fire staff must not keep the medics beside them from working."""
    for number in range(6):
        fail(attempts, name=f"p{number}")

    assert not allowed(attempts, source="10.0.0.1", name="new")
    assert allowed(attempts, source="10.0.0.1", name="new", organisation="nwas")
    assert allowed(attempts, source="10.0.0.2", name="new")


def test_one_source_trying_everywhere_is_refused_everywhere(attempts: Attempts) -> None:
    for number in range(9):
        fail(attempts, name=f"p{number}", organisation=("nwas", FIRE)[number % 2])

    assert not allowed(attempts, source="10.0.0.1", name="new", organisation="cheshire-police")
    assert allowed(attempts, source="10.0.0.2", name="new", organisation="cheshire-police")


def test_the_addresses_of_one_network_are_one_source(attempts: Attempts) -> None:
    for number in range(6):
        fail(attempts, name=f"p{number}", source=f"2001:db8::{number}")

    assert not allowed(attempts, source="2001:db8::ffff", name="new")


def test_a_source_is_forgiven_after_a_quarter_of_an_hour(attempts: Attempts) -> None:
    for number in range(6):
        fail(attempts, name=f"p{number}")

    assert not allowed(attempts, source="10.0.0.1", name="new", minutes=14, seconds=59)
    assert allowed(attempts, source="10.0.0.1", name="new", minutes=15)


def test_failures_are_forgotten_after_the_window(attempts: Attempts) -> None:
    fail(attempts, 3)

    assert not allowed(attempts, minutes=29, seconds=59)
    assert allowed(attempts, minutes=30)


def test_the_wait_grows_with_every_lock(attempts: Attempts) -> None:
    fail(attempts, 3)
    fail(attempts, 3, minutes=30)

    assert not allowed(attempts, minutes=89)
    assert allowed(attempts, minutes=90)


def test_a_refused_attempt_does_not_make_the_wait_longer(attempts: Attempts) -> None:
    fail(attempts, 3)
    for minute in range(1, 30):
        with pytest.raises(TooManyAttempts):
            fail(attempts, minutes=minute)

    assert allowed(attempts, minutes=30)


def test_a_good_sign_in_is_no_failure(attempts: Attempts, store: Engine) -> None:
    for _ in range(5):
        begun = attempts.begin(organisation=FIRE, name="alice", source="10.0.0.1", at=AT)
        with writing(store) as connection:
            attempts.succeed(connection, begun.number)

    assert allowed(attempts, source="10.0.0.1")


def test_a_good_sign_in_does_not_wipe_out_the_failures(attempts: Attempts, store: Engine) -> None:
    """Or a guesser would get a fresh set whenever the person signs in."""
    fail(attempts, 2)
    begun = attempts.begin(organisation=FIRE, name="alice", source="10.0.0.9", at=AT)
    with writing(store) as connection:
        attempts.succeed(connection, begun.number)
    fail(attempts)

    assert not allowed(attempts)


def test_a_right_password_that_signed_nobody_in_is_no_failure(attempts: Attempts) -> None:
    for _ in range(5):
        begun = attempts.begin(organisation=FIRE, name="alice", source="10.0.0.1", at=AT)
        attempts.forget(begun.number)

    assert allowed(attempts)


def test_a_try_without_an_answer_counts_only_where_the_directory_would_lock(
    attempts: Attempts,
) -> None:
    """It may have counted a wrong password, so its limit is kept; nobody is blamed before."""
    found = []
    for _ in range(LIMITS.per_directory):
        begun = attempts.begin(organisation=FIRE, name="alice", source="10.0.0.1", at=AT)
        attempts.excuse(begun.number)
        found.append(allowed(attempts))

    assert found == [True, True, True, False]


def test_the_count_survives_a_restart(attempts: Attempts, store: Engine, tmp_path: Path) -> None:
    fail(attempts, 3)
    store.dispose()
    again = open_store(store_url(tmp_path))

    assert not allowed(Attempts(again, lambda _: LIMITS))
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

    assert attempts.purge(at=AT + REMEMBERED + timedelta(minutes=5)) == 2
    assert attempts.purge(at=AT + REMEMBERED + timedelta(minutes=9)) == 0


def test_a_name_of_any_length_is_counted(attempts: Attempts) -> None:
    fail(attempts, 3, name="x" * 10_000)

    assert not allowed(attempts, name="x" * 10_000)
