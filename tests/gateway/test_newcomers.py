"""What comes a second time is told from what comes once; what is noted of it is bounded."""

from __future__ import annotations

import pytest

from gateway.newcomers import Newcomers


@pytest.mark.parametrize("what", [0, 1, -1, 2**61 - 1, "a", (b"/x", "GET")])
def test_what_comes_again_came_before_and_is_a_newcomer_after_that(what: object) -> None:
    newcomers = Newcomers(10)

    assert [newcomers.came_before(what) for _ in range(4)] == [False, True, False, True]


def test_what_is_new_did_not_come_before() -> None:
    newcomers = Newcomers(100)
    for number in range(100):
        assert not newcomers.came_before(number * 7)
    came = sum(newcomers.came_before(number * 7) for number in range(100))

    assert came >= 98  # 0 and what has its place


def test_a_flood_of_newcomers_takes_no_memory_and_what_comes_soon_again_is_known() -> None:
    newcomers = Newcomers(1_000)
    for number in range(1, 10_000):
        assert not newcomers.came_before(number)

    assert len(newcomers._once) == 1_000
    assert newcomers.came_before(9_999)
    assert not newcomers.came_before(1)
