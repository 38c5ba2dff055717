"""Counts how often each person used a function, where a rule says how often they may.

The count is in the store: it holds over all workers and outlives them. A use is counted before it
is let through, and is counted only where it may be; who asks too often does not prolong the wait.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from gateway.store import schema
from gateway.store.engine import writing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Engine

    from policies.obligations import Rate

_MINUTE_US = 60_000_000


class RateUses:
    """The uses of every person. Blocks; safe for threads."""

    def __init__(self, engine: Engine) -> None:
        """Count in this store."""
        self._engine = engine

    def take(
        self, staff_id: str, function: str, rates: Iterable[Rate], *, at: datetime
    ) -> timedelta | None:
        """Count a use, if every rate leaves room for it.

        Args:
            staff_id: who uses it.
            function: id of the function.
            rates: how often they may.
            at: the instant.

        Returns:
            None where it was counted; else how long it takes until there is room again.

        Raises:
            StoreUnavailable: the database does not answer; nothing may pass then.
        """
        table, at_us = schema.rate_use, schema.microseconds(at)
        theirs = (table.c.staff_id == staff_id, table.c.function == function)
        wait_us = 0
        with writing(self._engine) as connection:
            for rate in rates:
                within = table.c.at_us > at_us - rate.minutes * _MINUTE_US
                # The use that has to be forgotten before there is room for another.
                newest = (
                    select(table.c.at_us)
                    .where(*theirs, within)
                    .order_by(table.c.at_us.desc())
                    .limit(1)
                    .offset(rate.most - 1)
                )
                in_the_way = connection.execute(newest).scalar_one_or_none()
                if in_the_way is not None:
                    wait_us = max(wait_us, in_the_way + rate.minutes * _MINUTE_US - at_us)
            if wait_us:
                return timedelta(microseconds=wait_us)
            longest = max((rate.minutes for rate in rates), default=0)
            connection.execute(
                insert(table).values(
                    staff_id=staff_id,
                    function=function,
                    at_us=at_us,
                    until_us=at_us + longest * _MINUTE_US,
                )
            )
            # Those of everybody: nobody else removes what limits no one any more.
            connection.execute(delete(table).where(table.c.until_us <= at_us))
        return None
