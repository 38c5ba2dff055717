"""Leases: what one worker at a time does for all of them, whichever gateway it belongs to.

The holder extends its lease while it works; when it dies, another takes over once the lease is
over. Two workers may for a moment both believe they hold it (a clock that was set, a store that was
slow), so what is done under a lease must bear being done twice.
"""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select

from gateway.store import schema
from gateway.store.engine import reading, writing


class Lease:
    """One worker's claim to one task. Blocks; for one thread."""

    def __init__(self, engine: Engine, name: str, *, span: timedelta) -> None:
        """Claim nothing yet.

        Args:
            engine: the store.
            name: of the task.
            span: how long the task is held without being extended.
        """
        self._engine = engine
        self._name = name
        self._span = span
        self._holder = f"{os.getpid()}-{secrets.token_hex(8)}"

    def hold(self, *, at: datetime) -> bool:
        """Take or extend the lease.

        Returns:
            Whether it is ours now.

        Raises:
            StoreUnavailable: if the database does not answer.
        """
        at_us = schema.microseconds(at)
        span_us = self._span // schema.MICROSECOND
        table = schema.lease
        look = select(table.c.holder, table.c.until_us).where(table.c.name == self._name)
        with reading(self._engine) as connection:
            row = connection.execute(look).one_or_none()
        if row is not None and at_us < row.until_us:
            if row.holder != self._holder:
                return False
            if row.until_us - at_us > span_us // 2:
                return True
        with writing(self._engine) as connection:
            row = connection.execute(look).one_or_none()
            if row is not None and row.holder != self._holder and at_us < row.until_us:
                return False
            connection.execute(delete(table).where(table.c.name == self._name))
            connection.execute(
                insert(table).values(name=self._name, holder=self._holder, until_us=at_us + span_us)
            )
        return True

    def release(self) -> None:
        """Give it back at once, for a worker that stops."""
        table = schema.lease
        with writing(self._engine) as connection:
            connection.execute(
                delete(table).where(table.c.name == self._name, table.c.holder == self._holder)
            )
