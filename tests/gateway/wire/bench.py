"""Connections over real sockets, with whatever a test puts behind them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from gateway.wire.answers import give, plain, to_bytes
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from tests.doubles.raw_client import RawClient

REFERENCE = "0123456789"
Serve = Callable[[Incoming, Connection], Awaitable[None]]


async def ok(incoming: Incoming, connection: Connection) -> None:
    """Answer 200 at once."""
    give(plain(200, "fine", REFERENCE), incoming, connection)


async def echo(incoming: Incoming, connection: Connection) -> None:
    """Answer with the body, or with why there is none."""
    body = await incoming.read_body(300_000)
    if body is None:
        status, code = incoming.failure if incoming.failed else (413, "too-large")
        give(plain(status, code, REFERENCE), incoming, connection)
    else:
        give(plain(200, body.decode(), REFERENCE), incoming, connection)


class Handler:
    """What is behind the connections: a function of the test."""

    def __init__(self, serve: Serve, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.connections: set[Connection] = set()
        self.draining = False
        self.refused: list[str] = []
        self.served: list[Incoming] = []
        self._serve = serve

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        self.served.append(incoming)
        await self._serve(incoming, connection)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:  # noqa: ARG002
        self.refused.append(code)
        return to_bytes(plain(status, code, REFERENCE))


@dataclass(frozen=True, slots=True)
class Bench:
    """A listening gate without a gateway."""

    handler: Handler
    address: tuple[str, int]
    clients: list[RawClient] = field(default_factory=list)

    async def client(self) -> RawClient:
        """Connect a browser that reads what it is sent."""
        client = RawClient(*await asyncio.open_connection(*self.address))
        self.clients.append(client)
        return client


@contextlib.asynccontextmanager
async def bench(
    serve: Serve,
    *,
    head_seconds: float = 2,
    idle_seconds: float = 2,
    slow_seconds: float = 2,
) -> AsyncIterator[Bench]:
    """Listen on a free port; deadlines are noticed within 20 ms."""
    loop = asyncio.get_running_loop()
    limits = ConnectionLimits(
        head_bytes=8192,
        head_fields=20,
        head_seconds=head_seconds,
        idle_seconds=idle_seconds,
        slow_seconds=slow_seconds,
        hosts=frozenset({b"gate"}),
    )
    handler = Handler(serve, limits)

    async def sweep() -> None:
        while True:
            await asyncio.sleep(0.02)
            for connection in [c for c in handler.connections if c.deadline <= loop.time()]:
                connection.expire()

    server = await loop.create_server(lambda: Connection(handler, loop), "127.0.0.1", 0)
    sweeper = loop.create_task(sweep())
    made = Bench(handler, server.sockets[0].getsockname())
    try:
        yield made
    finally:
        sweeper.cancel()
        server.close()
        for client in made.clients:
            client.writer.close()
        for connection in list(handler.connections):
            connection.abort()
        await asyncio.sleep(0.01)
