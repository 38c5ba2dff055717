"""One instant, three ways to say it."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from gateway.front.clock import clock, wall_us
from gateway.store.schema import instant


def test_an_instant_is_the_same_in_microseconds_and_as_a_datetime() -> None:
    assert instant(1_763_719_200_000_001) == datetime(2025, 11, 21, 10, 0, 0, 1, tzinfo=UTC)
    before = wall_us()
    assert instant(before) <= clock() <= instant(wall_us())


def test_no_microsecond_is_lost_on_the_way() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    chance = random.Random(7)
    for _ in range(2_000):
        at_us = chance.randrange(1_500_000_000_000_000, 4_000_000_000_000_000)
        assert instant(at_us) == epoch + timedelta(microseconds=at_us)
