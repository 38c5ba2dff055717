"""What a worker holds: its connections, their limits, and the housekeeping between requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import structlog

from gateway.api.forward_auth import FORWARD_AUTH_PATH, ForwardAuth, ProxyRefused
from gateway.audit.entry import EntryDraft, Kind, Outcome, new_reference
from gateway.entrance.inside import UNREAD
from gateway.wire.answers import Answer, give, plain, to_bytes
from gateway.wire.connection import Connection
from gateway.wire.limits import ConnectionLimits
from gateway.wire.promise import CLOSE
from gateway.wire.request_head import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from gateway.audit.recorder import Recorder
    from gateway.backoffice.upstream import Upstream
    from gateway.front.session_cuts import SessionCuts
    from gateway.pipeline import Pipeline
    from gateway.resources import ResourceTally
    from gateway.throttle import RefusalThrottle
    from gateway.wire.incoming import Incoming

_log = structlog.get_logger("front")
_SWEEP_SECONDS: Final = 0.25  # how late a deadline may be noticed
_PARTS: Final = 20  # of what is due at once; between them others are served
_HOUSEKEEPING_SWEEPS: Final = 20  # every five seconds
_LAST_SECONDS: Final = 3.0  # to note what was cut; the record itself answers within two
_NOT_ASKED: Final = "Only a proxy that the settings list may ask this, in its own way."
_NO_HOSTS: Mapping[bytes, Pipeline] = MappingProxyType({})
_ALLOWED: Final = b"Allow", ", ".join(sorted(METHODS)).encode("ascii")
_FOR_OPERATORS: Final = {
    "tls-on-plain-port": "a client began TLS where plain HTTP is spoken; is `[tls]` missing?",
    "plain-http": "a client spoke plain HTTP off this machine; is its front listed, `[[front]]`?",
    "proxy-protocol-unexpected": "PROXY protocol from somebody who is no listed `[[front]]`",
    "proxy-header-missing": "a listed front did not begin with PROXY protocol",
    "front-client": "a listed front did not put one address into its field",
}


class Front:
    """The connections of one worker and what serves them; a `RequestHandler`."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        limits: ConnectionLimits,
        max_connections: int,
        upstreams: Sequence[Upstream],
        recorder: Recorder,
        throttle: RefusalThrottle,
        tally: ResourceTally,
        chores: Sequence[Callable[[], None]],
        cuts: SessionCuts,
        forward_auth: ForwardAuth,
        wall_us: Callable[[], int],
        by_host: Mapping[bytes, Pipeline] = _NO_HOSTS,
    ) -> None:
        """Hold the parts.

        Args:
            pipeline: serves requests.
            limits: of each connection.
            max_connections: at a time; more are closed at once.
            upstreams: the systems and the connections to them, swept here.
            recorder: for refusals of what could not be read.
            throttle: keeps strangers from filling the record.
            tally: counts resources.
            chores: blocking functions to run every few seconds, on a thread.
            cuts: ends what runs for sessions that are over.
            forward_auth: reads what other proxies ask.
            wall_us: microseconds since 1970 UTC.
            by_host: what serves those of systems that have hosts of their own, by `Host`.
        """
        self.limits = limits
        self.connections: set[Connection] = set()
        self.draining = False
        self._pipeline = pipeline
        self._max_connections = max_connections
        self._upstreams = upstreams
        self._recorder = recorder
        self._throttle = throttle
        self._tally = tally
        self._chores = chores
        self._cuts = cuts
        self._forward_auth = forward_auth
        self._by_host = by_host
        self._others = forward_auth.hosts | by_host.keys()
        self._wall_us = wall_us
        self._chore: asyncio.Future[None] | None = None

    def serve(self, incoming: Incoming, connection: Connection) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        head = incoming.head
        if head.target.startswith(FORWARD_AUTH_PATH) or (
            self._others and head.headers[b"host"] in self._others
        ):
            return self._serve_other(incoming, connection)
        return self._pipeline.serve(incoming, connection)

    def _serve_other(self, incoming: Incoming, connection: Connection) -> Coroutine[Any, Any, None]:
        """Answer at a host that is not the gateway's own, or a proxy that asks."""
        head = incoming.head
        pipeline = self._by_host.get(head.headers[b"host"])
        if pipeline is None or head.target.startswith(FORWARD_AUTH_PATH):
            return self._serve_asked(incoming, connection)
        return pipeline.serve(incoming, connection)

    async def _serve_asked(self, incoming: Incoming, connection: Connection) -> None:
        """Answer a proxy that asks about a request it holds."""
        try:
            held, asking = self._forward_auth.read(incoming, connection.peer_ip)
        except ProxyRefused as error:
            answer = self.refusal(error.status, error.code, connection.peer_ip, _NOT_ASKED)
            give(answer, incoming, connection)
        except Exception:  # noqa: BLE001 -- nobody else would hear of it, and the proxy would wait
            _log.exception("question not answered")
            connection.abort()
        else:
            host = b"" if asking is None else asking.host
            await self._by_host.get(host, self._pipeline).serve(held, connection, asking)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:
        """Refuse what could not be read."""
        answer = self.refusal(status, code, connection.peer_ip, UNREAD)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:  # RFC 9110 section 15.5.6
            answer = replace(answer, fields=(*answer.fields, _ALLOWED))
        return to_bytes(answer, connection=connection.answer_fields + CLOSE)

    def refusal(self, status: int, code: str, ip: str, sentence: str) -> Answer:
        """Give a refusal that came before any visit; recorded within limits, not waited for."""
        at_us = self._wall_us()
        reference = new_reference(at_us)
        if self._throttle.admit(ip, code, at_us):
            if code in _FOR_OPERATORS:
                _log.warning(_FOR_OPERATORS[code], reference=reference)
            self._recorder.queue(
                EntryDraft(
                    kind=Kind.ACCESS,
                    at_us=at_us,
                    outcome=Outcome.DENY,
                    reference=reference,
                    code=code,
                    status=status,
                    ip=ip,
                )
            )
        return plain(status, sentence, reference)

    def has_room(self, entering: int) -> bool:
        """Tell whether another connection is taken beside those that are on their way in."""
        return len(self.connections) + entering < self._max_connections

    async def keep_house(self, note_connections: Callable[[int], None]) -> None:
        """Notice deadlines, and do the chores, until cancelled.

        Args:
            note_connections: told a few times a second how many connections there are.
        """
        loop = asyncio.get_running_loop()
        sweeps, begun = 0, loop.time()
        while True:
            await asyncio.sleep(begun + _SWEEP_SECONDS - loop.time())
            sweeps, begun = sweeps + 1, loop.time()
            try:
                note_connections(len(self.connections))
                await self._sweep(begun)
                if sweeps % _HOUSEKEEPING_SWEEPS == 0:
                    self._flush(everything=False)
                    self._start_chores(loop)
            except Exception:  # noqa: BLE001 -- without its sweeps a worker has no deadlines at all
                _log.exception("housekeeping failed")

    async def _sweep(self, now: float) -> None:
        """End what has passed its deadline.

        Of hundreds that are due at once, a few at a time: each is refused, recorded and closed, and
        whoever asks for something meanwhile would wait for all of them.
        """
        for upstream in self._upstreams:
            upstream.sweep(now)
        self._cuts.sweep()
        due = [each for each in self.connections if each.deadline <= now]
        part = -(-len(due) // _PARTS)
        for number, connection in enumerate(due, start=1):
            if connection.deadline <= now and connection in self.connections:
                connection.expire()
            if number % part == 0 and number < len(due):
                await asyncio.sleep(_SWEEP_SECONDS / _PARTS)

    async def drain(self, seconds: float) -> None:
        """Answer what has been accepted, then close; cut what is still running after `seconds`.

        A connection whose first request has not come yet was accepted too: it keeps its time.
        """
        self.draining = True
        for connection in [each for each in self.connections if each.is_idle]:
            connection.close()
        self._cuts.leave()
        deadline = asyncio.get_running_loop().time() + seconds
        while self.connections and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        cut = list(self.connections)
        for connection in cut:
            connection.abort()
        # What was cut is recorded as such by whoever served it.
        running = [each.task for each in cut if each.task is not None and not each.task.done()]
        unfinished = [*running, *([] if self._chore is None else [self._chore])]
        if unfinished:
            await asyncio.wait(unfinished, timeout=_LAST_SECONDS)
        for upstream in self._upstreams:
            upstream.close()
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
