"""Wrong codes, counted per person in the database: five are borne, then each costs a longer wait.

The count is looked at and written in the transaction that judges the code, under the write lock:
many at once cannot slip past it, and a restart forgets nothing. A right code ends the count, a day
without a wrong one too. Whoever is made to wait can still use a security key, which nobody guesses.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, insert, select, update

from gateway.store.schema import instant, microseconds
from gateway.store.schema_second_factor import second_factor_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureLimits:
    """How wrong codes are borne.

    Attributes:
        free: so many cost nothing.
        first_wait: what the next one costs; each further one costs double.
        longest_wait: no single one costs more.
        forget_after: without a wrong code for so long, the count begins anew.
    """

    free: int = 5
    first_wait: timedelta = timedelta(seconds=30)
    longest_wait: timedelta = timedelta(hours=1)
    forget_after: timedelta = timedelta(days=1)


DEFAULT_LIMITS: Final = FailureLimits()


def wait_until(connection: Connection, staff_id: str, at: datetime) -> datetime | None:
    """Give until when no code of this person is looked at; None if one is looked at now."""
    table = second_factor_failure
    until_us = connection.execute(
        select(table.c.wait_until_us).where(table.c.staff_id == staff_id)
    ).scalar_one_or_none()
    if until_us is None or until_us <= microseconds(at):
        return None
    return instant(until_us)


def count_failure(
    connection: Connection,
    staff_id: str,
    at: datetime,
    limits: FailureLimits = DEFAULT_LIMITS,
) -> int:
    """Count a wrong code, and have the person wait where they must; gives the count."""
    table, at_us = second_factor_failure, microseconds(at)
    row = connection.execute(select(table).where(table.c.staff_id == staff_id)).one_or_none()
    oldest = microseconds(at - limits.forget_after)
    failures = 1 if row is None or row.last_at_us < oldest else row.failures + 1
    values = {
        "failures": failures,
        "last_at_us": at_us,
        "wait_until_us": microseconds(at + _wait(failures, limits)),
    }
    if row is None:
        connection.execute(insert(table).values(staff_id=staff_id, **values))
    else:
        connection.execute(update(table).where(table.c.staff_id == staff_id).values(**values))
    return failures


def forget_failures(connection: Connection, staff_id: str) -> None:
    """End the count, as a right code does."""
    table = second_factor_failure
    connection.execute(delete(table).where(table.c.staff_id == staff_id))


def _wait(failures: int, limits: FailureLimits) -> timedelta:
    beyond = failures - limits.free
    if beyond < 0:
        return timedelta(0)
    # Doubling that often is far beyond any longest wait.
    return min(limits.longest_wait, limits.first_wait * (1 << min(beyond, 20)))
