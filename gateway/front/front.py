"""What a worker holds: its connections, their limits, and the housekeeping between requests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from gateway.audit.entry import EntryDraft, Kind, Outcome, new_reference
from gateway.wire.answers import plain, to_bytes
from gateway.wire.connection import Connection, ConnectionLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.audit.recorder import Recorder
    from gateway.backoffice.transport import UpstreamPool
    from gateway.pipeline import Pipeline
    from gateway.resources import ResourceTally
    from gateway.throttle import RefusalThrottle
    from gateway.wire.connection import Incoming

_log = structlog.get_logger("front")
_SWEEP_SECONDS: Final = 0.25  # how late a deadline may be noticed
_HOUSEKEEPING_SWEEPS: Final = 20  # every five seconds
_SENTENCE: Final = "This request could not be read in one way only, so it was refused."


class Front:
    """The connections of one worker and what serves them; a `RequestHandler`."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        limits: ConnectionLimits,
        max_connections: int,
        pools: Sequence[UpstreamPool],
        recorder: Recorder,
        throttle: RefusalThrottle,
        tally: ResourceTally,
        chores: Sequence[Callable[[], None]],
        wall_us: Callable[[], int],
    ) -> None:
        """Hold the parts.

        Args:
            pipeline: serves requests.
            limits: of each connection.
            max_connections: at a time; more are closed at once.
            pools: connections to the systems, swept here.
            recorder: for refusals of what could not be read.
            throttle: keeps strangers from filling the record.
            tally: counts resources.
            chores: blocking functions to run every few seconds, on a thread.
            wall_us: microseconds since 1970 UTC.
        """
        self.limits = limits
        self.connections: set[Connection] = set()
        self.draining = False
        self._pipeline = pipeline
        self._max_connections = max_connections
        self._pools = pools
        self._recorder = recorder
        self._throttle = throttle
        self._tally = tally
        self._chores = chores
        self._wall_us = wall_us
        self._chore: asyncio.Future[None] | None = None

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        """Answer one request."""
        await self._pipeline.serve(incoming, connection)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:
        """Refuse what could not be read; recorded within limits, and not waited for."""
        reference = new_reference()
        at_us = self._wall_us()
        if self._throttle.admit(connection.peer_ip, code, at_us):
            self._recorder.queue(
                EntryDraft(
                    kind=Kind.ACCESS,
                    at_us=at_us,
                    outcome=Outcome.DENY,
                    reference=reference,
                    code=code,
                    status=status,
                    ip=connection.peer_ip,
                )
            )
        return to_bytes(plain(status, _SENTENCE, reference), head_only=False, keep_open=False)

    def new_connection(self) -> asyncio.Protocol:
        """Make the protocol of an accepted connection."""
        connection = Connection(self, asyncio.get_running_loop())
        if len(self.connections) >= self._max_connections:
            connection.refuse_at_once()
        return connection

    async def keep_house(self) -> None:
        """Notice deadlines, and do the chores, until cancelled."""
        loop = asyncio.get_running_loop()
        sweeps = 0
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            now = loop.time()
            for connection in [each for each in self.connections if each.deadline <= now]:
                connection.expire()
            for pool in self._pools:
                pool.sweep(now)
            sweeps += 1
            if sweeps % _HOUSEKEEPING_SWEEPS == 0:
                self._flush(everything=False)
                self._start_chores(loop)

    async def drain(self, seconds: float) -> None:
        """Answer what has been accepted, then close; cut what is still running after `seconds`."""
        self.draining = True
        for connection in [each for each in self.connections if each.is_idle]:
            connection.close()
        deadline = asyncio.get_running_loop().time() + seconds
        while self.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)
        for pool in self._pools:
            pool.close()
        self._flush(everything=True)

    def _flush(self, *, everything: bool) -> None:
        """Record what was only counted."""
        at_us = self._wall_us()
        for draft in self._tally.flush(at_us, everything=everything):
            self._recorder.queue(draft)
        for draft in self._throttle.flush(at_us, everything=everything):
            self._recorder.queue(draft)

    def _start_chores(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._chore is None or self._chore.done():
            self._chore = loop.run_in_executor(None, self._do_chores)

    def _do_chores(self) -> None:
        for chore in self._chores:
            try:
                chore()
            except Exception:  # noqa: BLE001 -- one chore must not stop the others; it is tried again
                _log.exception("chore failed")
