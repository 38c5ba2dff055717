"""The instances that an operator has taken out: kept in the store, followed by every worker.

A drained instance stays drained through restarts, until it is given back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from gateway.bulletin import EVERYTHING
from gateway.store import schema
from gateway.store.engine import reading

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from gateway.backoffice.upstream import Upstream
    from gateway.bulletin import Bulletin

SUBJECT = "upstreams"
"""On the bulletin: something was drained, or given back."""


def drained_instances(connection: Connection) -> dict[str, dict[str, int]]:
    """Give what is drained: of each system the instances, and since when (microseconds UTC)."""
    table = schema.drained_instance
    found: dict[str, dict[str, int]] = {}
    for row in connection.execute(select(table).order_by(table.c.system, table.c.instance)):
        found.setdefault(row.system, {})[row.instance] = row.at_us
    return found


def set_drained(
    connection: Connection,
    bulletin: Bulletin,
    system: str,
    instance: str,
    *,
    drained: bool,
    at: datetime,
) -> bool:
    """Drain an instance or give it back, and announce it; the caller rings after the commit.

    Returns:
        Whether that changed anything.
    """
    table = schema.drained_instance
    where = (table.c.system == system, table.c.instance == instance)
    is_drained = connection.execute(select(table).where(*where)).first() is not None
    if is_drained is drained:
        return False
    if drained:
        at_us = schema.microseconds(at)
        connection.execute(insert(table).values(system=system, instance=instance, at_us=at_us))
    else:
        connection.execute(delete(table).where(*where))
    bulletin.announce(connection, SUBJECT, at)
    return True


class DrainFollower:
    """Keeps one worker's systems in step with what is drained."""

    def __init__(
        self, engine: Engine, upstreams: Sequence[Upstream], loop: asyncio.AbstractEventLoop
    ) -> None:
        """Hold the systems. Have a `BulletinReader` listen with `apply`, then call `read`.

        Args:
            engine: the store.
            upstreams: the systems of this worker.
            loop: which they belong to.
        """
        self._engine = engine
        self._upstreams = upstreams
        self._loop = loop

    def read(self) -> None:
        """Drain what is drained, and nothing else (blocks); any thread may call it.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with reading(self._engine) as connection:
            found = drained_instances(connection)
        for upstream in self._upstreams:
            urls = frozenset(found.get(upstream.id, ()))
            self._loop.call_soon_threadsafe(upstream.drain, urls)

    def apply(self, subjects: frozenset[str]) -> None:
        """Read again where something was drained or given back."""
        if SUBJECT in subjects or EVERYTHING in subjects:
            self.read()
