"""Between the request for an upgrade and its answer the client has to wait."""

from __future__ import annotations

import asyncio

import pytest

from gateway.wire.answers import give, plain
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from tests.doubles.waiting import until
from tests.gateway.wire.bench import REFERENCE, bench

UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: gate\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PLAIN = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"


async def refusing(incoming: Incoming, connection: Connection) -> None:
    """Answer as the pipeline does: with what failed, if anything did."""
    for _ in range(20):
        await asyncio.sleep(0.005)
        if incoming.failed:
            break
    status = incoming.failure[0] if incoming.failed else 403
    give(plain(status, incoming.failure[1], REFERENCE), incoming, connection)


async def test_a_refused_upgrade_is_the_last_word_on_its_connection() -> None:
    async with bench(refusing) as gate:
        client = await gate.client()
        await client.say(UPGRADE)
        answer = await client.answer()

        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"Connection: close" in answer
        assert await client.is_closed()


@pytest.mark.parametrize("together", [True, False])
async def test_what_a_client_sends_before_the_answer_fails_the_upgrade(*, together: bool) -> None:
    """It is no request: nobody answers it, whoever would have read one behind the upgrade."""
    served: list[Incoming] = []

    async def noting(incoming: Incoming, connection: Connection) -> None:
        served.append(incoming)
        await refusing(incoming, connection)

    async with bench(noting) as gate:
        client = await gate.client()
        await client.say(UPGRADE + PLAIN if together else UPGRADE)
        if not together:
            await until(lambda: served)
            await client.say(PLAIN)
        answer = await client.answer()

        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"upgrade-early-bytes" in answer
        assert await client.is_closed()
        assert len(served) == 1


async def test_an_upgrade_waits_behind_the_request_before_it() -> None:
    """And still nothing behind it is read as a request."""
    served: list[Incoming] = []

    async def noting(incoming: Incoming, connection: Connection) -> None:
        served.append(incoming)
        if incoming.head.keep_alive:
            give(plain(200, "first", REFERENCE), incoming, connection)
        else:
            await refusing(incoming, connection)

    async with bench(noting) as gate:
        client = await gate.client()
        await client.say(PLAIN + UPGRADE + PLAIN)

        assert (await client.answer()).startswith(b"HTTP/1.1 200 ")
        assert (await client.answer()).startswith(b"HTTP/1.1 400 ")
        assert await client.is_closed()
        assert [each.head.method for each in served] == ["GET", "WEBSOCKET"]


async def test_a_client_that_leaves_meanwhile_is_gone_for_whoever_serves_it() -> None:
    gone = asyncio.Event()

    async def waiting(incoming: Incoming, connection: Connection) -> None:
        del connection
        incoming.on_gone = gone.set
        await gone.wait()

    async with bench(waiting) as gate:
        client = await gate.client()
        await client.say(UPGRADE)
        client.writer.close()

        await asyncio.wait_for(gone.wait(), 5)
        await until(lambda: not gate.handler.connections)
