"""Days and instants in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

from gateway.pages import local_time


def test_instants_are_on_the_clock_of_london() -> None:
    """In summer a person's watch is an hour ahead of UTC."""
    at = datetime(2026, 7, 31, 23, 30, tzinfo=UTC)

    assert local_time.day_and_time(at) == "1 August 2026 at 00:30"
    assert local_time.exact_time(at) == "2026-08-01 00:30:00"
    assert local_time.machine_time(at) == "2026-07-31T23:30:00Z"
    assert local_time.today(at) == date(2026, 8, 1)
