"""What comes a second time is told from what comes once; what is noted of it is bounded."""

from __future__ import annotations

from gateway.newcomers import Newcomers


def test_what_comes_again_came_before_and_what_is_new_did_not() -> None:
    newcomers = Newcomers(10)

    assert [newcomers.came_before(each) for each in ("a", "b", "a", "c")] == [
        False,
        False,
        True,
        False,
    ]


def test_what_came_before_is_a_newcomer_again_once_it_was_forgotten_elsewhere() -> None:
    newcomers = Newcomers(10)

    assert [newcomers.came_before("a") for _ in range(4)] == [False, True, False, True]


def test_what_is_noted_is_bounded() -> None:
    newcomers = Newcomers(100)
    for number in range(10_000):
        newcomers.came_before(number)

    assert len(newcomers._once) <= 100
