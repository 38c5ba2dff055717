"""A back office that answers exactly the bytes a test tells it, and keeps exactly what it was sent.

A real server cannot be made to lie about its framing; this one can.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

Script = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One accepted connection, seen from the scripted server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.received = b""

    async def head(self) -> bytes:
        """Read one request head."""
        data = await self.reader.readuntil(b"\r\n\r\n")
        self.received += data
        return data

    async def say(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()


class ScriptedUpstream:
    """Listens on a free port of loopback and runs its script for each connection."""

    def __init__(self, script: Script) -> None:
        self.exchanges: list[Exchange] = []
        self._script = script
        self._server: asyncio.Server | None = None
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        exchange = Exchange(reader, writer)
        self.exchanges.append(exchange)
        try:
            await self._script(exchange)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
