"""A look at an instance: an answer, or a fixed word for what is wrong."""

import asyncio
import socket

import pytest

from gateway.backoffice.instance_look import look_at
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.backoffice.upstream_tls import UpstreamTls
from tests.doubles.scripted_upstream import Exchange, ScriptedUpstream


def at(port: int, *, tls: bool = False) -> UpstreamAddress:
    return UpstreamAddress(
        host="127.0.0.1",
        port=port,
        tls=UpstreamTls("ebs", ca_file=None) if tls else None,
        connect_seconds=0.2,
        first_byte_seconds=1,
        idle_seconds=1,
        max_connections=1,
    )


async def look(said: bytes) -> tuple[str, bytes]:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(said)
        await exchange.reader.read()

    async with ScriptedUpstream(script) as upstream:
        found = await look_at(at(upstream.port), b"ebs.example", "/health", seconds=1)
        return found, upstream.exchanges[0].received


@pytest.mark.parametrize(
    ("said", "found"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", ""),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 204 None\r\n\r\n", ""),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "health-404"),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "health-503"),
        (b"SSH-2.0-OpenSSH\r\n", "upstream-not-http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", "upstream"),
    ],
)
async def test_an_answer_is_judged_and_read_as_strictly_as_any(said: bytes, found: str) -> None:
    told, _ = await look(said)

    assert told.startswith(found)
    assert bool(told) is bool(found)


async def test_nobody_is_named_in_what_is_asked() -> None:
    _, asked = await look(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    assert asked == b"GET /health HTTP/1.1\r\nHost: ebs.example\r\nConnection: close\r\n\r\n"


async def test_without_a_path_a_connection_is_enough() -> None:
    async with ScriptedUpstream(lambda _: asyncio.sleep(0)) as upstream:
        assert await look_at(at(upstream.port), b"x", None, seconds=1) == ""


async def test_who_takes_the_connection_and_says_nothing_is_not_well() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with ScriptedUpstream(silent) as upstream:
        port = upstream.port
        assert await look_at(at(port), b"x", "/", seconds=0.1) == "upstream-timeout"
        over_tls = at(port, tls=True)
        assert await look_at(over_tls, b"x", None, seconds=0.1) == "upstream-connect-timeout"


async def test_who_is_not_there_is_not_well() -> None:
    with socket.socket() as bound:  # and never listening
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]

        assert await look_at(at(port), b"x", "/", seconds=1) == "upstream-refused"


async def test_who_speaks_no_tls_is_not_well() -> None:
    async def plain(exchange: Exchange) -> None:
        await exchange.say(b"HTTP/1.1 400 Bad\r\n\r\n")

    async with ScriptedUpstream(plain) as upstream:
        assert await look_at(at(upstream.port, tls=True), b"x", None, seconds=1) == "upstream-tls"
