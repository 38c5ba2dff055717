"""Ends what still runs and may not any more: a download, an upload, a stream of events.

What a request started may run for hours. The sweep, four times a second, cuts it

1. when its session is over: it finds what runs for a session that has left the memory or reached a
   limit, and asks the store;
2. when it would be denied now: it is decided again once another policy set is in force, each time
   its session is read anew as something about the person has changed, and with each minute, as
   agreements and rules begin and end by day, hour and minute. What was shown or given for it (a
   second factor, a purpose) counts as it did when it began. The denial is recorded.

A worker that stops tells WebSockets so at once; whatever else runs has its time to end.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from gateway.conditions import DONE_TO_ANSWERS
from gateway.drafts import taken_back_draft
from gateway.errors import StoreError
from gateway.identity.sessions.live_session import DirectoryAway
from gateway.store.schema import instant, microseconds
from gateway.wire.tunnel import LEAVING
from gateway.wire.websocket_head import WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from gateway.audit.recorder import Recorder
    from gateway.identity.sessions.live_session import LiveSession
    from gateway.identity.sessions.session_cache import SessionCache
    from gateway.visit import Visit
    from gateway.wire.connection import Connection
    from policies.engine import Engine

OVER = "session-ended"
PERMIT_OVER = "permit-ended"
"""The codes under which a visit is closed that was cut."""

_MINUTE_US: Final = 60_000_000


class SessionCuts:
    """Cuts what may not run any more. One a worker, on the event loop."""

    def __init__(
        self,
        *,
        running: Mapping[Connection, Visit],
        sessions: SessionCache,
        engine: Callable[[], Engine],
        recorder: Recorder,
        wall_us: Callable[[], int],
    ) -> None:
        """Hold the parts.

        Args:
            running: the visits being served.
            sessions: the live sessions of this worker.
            engine: gives the compiled policy set in force.
            recorder: for denials of what was permitted when it began.
            wall_us: the present instant in microseconds.
        """
        self._running = running
        self._sessions = sessions
        self._engine = engine
        self._recorder = recorder
        self._wall_us = wall_us
        self._minute = 0  # for which all of it was decided again
        self._later: list[Visit] = []  # being recorded just then
        self._asking: asyncio.Task[None] | None = None

    def sweep(self) -> None:
        """Cut what is denied now; find what may have lost its session, and have it looked at."""
        at_us, engine = self._wall_us(), self._engine()
        minute = at_us // _MINUTE_US
        before = self._minute or minute
        self._minute = minute
        at = instant(at_us)
        later, self._later = self._later, []
        for visit in later:
            if self._running.get(visit.client) is visit:
                self._decide_again(visit, engine, at)
        for visit in list(self._running.values()):
            if visit.engine is not engine or minute != before:
                self._decide_again(visit, engine, at)
        if self._asking is not None and not self._asking.done():
            return
        suspects: dict[str, LiveSession] = {}
        for visit in self._running.values():
            live = visit.live
            if live is not None and _may_be_over(live, at_us):
                suspects[live.session.hash] = live
        if suspects:
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
                self._decide_again(visit, self._engine(), at)

    def _decide_again(self, visit: Visit, engine: Engine, at: datetime) -> None:
        """Cut a visit that was let through and would be denied now."""
        live, asked = visit.live, visit.question
        if live is None or asked is None:
            return
        if visit.draft is None:  # not let through, or not yet: then it is looked at again
            self._later.append(visit)
            return
        visit.engine = engine
        # What is done to answers was begun with this one, or is not done to it any more.
        honours = asked.honours if visit.done else asked.honours - DONE_TO_ANSWERS
        age_us = asked.second_factor_age_us
        if age_us is not None:  # what is followed was asked a moment before it began
            age_us += visit.at_us - microseconds(asked.at)
        question = replace(
            asked, subject=live.subject, at=at, honours=honours, second_factor_age_us=age_us
        )
        decision = engine.decide(question)
        if not decision.permitted and not visit.incoming.failed:
            visit.incoming.fail(403, PERMIT_OVER)
            self._recorder.queue(taken_back_draft(visit, question, decision))

    def leave(self) -> None:
        """Have the clients of WebSockets turn to another worker."""
        for visit in list(self._running.values()):
            if visit.method == WEBSOCKET:
                visit.incoming.fail(503, LEAVING)


def _may_be_over(live: LiveSession, at_us: int) -> bool:
    return live.dropped or at_us >= live.usable_until_us or live.is_over(at_us)
