"""Instants and days as people in the service read them: in words, on the clock of London."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")


def day(value: date) -> str:
    """Write a day, such as `20 November 2026`."""
    return f"{value.day} {value:%B %Y}"


def day_and_time(at: datetime) -> str:
    """Write an instant, such as `20 November 2026 at 14:05`, on the clock of London."""
    local = at.astimezone(LONDON)
    return f"{day(local.date())} at {local:%H:%M}"


def clock(at: datetime) -> str:
    """Write the time of day of an instant, such as `14:05`, on the clock of London."""
    return f"{at.astimezone(LONDON):%H:%M}"


def exact_time(at: datetime) -> str:
    """Write an instant for a table, such as `2026-11-20 14:05:09`, on the clock of London."""
    return f"{at.astimezone(LONDON):%Y-%m-%d %H:%M:%S}"


def machine_time(at: datetime) -> str:
    """Write an instant for the `datetime` attribute: UTC to the second, with `Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def today(at: datetime) -> date:
    """Give the day that it is in London at an instant."""
    return at.astimezone(LONDON).date()
