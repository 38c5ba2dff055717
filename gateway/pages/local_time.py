"""Instants and days as people in the service read and type them, on the clock of London."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
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


def typed_instant(text: str, *, last: bool) -> datetime | None:
    """Read a day or an instant that somebody typed; None where it is neither.

    Without a zone it is on the clock of London. The result is UTC.

    Args:
        text: such as `2026-11-20`, `2026-11-20 14:05` or with seconds and a zone.
        last: whether a day alone means the moment after its last, or else its first.
    """
    if not text:
        return None
    try:
        typed = date.fromisoformat(text)
    except ValueError:
        return _moment(text)
    try:
        if last:
            typed += timedelta(days=1)
        return datetime.combine(typed, time(), LONDON).astimezone(UTC)
    except OverflowError:
        return None


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text.replace(" ", "T", 1))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=LONDON)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
