"""One connection of one person to the gate, kept open from request to request.

Small and quick, for the load and what it measures share a machine: HTTP/1.1, lengths and chunks,
nothing else.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

PATIENCE_SECONDS = 30.0
PIECE_BYTES = 65_536
Take = Callable[[bytes], None]


class BrokenAnswerError(Exception):
    """What came is no answer, or none came in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer; names of fields in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Line:
    """The connection.

    Attributes:
        port: of the gate.
        cookie: of the person's session.
        trust: of the gate's certificate, where it is reached over TLS.
        opened: how often it had to be opened.
    """

    port: int
    cookie: str
    trust: ssl.SSLContext | None = None
    opened: int = 0
    _reader: asyncio.StreamReader | None = field(default=None)
    _writer: asyncio.StreamWriter | None = field(default=None)

    async def ask(
        self, method: str, target: str, *, body: bytes = b"", take: Take | None = None, **more: str
    ) -> Answered:
        """Ask and read the whole answer.

        Args:
            method: of the request.
            target: as it goes over the wire.
            body: of the request.
            take: is given the pieces of the answer's body, of which none is kept then.
            **more: fields of the request; an underscore stands for a hyphen.

        Raises:
            BrokenAnswerError: nothing that is an answer came, or nothing in time.
        """
        lines = [f"{method} {target} HTTP/1.1", f"Host: localhost:{self.port}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
        if self.cookie:
            lines.append(f"Cookie: {self.cookie}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self._exchange(head, body, take)
        except TimeoutError as error:
            self.close()
            message = f"{method} {target}: no answer in {PATIENCE_SECONDS:.0f} s"
            raise BrokenAnswerError(message) from error
        except (OSError, EOFError, ValueError, IndexError) as error:
            self.close()
            message = f"{method} {target}: {type(error).__name__}: {error}"
            raise BrokenAnswerError(message) from error

    @property
    def own_port(self) -> int:
        """Give the port it comes from; 0 while it is closed."""
        return 0 if self._writer is None else int(self._writer.get_extra_info("sockname")[1])

    def close(self) -> None:
        """Hang up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _exchange(self, head: bytes, body: bytes, take: Take | None) -> Answered:
        again = self._writer is not None
        try:
            reader, status, headers = await self._sent(head, body)
        except (ConnectionError, asyncio.IncompleteReadError):
            # A server may close a connection that waits for the next request (RFC 9112 9.3.1).
            if not again or body:
                raise
            self.close()
            reader, status, headers = await self._sent(head, body)
        kept = bytearray()
        async for piece in _body(reader, status, headers):
            if take is None:
                kept += piece
            else:
                take(piece)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Answered(status=status, headers=headers, body=bytes(kept))

    async def _sent(
        self, head: bytes, body: bytes
    ) -> tuple[asyncio.StreamReader, int, dict[str, str]]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                "127.0.0.1",
                self.port,
                ssl=self.trust,
                server_hostname="localhost" if self.trust else None,
            )
            self.opened += 1
        self._writer.write(head + body if len(body) < PIECE_BYTES else head)
        if len(body) >= PIECE_BYTES:
            for start in range(0, len(body), PIECE_BYTES):
                self._writer.write(body[start : start + PIECE_BYTES])
                await self._writer.drain()
        came = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *fields = came[:-4].split("\r\n")
        pairs = (each.partition(":") for each in fields)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        return self._reader, int(first.split(" ", 2)[1]), headers


async def _body(
    reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]
) -> AsyncIterator[bytes]:
    """Give the body piece by piece (RFC 9112 section 6.3)."""
    if status in {204, 304}:
        return
    if headers.get("transfer-encoding", "").lower() != "chunked":
        left = int(headers["content-length"]) if "content-length" in headers else -1
        while left and (piece := await reader.read(min(PIECE_BYTES, left % 2**62))):
            left -= len(piece) if left > 0 else 0
            yield piece
        if left > 0:
            message = f"the answer ended {left} bytes early"
            raise EOFError(message)
        return
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        yield (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
