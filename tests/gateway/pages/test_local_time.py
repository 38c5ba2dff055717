"""Days and instants in words."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from gateway.pages import local_time


def test_instants_are_on_the_clock_of_london() -> None:
    """In summer a person's watch is an hour ahead of UTC."""
    at = datetime(2026, 7, 31, 23, 30, tzinfo=UTC)

    assert local_time.day_and_time(at) == "1 August 2026 at 00:30"
    assert local_time.exact_time(at) == "2026-08-01 00:30:00"
    assert local_time.machine_time(at) == "2026-07-31T23:30:00Z"
    assert local_time.today(at) == date(2026, 8, 1)


@pytest.mark.parametrize(
    ("typed", "first", "last"),
    [
        ("2026-07-31", "2026-07-30T23:00", "2026-07-31T23:00"),
        ("2026-07-31 09:00", "2026-07-31T08:00", "2026-07-31T08:00"),
        ("2026-07-31T09:00+00:00", "2026-07-31T09:00", "2026-07-31T09:00"),
        ("2026-12-01", "2026-12-01T00:00", "2026-12-02T00:00"),
        ("yesterday", None, None),
        ("9999-12-31", "9999-12-31T00:00", None),
        ("", None, None),
    ],
)
def test_what_is_typed_is_on_the_clock_of_london_and_a_day_has_two_ends(
    typed: str, first: str | None, last: str | None
) -> None:
    for wanted, is_last in ((first, False), (last, True)):
        read = local_time.typed_instant(typed, last=is_last)
        told = None if read is None else f"{read:%Y-%m-%dT%H:%M}"
        assert told == wanted
