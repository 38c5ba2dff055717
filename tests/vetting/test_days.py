"""Days of Europe/London as instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vetting.days import (
    day_begins_at,
    day_ends_at,
    day_in_words,
    day_of,
    last_day_of_months,
    last_day_of_years,
)


@pytest.mark.parametrize(
    ("day", "begins", "ends"),
    [
        # winter: local midnight is midnight UTC
        (date(2026, 1, 15), datetime(2026, 1, 15, tzinfo=UTC), datetime(2026, 1, 16, tzinfo=UTC)),
        # summer: 24:00 is 23:00 UTC
        (
            date(2026, 7, 1),
            datetime(2026, 6, 30, 23, tzinfo=UTC),
            datetime(2026, 7, 1, 23, tzinfo=UTC),
        ),
        # the clocks go forward: the day has 23 hours
        (
            date(2026, 3, 29),
            datetime(2026, 3, 29, tzinfo=UTC),
            datetime(2026, 3, 29, 23, tzinfo=UTC),
        ),
        # the clocks go back: the day has 25 hours
        (
            date(2026, 10, 25),
            datetime(2026, 10, 24, 23, tzinfo=UTC),
            datetime(2026, 10, 26, tzinfo=UTC),
        ),
        # leap day and the end of a year
        (date(2028, 2, 29), datetime(2028, 2, 29, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (date(2026, 12, 31), datetime(2026, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_day_is_the_local_day(day: date, begins: datetime, ends: datetime) -> None:
    assert day_begins_at(day) == begins
    assert day_ends_at(day) == ends


@given(st.dates(date(1990, 1, 1), date(8000, 1, 1)))
def test_days_follow_each_other_without_a_gap(day: date) -> None:
    assert day_ends_at(day) == day_begins_at(day + timedelta(days=1))
    assert day_of(day_begins_at(day)) == day
    assert day_of(day_ends_at(day) - timedelta(microseconds=1)) == day


def test_a_day_is_written_as_staff_read_it() -> None:
    assert day_in_words(date(2026, 11, 2)) == "2 November 2026"
    assert day_in_words(date(2027, 5, 31)) == "31 May 2027"


@pytest.mark.parametrize(
    ("first", "months", "last"),
    [
        (date(2024, 2, 29), 36, date(2027, 2, 28)),  # leap day: never a day more than was granted
        (date(2024, 2, 29), 48, date(2028, 2, 28)),
        (date(2024, 3, 1), 12, date(2025, 2, 28)),
        (date(2023, 3, 1), 12, date(2024, 2, 29)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 5, 31), 1, date(2026, 6, 30)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 1, 1), 12, date(2026, 12, 31)),
    ],
)
def test_so_many_months_end_on_the_day_before_the_anniversary(
    first: date, months: int, last: date
) -> None:
    assert last_day_of_months(first, months) == last
    if months % 12 == 0:
        assert last_day_of_years(first, months // 12) == last
