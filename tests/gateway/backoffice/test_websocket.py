"""The handshake of a WebSocket: nothing hides behind it, and only what was asked for couples."""

from __future__ import annotations

import asyncio
import contextlib
from itertools import chain, repeat

import pytest

from gateway.backoffice.forward import Forwarded
from gateway.backoffice.shares import PERSON_SHARE
from tests.doubles.scripted_upstream import Exchange
from tests.doubles.waiting import until
from tests.gateway.backoffice.gate import OK
from tests.gateway.backoffice.websockets import (
    ACCEPT,
    GOOD,
    HELLO,
    KEY,
    SWITCH,
    UPGRADE,
    accept_of,
    echo,
    head_of,
    live,
    outcome,
    switched,
    upgraded,
)

PLAIN = b"GET /secret HTTP/1.1\r\nHost: gate\r\n\r\n"


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
        await until(lambda: not handler.connections)
        await asyncio.wait_for(upstream.exchanges[0].reader.read(), 5)  # its side has ended too
    lines = sent.split(b"\r\n")
    assert lines[0] == b"GET /live HTTP/1.1"
    assert b"Origin: http://127.0.0.1:%d" % upstream.port in lines
    assert b"Gateway-Assertion: signed" in lines
    assert KEY not in sent


@pytest.mark.parametrize(("marked", "status"), [(b"SECRET", 403), (b"OFFICIAL", 101)])
async def test_where_answers_are_marked_that_to_the_handshake_is_judged(
    marked: bytes, status: int
) -> None:
    async def marking(exchange: Exchange) -> None:
        await exchange.say(switched(await exchange.head(), b"Classification: %b\r\n" % marked))
        await exchange.reader.read()

    def judge(fields: list[tuple[bytes, bytes]]) -> str:
        return "marking-exceeds" if (b"classification", b"SECRET") in fields else ""

    async with live(marking, judge=judge) as (client, handler, upstream):
        await client.say(UPGRADE % b"")
        assert (await head_of(client)).startswith(b"HTTP/1.1 %d " % status)
        if status == 403:
            assert await outcome(handler) == (403, "marking-exceeds")
            await asyncio.wait_for(upstream.exchanges[0].reader.read(), 5)  # nothing goes on there


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
        await until(lambda: handler.results)
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


async def test_nobody_has_all_of_them() -> None:
    """One person has three of four; theirs that ends is free again."""
    async with live(echo, at_most=4) as (client, handler, upstream):
        handler.askers = chain(repeat("keen", 4), ["other", "late"], repeat("keen"))
        theirs = [client, *[await handler.another_client() for _ in range(5)]]
        for each in theirs[:3]:
            await upgraded(each)
        await theirs[3].say(UPGRADE % b"")
        refused = await theirs[3].answer()
        await upgraded(theirs[4])
        await theirs[5].say(UPGRADE % b"")
        assert refused.startswith(b"HTTP/1.1 429 ")
        assert (await theirs[5].answer()).startswith(b"HTTP/1.1 503 ")
        theirs[4].writer.close()
        client.writer.close()
        await until(lambda: len(handler.results) == 4)
        await upgraded(await handler.another_client())

        assert handler.results[0] == Forwarded(status=429, code=PERSON_SHARE, answered=False)
        assert len(upstream.exchanges) == 5


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
