"""A front without a pipeline over real sockets: everything is forwarded to a scripted system."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from itertools import repeat
from typing import Protocol

from gateway.backoffice.canonical import canonicalise_target
from gateway.backoffice.forward import Forwarded, ForwardedVisit, Outbound
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.headers import told_fields
from gateway.backoffice.transport import ExchangeError
from gateway.backoffice.upstream import Upstream
from gateway.backoffice.upstream_address import NEVER, UpstreamAddress
from gateway.wire.answers import give, plain, to_bytes
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream
from tests.gateway.backoffice.systems import system_at
from tests.gateway.visits import new_visit

REFERENCE = "0123456789"
BODY_BYTES = 4096
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
KeepAnswer = Callable[[list[bytes], bytes | None], Awaitable[None]]


class Forwards(Protocol):
    """The wire to a system."""

    async def forward(self, visit: ForwardedVisit, outbound: Outbound) -> Forwarded:
        """Take a request there."""
        ...


class Gate:
    """Forwards every request, and keeps what came of it."""

    def __init__(
        self,
        forwarder: Forwards,
        limits: ConnectionLimits,
        keep: KeepAnswer | None,
        origins: Mapping[str, bytes],
    ) -> None:
        self.limits = limits
        self.connections: set[Connection] = set()
        self.draining = False
        self.results: list[Forwarded | ExchangeError] = []
        self.cookies: list[bytes] = []
        self.locations: list[bytes | None] = []
        self.learns = True
        self.address = ("127.0.0.1", 0)
        self.askers: Iterator[str] = repeat("staff-1")
        self._clients: list[RawClient] = []
        self._forwarder = forwarder
        self._origins = origins
        self._keep = keep or self._note

    async def _note(self, values: list[bytes], location: bytes | None) -> None:
        await asyncio.sleep(0)
        self.cookies += values
        self.locations.append(location)

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        outbound = Outbound(
            target=canonicalise_target(incoming.head.target, frozenset()),
            told=told_fields([(b"Gateway-Assertion", b"signed")], b"jar=1"),
            origins=self._origins,
            resource=False,
            keep=lambda _, values, location: self._keep(values, location),
            learns=lambda: self.learns,
            body_bytes=BODY_BYTES,
            asker=next(self.askers),
        )
        visit = new_visit(incoming, connection)
        visit.reference = REFERENCE
        try:
            result = await self._forwarder.forward(visit, outbound)
            self.results.append(result)
            if not result.answered:
                give(plain(result.status, result.code, REFERENCE), incoming, connection)
        except ExchangeError as error:
            self.results.append(error)
            give(plain(error.status, error.code, REFERENCE), incoming, connection)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:  # noqa: ARG002
        return to_bytes(plain(status, code, REFERENCE))

    async def another_client(self) -> RawClient:
        """Connect a browser."""
        client = RawClient(*await asyncio.open_connection(*self.address))
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close what is open."""
        for client in self._clients:
            client.writer.close()
        for connection in list(self.connections):
            connection.abort()


@contextlib.asynccontextmanager
async def gate(
    script: Script,
    *,
    first_byte_seconds: float = 2,
    idle_seconds: float = 2,
    slow_seconds: float = 2,
    total_seconds: float = NEVER,
    max_connections: int = 4,
    port: int | None = None,
    keep: KeepAnswer | None = None,
    wire: Callable[[Upstream], Forwards] = Forwarder,
) -> AsyncIterator[tuple[RawClient, Gate, ScriptedUpstream]]:
    """Listen on a free port, with one browser connected; deadlines are noticed within 20 ms."""
    async with ScriptedUpstream(script) as upstream:
        address = UpstreamAddress(
            host="127.0.0.1",
            port=port or upstream.port,
            tls=None,
            connect_seconds=1,
            first_byte_seconds=first_byte_seconds,
            idle_seconds=first_byte_seconds,
            total_seconds=total_seconds,
            max_connections=max_connections,
        )
        system = system_at((f"http://127.0.0.1:{upstream.port}", address))
        async with gate_to(
            system, idle_seconds=idle_seconds, slow_seconds=slow_seconds, keep=keep, wire=wire
        ) as (client, handler):
            yield client, handler, upstream


@contextlib.asynccontextmanager
async def gate_to(
    system: Upstream,
    *,
    idle_seconds: float = 2,
    slow_seconds: float = 2,
    keep: KeepAnswer | None = None,
    wire: Callable[[Upstream], Forwards] = Forwarder,
) -> AsyncIterator[tuple[RawClient, Gate]]:
    """Listen in front of a system that is there already."""
    loop = asyncio.get_running_loop()
    limits = ConnectionLimits(
        head_bytes=8192,
        head_fields=50,
        head_seconds=0.5,
        idle_seconds=idle_seconds,
        slow_seconds=slow_seconds,
        hosts=frozenset({b"gate"}),
    )
    handler = Gate(wire(system), limits, keep, system.origins)

    async def sweep() -> None:
        while True:
            await asyncio.sleep(0.02)
            system.sweep(loop.time())
            for connection in [c for c in handler.connections if c.deadline <= loop.time()]:
                connection.expire()

    sweeper = loop.create_task(sweep())
    server = await loop.create_server(lambda: Connection(handler, loop), "127.0.0.1", 0)
    handler.address = server.sockets[0].getsockname()
    try:
        yield await handler.another_client(), handler
    finally:
        sweeper.cancel()
        server.close()
        handler.close()
        system.close()
        await asyncio.sleep(0.01)


def answering(*answers: bytes) -> Script:
    """Answer request after request on one connection, then keep it open."""

    async def script(exchange: Exchange) -> None:
        for answer in answers:
            await exchange.head()
            await exchange.say(answer)
        await exchange.reader.read()

    return script
