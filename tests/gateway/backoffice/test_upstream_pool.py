"""Connections to a system: kept, bounded, and given to those in line in the order they came."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import pytest
import trustme

from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.backoffice.upstream_address import Trust, UpstreamAddress
from gateway.backoffice.upstream_pool import UpstreamPool
from gateway.backoffice.upstream_tls import UpstreamTls
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream

MACHINE = UpstreamTls("ebs", ca_file=None)


async def listening(exchange: Exchange) -> None:
    """Take what comes and say nothing."""
    await exchange.reader.read()


@contextlib.asynccontextmanager
async def pool(
    script: Script = listening,
    *,
    most: int = 2,
    seconds: float = 1,
    port: int | None = None,
    tls: Trust | None = None,
) -> AsyncIterator[tuple[UpstreamPool, ScriptedUpstream]]:
    async with ScriptedUpstream(script) as upstream:
        address = UpstreamAddress(
            host="127.0.0.1",
            port=port or upstream.port,
            tls=tls,
            connect_seconds=seconds,
            first_byte_seconds=1,
            idle_seconds=1,
            max_connections=most,
        )
        made = UpstreamPool(address, asyncio.get_running_loop())
        try:
            yield made, upstream
        finally:
            made.close()
            await asyncio.sleep(0.01)


async def test_a_connection_put_back_is_given_again() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)

        assert await connections.acquire() is first


async def test_a_fresh_connection_is_not_an_idle_one() -> None:
    """After a dead idle connection the next one is likely to be dead as well."""
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)

        assert await connections.acquire(fresh=True) is not first


async def test_a_fresh_connection_takes_the_place_of_an_idle_one_where_there_is_no_room() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        second = await connections.acquire(fresh=True)

        assert second is not first
        assert not first.is_reusable


async def test_a_connection_that_the_system_closed_is_not_given() -> None:
    async def closing(exchange: Exchange) -> None:
        exchange.writer.close()

    async with pool(closing) as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        await asyncio.sleep(0.05)

        assert connections.take_idle() is None


async def test_one_that_stopped_being_reusable_is_dropped_on_the_way() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        first.data_received(b"nobody asked")  # marks it and aborts; it is still among the idle
        assert connections.take_idle() is None
        connections.put_back(first)

        assert connections.take_idle() is None


async def test_who_waits_in_line_is_served_before_who_comes_later() -> None:
    """Otherwise those who wait starve while others are served."""
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        in_line = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        connections.put_back(first)
        late = connections.take_idle()

        assert late is None
        assert await in_line is first


async def test_room_goes_to_the_first_in_line_too() -> None:
    async with pool(most=1) as (connections, upstream):
        first = await connections.acquire()
        waiting = [asyncio.ensure_future(connections.acquire()) for _ in range(2)]
        await asyncio.sleep(0.01)
        first.discard()
        late = asyncio.ensure_future(connections.acquire())
        second = await waiting[0]
        assert not waiting[1].done()
        second.discard()
        (await waiting[1]).discard()
        await late

        assert len(upstream.exchanges) == 4


async def test_a_connection_that_died_on_its_way_to_the_first_in_line_is_replaced() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        in_line = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        connections.put_back(first)
        first.discard()

        assert (await in_line).is_reusable


async def test_who_waits_too_long_is_told_that_the_system_is_busy() -> None:
    async with pool(most=1, seconds=0.05) as (connections, _):
        first = await connections.acquire()
        with pytest.raises(ExchangeError) as refused:
            await connections.acquire()
        assert (refused.value.status, refused.value.code) == (504, "upstream-busy")
        connections.put_back(first)

        assert await connections.acquire() is first


@pytest.mark.parametrize("dead", [True, False])
async def test_what_is_given_to_somebody_who_has_just_left_goes_to_the_next(dead: bool) -> None:
    """The connection, or the room for one, would be lost for ever."""
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        leaving = asyncio.ensure_future(connections.acquire())
        staying = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        if dead:
            first.discard()
        else:
            connections.put_back(first)
        leaving.cancel()  # at the very moment: it has been given something, and never takes it

        assert (await asyncio.wait_for(staying, 0.5) is first) is not dead
        assert leaving.cancelled()


async def test_who_leaves_the_line_is_given_nothing() -> None:
    async with pool(most=1) as (connections, _):
        first = await connections.acquire()
        leaving = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        leaving.cancel()
        connections.put_back(first)
        await asyncio.sleep(0)

        assert connections.take_idle() is first


async def test_a_system_that_is_not_there_refuses_and_keeps_no_room() -> None:
    async with pool(most=1, port=1) as (connections, _):
        tried = await asyncio.gather(
            *(connections.acquire() for _ in range(3)), return_exceptions=True
        )

        assert [getattr(each, "code", each) for each in tried] == ["upstream-refused"] * 3
        assert [getattr(each, "status", 0) for each in tried] == [502] * 3


async def test_a_system_that_is_silent_while_connecting_is_a_504() -> None:
    async with pool(seconds=0.1, tls=MACHINE) as (connections, _):
        with pytest.raises(ExchangeError) as refused:
            await connections.acquire()

        assert (refused.value.status, refused.value.code) == (504, "upstream-connect-timeout")


async def test_a_system_with_a_certificate_of_somebody_else_is_refused() -> None:
    """Over TLS the peer is always verified: what is sent names people."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(server)
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=server)
    port = listener.sockets[0].getsockname()[1]
    async with pool(port=port, tls=MACHINE) as (connections, _):
        with pytest.raises(ExchangeError) as refused:
            await connections.acquire()

        assert (refused.value.status, refused.value.code) == (502, "upstream-tls")
    listener.close()


async def test_who_is_busy_is_counted_and_what_serves_nobody_can_be_closed() -> None:
    async with pool() as (connections, _):
        first, second = await connections.acquire(), await connections.acquire()
        in_line = asyncio.ensure_future(connections.acquire())
        await asyncio.sleep(0.01)
        assert connections.busy == 3
        in_line.cancel()
        connections.put_back(first)
        await asyncio.sleep(0)
        assert connections.busy == 1
        connections.close_idle()

        assert (first.is_reusable, second.is_reusable) == (False, True)
        assert connections.busy == 1


async def test_an_idle_connection_has_a_short_life() -> None:
    async with pool() as (connections, _):
        first = await connections.acquire()
        connections.put_back(first)
        assert first.deadline < asyncio.get_running_loop().time() + 5
        connections.sweep(asyncio.get_running_loop().time())
        assert first.is_reusable
        connections.sweep(first.deadline)

        assert connections.take_idle() is None


async def test_a_connection_nobody_knows_is_forgotten_without_harm() -> None:
    async with pool(most=1) as (connections, _):
        connections.forget(UpstreamConnection(connections))

        assert (await connections.acquire()).is_reusable
