"""One instant, three ways to say it."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.front.clock import clock, instant, wall_us


def test_an_instant_is_the_same_in_microseconds_and_as_a_datetime() -> None:
    assert instant(1_763_719_200_000_001) == datetime(2025, 11, 21, 10, 0, 0, 1, tzinfo=UTC)
    before = wall_us()
    assert instant(before) <= clock() <= instant(wall_us())
