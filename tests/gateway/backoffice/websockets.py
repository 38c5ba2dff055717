"""A gate where everything is an upgrade to WebSocket, and systems that answer one."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator

from gateway.backoffice.forward import Forwarded, ForwardedVisit, Outbound
from gateway.backoffice.upstream import Upstream
from gateway.backoffice.websocket import Judge, WebSockets
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream
from tests.doubles.waiting import until
from tests.gateway.backoffice.gate import Forwards, Gate, gate

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of that key, RFC 6455 section 1.3
UPGRADE = (
    b"GET /live HTTP/1.1\r\nHost: gate\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n%b\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
GOOD = b"Sec-WebSocket-Accept: ACCEPT\r\n"
HELLO = b"\x81\x05hello"


def accept_of(head: bytes) -> bytes:
    """Work out what a handshake must be answered with."""
    key = re.search(rb"Sec-WebSocket-Key: (\S+)\r\n", head)
    assert key is not None
    magic = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    return base64.b64encode(hashlib.sha1(key[1] + magic, usedforsecurity=False).digest())


def switched(head: bytes, more: bytes = b"") -> bytes:
    """Answer a handshake as it must be answered."""
    return SWITCH + GOOD.replace(b"ACCEPT", accept_of(head)) + more + b"\r\n"


async def echo(exchange: Exchange) -> None:
    """Take an upgrade, and send back what comes."""
    await exchange.say(switched(await exchange.head()))
    while data := await exchange.reader.read(65_536):
        await exchange.say(data)


class _Judged:
    def __init__(self, websockets: WebSockets, judge: Judge) -> None:
        self._websockets, self._judge = websockets, judge

    async def forward(self, visit: ForwardedVisit, outbound: Outbound) -> Forwarded:
        return await self._websockets.forward(visit, outbound, judge=self._judge)


@contextlib.asynccontextmanager
async def live(
    script: Script,
    *,
    idle_seconds: float = 2,
    first_byte_seconds: float = 2,
    at_most: int = 10,
    judge: Judge | None = None,
) -> AsyncIterator[tuple[RawClient, Gate, ScriptedUpstream]]:
    """Listen where everything is an upgrade."""

    def wire(system: Upstream) -> Forwards:
        made = WebSockets(system, idle_seconds=idle_seconds, at_most=at_most)
        return made if judge is None else _Judged(made, judge)

    seconds = first_byte_seconds
    async with gate(script, wire=wire, first_byte_seconds=seconds) as (client, handler, upstream):
        yield client, handler, upstream


async def head_of(client: RawClient) -> bytes:
    return await asyncio.wait_for(client.reader.readuntil(b"\r\n\r\n"), 5)


async def upgraded(client: RawClient, more: bytes = b"") -> bytes:
    await client.say(UPGRADE % more)
    head = await head_of(client)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return head


async def outcome(handler: Gate) -> tuple[int, str]:
    await until(lambda: handler.results)
    (result,) = handler.results
    return result.status, result.code
