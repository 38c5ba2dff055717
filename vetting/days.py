"""Days as the vetting unit means them: whole days of Europe/London, as instants in UTC.

A date on a certificate or an agreement covers the whole local day: in summer it begins and ends at
23:00 UTC, in winter at midnight. The clocks change at 01:00 UTC, so midnight is never ambiguous.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")

# Beyond this, "the day after" and other zones would leave what `datetime` can hold. A far date such
# as 9999-12-31 is a way of saying "no end" and must be written as no end.
LAST_YEAR = 9000

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def day_begins_at(day: date) -> datetime:
    """Give the instant (UTC) at which a day begins in London."""
    return datetime.combine(day, time.min, tzinfo=LONDON).astimezone(UTC)


def day_ends_at(day: date) -> datetime:
    """Give the instant (UTC) at which a day is over in London: 24:00, no longer part of it."""
    return day_begins_at(day + timedelta(days=1))


def day_of(at: datetime) -> date:
    """Tell which day an instant falls on in London."""
    return at.astimezone(LONDON).date()


def day_in_words(day: date) -> str:
    """Write a day as staff read it, e.g. `20 November 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def last_day_of_years(first: date, years: int) -> date:
    """Give the last day of so many years from a first day: the day before the anniversary."""
    return last_day_of_months(first, 12 * years)


def last_day_of_months(first: date, months: int) -> date:
    """Give the last day of so many months from a first day.

    Where the month has no such day (29 February, 31 June), the months end with that month: never
    a day more than was granted.
    """
    count = first.year * 12 + first.month - 1 + months
    year, month = divmod(count, 12)
    try:
        return date(year, month + 1, first.day) - timedelta(days=1)
    except ValueError:
        return date(year, month + 2, 1) - timedelta(days=1)  # never December: it has every day
