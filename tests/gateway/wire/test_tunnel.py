"""Two connections coupled: each as fast as the other takes it, and ended where they must be."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

import pytest
import trustme

from gateway.wire.connection import Connection
from gateway.wire.websocket_frames import close_frame
from tests.doubles.raw_client import RawClient, lazy_client
from tests.doubles.scripted_upstream import Exchange
from tests.doubles.waiting import until
from tests.gateway.backoffice.websockets import (
    HELLO,
    UPGRADE,
    echo,
    live,
    outcome,
    switched,
    upgraded,
)

MASKED = b"\x88\x82mask" + bytes((0x03 ^ ord("m"), 0xE8 ^ ord("a")))


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
        await until(lambda: not handler.connections)


async def test_a_client_that_ignores_the_end_is_cut() -> None:
    async with live(echo) as (client, handler, _):
        await upgraded(client)
        (connection,) = handler.connections
        assert connection._current is not None
        connection._current.fail(401, "session-ended")
        assert await client.reader.read() == close_frame(1008)

        await until(lambda: not handler.connections, seconds=3)


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
        lazy = await lazy_client(handler.address)
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(lazy, UPGRADE % b"")
        await until(lambda: said)
        before = -1
        while before != said:
            before = said
            await asyncio.sleep(0.1)
        (connection,) = [each for each in handler.connections if each.bytes_out]
        assert connection.bytes_out < 8 << 20
        assert said < 16 << 20
        assert connection._current is not None
        connection._current.fail(403, "permit-ended")

        await until(lambda: connection not in handler.connections, seconds=1)
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


@pytest.mark.parametrize("client_first", [True, False])
async def test_who_said_first_that_it_ends_has_ended_it(*, client_first: bool) -> None:
    """Whoever of the two then is the first to close the connection."""

    async def script(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head()))
        if client_first:
            assert await exchange.reader.readexactly(8) == MASKED
        await exchange.say(close_frame(1000))
        if not client_first:
            await exchange.reader.read()

    async with live(script) as (client, handler, _):
        await upgraded(client)
        if client_first:
            await client.say(MASKED)
        assert await client.reader.readexactly(4) == close_frame(1000)
        if not client_first:
            await client.say(MASKED)
            client.writer.close()

        ended = "client-closed" if client_first else "system-closed"
        assert await outcome(handler) == (101, ended)


async def test_what_a_slow_client_has_not_taken_is_not_sent_to_say_why() -> None:
    """A close frame would come behind it; so the end is at once, though a frame has ended."""
    frame = b"\x82\x7f" + (1 << 16).to_bytes(8, "big") + b"x" * (1 << 16)
    more: asyncio.Queue[None] = asyncio.Queue()

    async def script(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head()))
        while True:
            await more.get()
            await exchange.say(frame)

    async with live(script) as (_, handler, _upstream):
        lazy = await lazy_client(handler.address)
        await asyncio.get_running_loop().sock_sendall(lazy, UPGRADE % b"")
        await until(lambda: any(each.bytes_out for each in handler.connections))
        (connection,) = [each for each in handler.connections if each.bytes_out]
        incoming, transport = connection._current, connection._transport
        assert incoming is not None
        assert transport is not None
        while not transport.get_write_buffer_size():
            whole = connection.bytes_out + len(frame)
            more.put_nowait(None)
            await until(lambda whole=whole: connection.bytes_out == whole)  # type: ignore[misc]
        incoming.fail(403, "permit-ended")

        assert transport.is_closing()
        await until(lambda: connection not in handler.connections, seconds=1)
        lazy.close()


async def test_the_same_holds_over_tls() -> None:
    """Where only both sides can end: the client is told why, and the connection closed behind."""
    authority = trustme.CA()
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(ours)
    authority.configure_trust(theirs)
    loop = asyncio.get_running_loop()
    async with live(echo) as (_, handler, _upstream):
        server = await loop.create_server(
            lambda: Connection(handler, loop), "127.0.0.1", 0, ssl=ours
        )
        port = server.sockets[0].getsockname()[1]
        client = RawClient(
            *await asyncio.open_connection(
                "127.0.0.1", port, ssl=theirs, server_hostname="localhost"
            )
        )
        await upgraded(client)
        client.writer.write(HELLO * 50_000)
        assert await client.reader.readexactly(350_000) == HELLO * 50_000
        (connection,) = [each for each in handler.connections if each.bytes_out]
        assert connection._current is not None
        connection._current.fail(403, "permit-ended")

        assert await asyncio.wait_for(client.reader.readexactly(4), 1) == close_frame(1008)
        assert await outcome(handler) == (101, "permit-ended")
        client.writer.transport.abort()
        await until(lambda: connection not in handler.connections)
        server.close()
