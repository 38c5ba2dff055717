"""How fast requests may come: a burst, then a steady rate, and nobody waits for a clock."""

from __future__ import annotations

import gc

from gateway.pace import Pace, PersonPaces, SourcePaces

SECOND = 1_000_000
START = 1_800_000_000 * SECOND


def taken(pace: Pace, times: int, at_us: int = START) -> int:
    return sum(pace.take(at_us) == 0 for _ in range(times))


def test_ten_seconds_worth_may_come_at_once_and_then_as_much_as_time_brings() -> None:
    pace = Pace(20)

    assert taken(pace, 300) == 200
    assert taken(pace, 300, START + SECOND) == 20
    assert taken(pace, 300, START + 100 * SECOND) == 200


def test_who_comes_too_fast_is_told_after_how_long_there_is_room_again() -> None:
    pace = Pace(1)
    assert taken(pace, 10) == 10

    assert pace.take(START) == 1
    assert pace.take(START + SECOND // 2) == 1
    assert pace.take(START + SECOND) == 0


def test_asking_in_vain_does_not_prolong_the_wait() -> None:
    pace = Pace(1)
    taken(pace, 1_000)

    assert pace.take(START + SECOND) == 0


def test_a_clock_that_goes_back_makes_nobody_wait() -> None:
    pace = Pace(20)
    taken(pace, 300)

    assert taken(pace, 300, START - 3_600 * SECOND) == 200


def test_the_sessions_of_a_person_share_a_pace_while_one_of_them_is_held() -> None:
    paces = PersonPaces(20)
    desk, phone, other = paces.of("fire/1"), paces.of("fire/1"), paces.of("fire/2")
    taken(desk, 300)

    assert desk is phone
    assert taken(phone, 1) == 0
    assert taken(other, 1) == 1
    del desk, phone, other
    gc.collect()
    assert len(paces._paces) == 0


def test_sources_have_a_pace_each_and_neighbours_in_ipv6_share_theirs() -> None:
    paces = SourcePaces(1)

    def passes(source: str) -> bool:
        return paces.take(source, "/", START) == 0

    assert [passes("192.0.2.7") for _ in range(11)] == [True] * 10 + [False]
    assert passes("192.0.2.8")
    assert [passes(f"2001:db8::{number:x}") for number in range(11)] == [True] * 10 + [False]


def test_what_programs_call_has_limits_of_its_own() -> None:
    paces = SourcePaces(1, exempt=lambda path: path == "/api")

    assert all(paces.take("192.0.2.7", "/api", START) == 0 for _ in range(50))


def test_sources_are_bounded_and_the_one_that_was_quiet_longest_is_forgotten() -> None:
    paces = SourcePaces(1, sources=2)
    for source in ("a", "b"):
        for _ in range(11):
            paces.take(source, "/", START)
    paces.take("a", "/", START)
    paces.take("c", "/", START)

    assert set(paces._paces) == {"a", "c"}
    assert paces.take("a", "/", START) == 1
