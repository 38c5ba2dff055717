"""`gateway account locks` and `unlock`: who is locked out, and letting them try again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.front.from_settings import limits_of
from gateway.identity.signing_in.attempts import Attempts, TooManyAttempts
from tests.gateway.cli.place import Place

FIRE = "cheshire-fire"


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - what the command calls now


@pytest.fixture
def attempts(place: Place) -> Attempts:
    return Attempts(place.store, limits_of(place.settings))


def fail(attempts: Attempts, name: str, *, person: str = "", source: str = "10.0.0.1") -> None:
    attempts.begin(organisation=FIRE, name=name, source=source, at=now(), person=person)


def test_locks_are_listed_and_lifted(place: Place, attempts: Attempts) -> None:
    for _ in range(3):
        fail(attempts, "Alice", person="id-alice")
    listed = place.run("account", "locks", "--json").json()
    told = place.run(
        "account", "unlock", "--organisation", FIRE, "--name", "ALICE", "--operator", "m.jones"
    )

    assert [(row["kind"], row["organisation"], row["names"]) for row in listed] == [
        ("person", FIRE, ["alice"])
    ]
    assert told.out.startswith("lifted; reference ")
    assert place.run("account", "locks").err == "0 lock(s)\n"
    fail(attempts, "alice", person="id-alice")


def test_a_source_is_let_go(place: Place, attempts: Attempts) -> None:
    for number in range(100):
        fail(attempts, f"p{number}", source="10.0.0.7")
    with pytest.raises(TooManyAttempts):
        fail(attempts, "new", source="10.0.0.7")

    assert place.run("account", "unlock", "--source", "10.0.0.7").code == 0
    fail(attempts, "new", source="10.0.0.7")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "say whose"),
        (("--organisation", FIRE), 2, "say whose"),
        (("--organisation", FIRE, "--name", "a", "--source", "10.0.0.1"), 2, "say whose"),
        (("--organisation", "cheshire-fir", "--name", "a"), 1, "not among the organisations"),
        (("--organisation", FIRE, "--name", "nobody"), 1, "nobody has failed so lately"),
    ],
)
def test_what_cannot_be_lifted_is_told_so(
    place: Place, words: tuple[str, ...], code: int, said: str
) -> None:
    told = place.run("account", "unlock", *words)

    assert told.code == code
    assert said in told.err
