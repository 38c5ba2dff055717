"""A browser made of bytes: it sends what a test tells it and reads answers as they were framed."""

import asyncio
import socket


class RawClient:
    """One connection to a gateway, as a browser has it."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str = "gate"
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._host = host

    async def say(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def get(self, path: str = "/x", *, more: str = "", method: str = "GET") -> bytes:
        """Ask for a path and read the answer."""
        await self.say(f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{more}\r\n".encode())
        return await self.answer(bodiless=method == "HEAD")

    async def answer(self, *, bodiless: bool = False) -> bytes:
        """Read one answer: its head, and its body without framing."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        if bodiless or b" 204 " in head.split(b"\r\n")[0]:
            return head
        if b"content-length: " in lower:
            length = int(lower.split(b"content-length: ")[1].split(b"\r\n")[0])
            return head + await self.reader.readexactly(length)
        body = b""
        while True:
            size = int(await self.reader.readuntil(b"\r\n"), 16)
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
            if not size:
                return head + body

    async def is_closed(self, seconds: float = 5) -> bool:
        """Tell whether the gateway closes the connection, with nothing more said."""
        try:
            return await asyncio.wait_for(self.reader.read(), seconds) == b""
        except ConnectionError:
            return True


async def lazy_client(address: tuple[str, int]) -> socket.socket:
    """Connect a browser that reads nothing by itself, with little room for what comes."""
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.setblocking(False)
    await asyncio.get_running_loop().sock_connect(lazy, address)
    return lazy
