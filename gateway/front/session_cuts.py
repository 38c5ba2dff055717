"""Ends what still runs for a session that is over: a download, an upload, a stream of events.

A request is decided once, when it begins. What it started may run for hours, so whoever's session
ends meanwhile must lose it too: the sweep, four times a second, finds what runs for a session that
has left the memory or reached a limit, asks the store whether it is over, and cuts it.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from gateway.errors import StoreError
from gateway.identity.sessions.session_cache import DirectoryAway

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.session_cache import SessionCache
    from gateway.visit import Visit
    from gateway.wire.connection import Connection

OVER = "session-ended"
"""The code under which a visit is closed that was cut."""


class SessionCuts:
    """Cuts what runs for sessions that are over. One a worker, on the event loop."""

    def __init__(
        self,
        *,
        running: Mapping[Connection, Visit],
        sessions: SessionCache,
        instant: Callable[[int], datetime],
        wall_us: Callable[[], int],
    ) -> None:
        """Hold the parts.

        Args:
            running: the visits being served.
            sessions: the live sessions of this worker.
            instant: microseconds since 1970 UTC as an aware datetime.
            wall_us: the present instant in microseconds.
        """
        self._running = running
        self._sessions = sessions
        self._instant = instant
        self._wall_us = wall_us
        self._asking: asyncio.Task[None] | None = None

    def sweep(self) -> None:
        """Find what may have lost its session, and have it looked at off the loop."""
        if self._asking is not None and not self._asking.done():
            return
        at_us = self._wall_us()
        suspects: dict[str, LiveSession] = {}
        for visit in self._running.values():
            live = visit.live
            if live is not None and _may_be_over(live, at_us):
                suspects[live.session.hash] = live
        if suspects:
            at = self._instant(at_us)
            loop = asyncio.get_running_loop()
            self._asking = loop.create_task(self._look(list(suspects.values()), at))

    async def _look(self, suspects: list[LiveSession], at: datetime) -> None:
        loop = asyncio.get_running_loop()
        now: dict[str, LiveSession | None] = {}
        for live in suspects:
            try:
                look = partial(self._sessions.look_again, live, at=at)
                found = await loop.run_in_executor(None, look)
            except DirectoryAway:
                found = None
            except StoreError:
                continue  # nothing is known, and nothing new is let through meanwhile
            now[live.session.hash] = found
        for visit in list(self._running.values()):
            if visit.live is None or visit.live.session.hash not in now:
                continue
            found = now[visit.live.session.hash]
            if found is None:
                visit.incoming.fail(401, OVER)
            else:
                visit.live = found


def _may_be_over(live: LiveSession, at_us: int) -> bool:
    return live.dropped or at_us >= live.usable_until_us or at_us - live.seen_us >= live.idle_us
