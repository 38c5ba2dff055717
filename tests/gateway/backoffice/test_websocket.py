"""WebSocket to a system: nothing hides behind the handshake, and both ways stay bounded."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator

import pytest

from gateway.backoffice.upstream import Upstream
from gateway.backoffice.websocket import WebSockets
from gateway.wire.websocket_frames import close_frame
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream
from tests.gateway.backoffice.gate import OK, Gate, gate

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # of that key, RFC 6455 section 1.3
UPGRADE = (
    b"GET /live HTTP/1.1\r\nHost: gate\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n%b\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
GOOD = b"Sec-WebSocket-Accept: ACCEPT\r\n"
HELLO = b"\x81\x05hello"
PLAIN = b"GET /secret HTTP/1.1\r\nHost: gate\r\n\r\n"


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


@contextlib.asynccontextmanager
async def live(
    script: Script,
    *,
    idle_seconds: float = 2,
    first_byte_seconds: float = 2,
    at_most: int = 10,
) -> AsyncIterator[tuple[RawClient, Gate, ScriptedUpstream]]:
    """Listen where everything is an upgrade."""

    def wire(system: Upstream) -> WebSockets:
        return WebSockets(system, idle_seconds=idle_seconds, at_most=at_most)

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
    await handler.until(lambda: handler.results)
    (result,) = handler.results
    return result.status, result.code


async def test_both_sides_carry_bytes_and_the_visit_tells_who_ended_it() -> None:
    async with live(echo) as (client, handler, upstream):
        head = await upgraded(client)
        await client.say(HELLO * 3)
        assert await client.reader.readexactly(21) == HELLO * 3
        client.writer.close()

        assert await outcome(handler) == (101, "client-closed")
        assert b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n" in head
        assert b"Sec-WebSocket-Extensions" not in head
        sent = upstream.exchanges[0].received
        await handler.until(lambda: not handler.connections)
        await asyncio.wait_for(upstream.exchanges[0].reader.read(), 5)  # its side has ended too
    lines = sent.split(b"\r\n")
    assert lines[0] == b"GET /live HTTP/1.1"
    assert b"Origin: http://127.0.0.1:%d" % upstream.port in lines
    assert b"Gateway-Assertion: signed" in lines
    assert KEY not in sent


async def test_what_passed_is_counted() -> None:
    counted: list[tuple[int, int]] = []

    async def noting(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head()) + HELLO)
        await exchange.reader.readexactly(21)

    async with live(noting) as (client, handler, _):
        head = await upgraded(client)
        (connection,) = handler.connections
        incoming = connection._current
        assert incoming is not None
        await client.say(HELLO * 3)
        assert await outcome(handler) == (101, "system-closed")
        counted.append((connection.bytes_out - len(head), incoming.received_bytes))
    assert counted == [(7, 21)]


@pytest.mark.parametrize(
    "answer",
    [
        OK,
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        SWITCH + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + SWITCH + GOOD + b"\r\n",
        SWITCH.replace(b"websocket", b"h2c") + GOOD + b"\r\n",
        SWITCH + b"Sec-WebSocket-Accept: " + ACCEPT + b"\r\n\r\n",
        SWITCH + GOOD + GOOD + b"\r\n",
        SWITCH + GOOD + b"Sec-WebSocket-Protocol: unasked\r\n\r\n",
        SWITCH + GOOD + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
        SWITCH + GOOD + b"Transfer-Encoding: chunked\r\n\r\n",
        SWITCH + GOOD + b"Content-Length: 5\r\n\r\n",
        b"nothing like HTTP\r\n\r\n",
        b"",
    ],
)
async def test_a_fake_upgrade_couples_nothing_and_carries_nothing(answer: bytes) -> None:
    """502, and nobody ever reads what the client says behind it."""

    async def script(exchange: Exchange) -> None:
        head = await exchange.head()
        await exchange.say(answer.replace(b"ACCEPT", accept_of(head)))
        if answer:
            exchange.received += await exchange.reader.read()

    async with live(script) as (client, handler, upstream):
        await client.say(UPGRADE % b"")
        refused = await client.answer()
        with contextlib.suppress(ConnectionError):
            await client.say(PLAIN)

        assert refused.startswith(b"HTTP/1.1 502 ")
        assert b"Connection: close\r\n" in refused
        assert await client.is_closed()
        assert len(handler.results) == 1
        assert [b"/secret" in each.received for each in upstream.exchanges] == [False]


async def test_what_a_client_says_too_early_reaches_nobody() -> None:
    """A request behind the request for an upgrade is neither answered nor carried."""
    asked = asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        await exchange.head()
        asked.set()
        exchange.received += await exchange.reader.read()

    async with live(slow) as (client, handler, upstream):
        await client.say(UPGRADE % b"")
        await asyncio.wait_for(asked.wait(), 5)
        await client.say(PLAIN)
        refused = await client.answer()

        assert refused.startswith(b"HTTP/1.1 400 ")
        assert await client.is_closed()
        assert await outcome(handler) == (400, "upgrade-early-bytes")
        assert b"/secret" not in upstream.exchanges[0].received


async def test_a_system_that_does_not_answer_the_handshake_is_given_up() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with live(silent, first_byte_seconds=0.2) as (client, _, _):
        await client.say(UPGRADE % b"")

        assert (await client.answer()).startswith(b"HTTP/1.1 504 ")


async def test_a_connection_that_was_coupled_never_serves_anybody_else() -> None:
    """The next upgrade, and the next request of the client, find connections of their own."""
    async with live(echo) as (client, handler, upstream):
        await upgraded(client)
        client.writer.close()
        await handler.until(lambda: handler.results)
        other = await handler.another_client()
        await upgraded(other)

        assert len(upstream.exchanges) == 2


@pytest.mark.parametrize(
    ("offered", "chosen"),
    [
        (b"Sec-WebSocket-Protocol: chat, superchat\r\n", b"Sec-WebSocket-Protocol: superchat\r\n"),
        (
            b"Sec-WebSocket-Extensions: bbf-usp, permessage-deflate; client_max_window_bits\r\n",
            b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=15\r\n",
        ),
    ],
)
async def test_what_both_sides_agree_on_is_told(offered: bytes, chosen: bytes) -> None:
    """An extension that changes more than what frames hold is not offered to the system."""

    async def script(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head(), chosen))
        await exchange.reader.read()

    async with live(script) as (client, _, upstream):
        head = await upgraded(client, offered)

        assert chosen in head
        assert b"bbf-usp" not in upstream.exchanges[0].received
        assert chosen.partition(b":")[0] in upstream.exchanges[0].received


async def test_what_nobody_uses_ends_and_says_so() -> None:
    async def talking(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head()))
        for _ in range(6):
            await asyncio.sleep(0.05)
            await exchange.say(HELLO)
        await exchange.reader.read()

    async with live(talking, idle_seconds=0.15) as (client, handler, _):
        await upgraded(client)
        rest = await asyncio.wait_for(client.reader.read(), 5)

        assert rest == HELLO * 6 + close_frame(1001)
        assert await outcome(handler) == (101, "stream-unused")


@pytest.mark.parametrize("partly", [False, True])
async def test_a_cut_is_told_where_a_frame_has_ended(*, partly: bool) -> None:
    """Between two frames: a close frame. Within one there is no place for it."""
    gone = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        said = HELLO + (HELLO[:3] if partly else b"")
        await exchange.say(switched(await exchange.head()) + said)
        with contextlib.suppress(ConnectionError):
            await exchange.reader.read()
        gone.set()

    async with live(script) as (client, handler, _):
        await upgraded(client)
        await client.reader.readexactly(10 if partly else 7)
        (connection,) = handler.connections
        assert connection._current is not None
        connection._current.fail(403, "permit-ended")

        if partly:
            with pytest.raises(ConnectionError):
                await asyncio.wait_for(client.reader.read(), 1)
        else:
            assert await asyncio.wait_for(client.reader.read(), 1) == close_frame(1008)
        await asyncio.wait_for(gone.wait(), 1)
        assert await outcome(handler) == (101, "permit-ended")
        client.writer.close()
        await handler.until(lambda: not handler.connections)


async def test_a_client_that_ignores_the_end_is_cut() -> None:
    async with live(echo) as (client, handler, _):
        await upgraded(client)
        (connection,) = handler.connections
        assert connection._current is not None
        connection._current.fail(401, "session-ended")
        assert await client.reader.read() == close_frame(1008)

        await handler.until(lambda: not handler.connections, seconds=3)


async def test_a_slow_client_holds_the_system_up_and_is_given_nothing_after_a_cut() -> None:
    """What waits for it stays within the buffers, and none of it follows once it may not."""
    said = 0

    async def flood(exchange: Exchange) -> None:
        nonlocal said
        await exchange.say(switched(await exchange.head()))
        while True:
            await exchange.say(b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + b"x" * (1 << 20))
            said += 1 << 20

    async with live(flood) as (_, handler, _upstream):
        lazy = await handler.lazy_client()
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(lazy, UPGRADE % b"")
        await handler.until(lambda: said)
        before = -1
        while before != said:
            before = said
            await asyncio.sleep(0.1)
        (connection,) = [each for each in handler.connections if each.bytes_out]
        assert connection.bytes_out < 8 << 20
        assert said < 16 << 20
        assert connection._current is not None
        connection._current.fail(403, "permit-ended")

        await handler.until(lambda: connection not in handler.connections, seconds=1)
        rest = 1
        with lazy, contextlib.suppress(ConnectionError):
            while rest:
                rest = len(await loop.sock_recv(lazy, 1 << 20))
        assert rest, "an orderly end"


async def test_a_slow_system_holds_the_client_up() -> None:
    async def lazy(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head()))
        await asyncio.sleep(10)

    async with live(lazy) as (client, handler, _):
        await upgraded(client)
        (connection,) = handler.connections
        incoming = connection._current
        assert incoming is not None
        client.writer.write(b"x" * (32 << 20))
        before = -1
        while before != incoming.received_bytes:
            before = incoming.received_bytes
            await asyncio.sleep(0.1)

        assert 0 < incoming.received_bytes < 16 << 20
        client.writer.transport.abort()


async def test_one_too_many_is_refused_before_anything_is_asked() -> None:
    async with live(echo, at_most=1) as (client, handler, upstream):
        await upgraded(client)
        other = await handler.another_client()
        await other.say(UPGRADE % b"")

        assert (await other.answer()).startswith(b"HTTP/1.1 503 ")
        assert len(upstream.exchanges) == 1


async def test_cookies_of_the_handshake_are_stored_before_the_client_is_told() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head(), b"Set-Cookie: a=b\r\n"))
        await exchange.reader.read()

    async with live(script) as (client, handler, _):
        head = await upgraded(client)

        assert handler.cookies == [b"a=b"]
        assert b"Set-Cookie" not in head
