"""Clients that hang up amid what they began: in every way there is, again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import cycle

PIECE_BYTES = 65_536
PATIENCE_SECONDS = 30.0
Ways = Iterator[tuple[bytes, int]]


def ways(port: int, cookie: str, *, page: str, large: str, stream: str, upload: str) -> Ways:
    """Give what is sent before somebody hangs up, and how much of an answer they wait for.

    Args:
        port: of the gate.
        cookie: of the person's session.
        page: a page of the back office.
        large: a large file of it.
        stream: its events.
        upload: where it takes files.

    Returns:
        Without end, in turn: bytes to send, bytes of the answer to wait for.
    """

    def ask(method: str, target: str, *more: str) -> bytes:
        fields = (f"Host: localhost:{port}", f"Cookie: {cookie}", *more)
        return "\r\n".join((f"{method} {target} HTTP/1.1", *fields, "", "")).encode("latin-1")

    binary = "Content-Type: application/octet-stream"
    origin = f"Origin: http://localhost:{port}"
    return cycle(
        (
            (b"", 0),
            (ask("GET", page)[:-20], 0),  # half a head
            (ask("GET", page), 0),
            (ask("GET", page) * 5, 1),  # the first of several answers
            (ask("GET", large), PIECE_BYTES),
            (ask("GET", stream, "Accept: text/event-stream"), 300),
            (ask("POST", upload, binary, origin, "Content-Length: 1000000") + b"x" * 70_000, 0),
            (ask("POST", upload, binary, origin, "Transfer-Encoding: chunked") + b"5\r\nhal", 0),
        )
    )


async def leave(port: int, way: tuple[bytes, int], *, ended: Callable[[], bool]) -> None:
    """Say something, wait for some of the answer, and cut the connection.

    Raises:
        TimeoutError: what was waited for did not come.
        EOFError: the connection was closed before.
    """
    said, awaited_bytes = way
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            writer.write(said)
            await writer.drain()
            while awaited_bytes > 0 and not ended():
                piece = await reader.read(PIECE_BYTES)
                if not piece:
                    message = "the connection was closed before the answer came"
                    raise EOFError(message)
                awaited_bytes -= len(piece)
    finally:
        writer.transport.abort()
