"""Passwords of the gateway's own accounts: argon2id, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import argon2
import pytest

from gateway.identity.signing_in.password_hash import (
    WAITING,
    HashingBusy,
    PasswordCheck,
    hash_password,
)

PASSWORD = "k7qm-x2ph-9wzt-a4cd"


@pytest.fixture(scope="module")
def stored() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def check() -> Iterator[PasswordCheck]:
    made = PasswordCheck()
    yield made
    made.close()


def test_it_is_argon2id_of_64_mib_3_passes_and_4_lanes(stored: str) -> None:
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in stored


def test_only_the_password_is_right(check: PasswordCheck, stored: str) -> None:
    assert check.is_right(stored, PASSWORD)
    assert not check.is_right(stored, PASSWORD + " ")
    assert not check.is_right(stored, "")


@pytest.mark.parametrize("damaged", ["", "x", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$x"])
def test_what_is_no_hash_is_nobodys_password(check: PasswordCheck, damaged: str) -> None:
    assert not check.is_right(damaged, PASSWORD)


def test_an_unknown_account_costs_what_a_known_one_costs(
    check: PasswordCheck, stored: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same computation, with the same parameters, is made for both."""
    made: list[argon2.Parameters] = []
    verify = argon2.PasswordHasher.verify

    def noted(hasher: argon2.PasswordHasher, hashed: str, password: str) -> bool:
        made.append(argon2.extract_parameters(hashed))
        return verify(hasher, hashed, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", noted)

    assert not check.is_right(stored, "wrong")
    assert not check.is_right(None, "wrong")
    assert made[0] == made[1]


def test_one_is_computed_at_a_time_and_few_may_wait(
    check: PasswordCheck, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or memory could be used up by asking: each takes 64 MiB."""
    let_go, running, most = threading.Event(), [0], [0]

    def slow(*_: object) -> bool:
        running[0] += 1
        most[0] = max(most[0], running[0])
        let_go.wait(20)
        running[0] -= 1
        return True

    monkeypatch.setattr(argon2.PasswordHasher, "verify", slow)
    threads = [threading.Thread(target=check.is_right, args=("x", "x")) for _ in range(1 + WAITING)]
    for thread in threads:
        thread.start()
    while check._places._value:
        threading.Event().wait(0.01)
    with pytest.raises(HashingBusy):
        check.is_right("x", "x")
    let_go.set()
    for thread in threads:
        thread.join()

    assert most == [1]
    assert check.is_right("x", "x")
