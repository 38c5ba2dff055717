"""Forwarding over real sockets: bytes in, bytes out, and never another person's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from gateway.backoffice.canonical import canonicalise_target
from gateway.backoffice.forward import Forwarded, Forwarder, Outbound
from gateway.backoffice.transport import ExchangeError, UpstreamAddress
from gateway.backoffice.upstream_pool import UpstreamPool
from gateway.wire.answers import give, plain, to_bytes
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream

REFERENCE = "0123456789"
BODY_BYTES = 4096
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Gate:
    """A front without a pipeline: everything is forwarded, what comes of it is kept."""

    def __init__(self, forwarder: Forwarder) -> None:
        self.limits = ConnectionLimits(
            head_bytes=8192,
            head_fields=50,
            head_seconds=2,
            idle_seconds=2,
            hosts=frozenset({b"gate"}),
        )
        self.connections: set[Connection] = set()
        self.draining = False
        self.results: list[Forwarded | ExchangeError] = []
        self.cookies: list[bytes] = []
        self._forwarder = forwarder

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        async def keep(values: list[bytes]) -> None:
            await asyncio.sleep(0)
            self.cookies += values

        outbound = Outbound(
            target=canonicalise_target(incoming.head.target, frozenset()),
            identity=[(b"Gateway-Assertion", b"signed")],
            cookies=b"jar=1",
            reference=REFERENCE,
            resource=False,
            keep_cookies=keep,
            body_bytes=BODY_BYTES,
        )
        try:
            result = await self._forwarder.forward(incoming, connection, outbound)
            self.results.append(result)
            if not result.answered:
                give(plain(result.status, result.code, REFERENCE), incoming, connection)
        except ExchangeError as error:
            self.results.append(error)
            give(plain(error.status, error.code, REFERENCE), incoming, connection)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:  # noqa: ARG002
        return to_bytes(plain(status, code, REFERENCE))


@contextlib.asynccontextmanager
async def gate(
    script: Script, *, first_byte_seconds: float = 2, port: int | None = None
) -> AsyncIterator[tuple[RawClient, Gate, ScriptedUpstream]]:
    loop = asyncio.get_running_loop()
    async with ScriptedUpstream(script) as upstream:
        address = UpstreamAddress(
            host="127.0.0.1",
            port=port or upstream.port,
            tls=None,
            connect_seconds=1,
            first_byte_seconds=first_byte_seconds,
            idle_seconds=first_byte_seconds,
            max_connections=4,
        )
        pool = UpstreamPool(address, loop)
        handler = Gate(Forwarder(pool=pool, origin=f"http://127.0.0.1:{upstream.port}"))

        async def sweep() -> None:
            while True:
                await asyncio.sleep(0.05)
                pool.sweep(loop.time())
                for connection in [c for c in handler.connections if c.deadline <= loop.time()]:
                    connection.expire()

        sweeper = loop.create_task(sweep())
        server = await loop.create_server(lambda: Connection(handler, loop), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield RawClient(reader, writer), handler, upstream
        finally:
            sweeper.cancel()
            writer.close()
            server.close()
            pool.close()
            await asyncio.sleep(0.01)


def answering(*answers: bytes) -> Script:
    """Answer request after request on one connection, then keep it open."""

    async def script(exchange: Exchange) -> None:
        for answer in answers:
            await exchange.head()
            await exchange.say(answer)
        await exchange.reader.read()

    return script


async def test_a_request_goes_out_as_it_was_decided_on() -> None:
    """The head is built by us: allow-listed fields, our host, our identity, our reference."""
    async with gate(answering(OK)) as (client, _, upstream):
        answer = await client.get(
            "/a/b?c=%C3%A9",
            more="Accept: text/html\r\nCookie: theirs=1\r\nX-Forwarded-For: 1.2.3.4\r\n"
            "Gateway-Assertion: forged\r\nEBS-User: forged\r\n",
        )

    assert answer.endswith(b"\r\n\r\nok")
    assert (
        upstream.exchanges[0].received
        == (
            f"GET /a/b?c=%C3%A9 HTTP/1.1\r\nHost: 127.0.0.1:{upstream.port}\r\n"
            "Accept: text/html\r\n"
            "Gateway-Assertion: signed\r\nCookie: jar=1\r\nX-Request-ID: 0123456789\r\n\r\n"
        ).encode()
    )


async def test_connections_are_used_again_on_both_sides() -> None:
    async with gate(answering(OK, OK, OK)) as (client, _, upstream):
        for _ in range(3):
            assert (await client.get()).endswith(b"ok")

        assert len(upstream.exchanges) == 1


async def test_only_allow_listed_fields_of_the_answer_pass() -> None:
    said = (
        b"HTTP/1.1 200 Fine\r\nServer: x\r\nSet-Cookie: s=1\r\nContent-Type: text/css\r\n"
        b"X-Secret: 1\r\nContent-Length: 0\r\n\r\n"
    )
    async with gate(answering(said)) as (client, handler, _):
        answer = await client.get()

        assert handler.cookies == [b"s=1"]
    assert b"text/css" in answer
    assert all(word not in answer for word in (b"Server", b"Set-Cookie", b"X-Secret"))
    assert b"Cache-Control: private, no-store" in answer


async def test_a_chunked_answer_is_framed_anew_without_its_trailer() -> None:
    said = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: evil\r\n\r\n"
    )
    async with gate(answering(said)) as (client, _, _upstream):
        answer = await client.get()

    assert answer.endswith(b"\r\n\r\nabcde")
    assert b"evil" not in answer


async def test_head_and_no_content_have_no_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n"
    async with gate(answering(head, b"HTTP/1.1 204 No\r\n\r\n", OK)) as (client, _, upstream):
        assert b"Content-Length: 20000" in await client.get(method="HEAD")
        assert b" 204 " in await client.get()
        assert (await client.get()).endswith(b"ok")

        assert len(upstream.exchanges) == 1


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_is_streamed_with_our_own_framing(chunked: bool) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        exchange.received += await exchange.reader.readexactly(23 if chunked else 8)
        await exchange.say(OK)
        await exchange.reader.read()

    async with gate(script) as (client, _, upstream):
        framing = "Transfer-Encoding: chunked" if chunked else "Content-Length: 8"
        await client.say(f"POST /x HTTP/1.1\r\nHost: gate\r\n{framing}\r\n\r\n".encode())
        await asyncio.sleep(0.02)
        await client.say(b"4;x=y\r\nabcd\r\n" if chunked else b"abcd")
        await asyncio.sleep(0.02)
        await client.say(b"4\r\nefgh\r\n0\r\n\r\n" if chunked else b"efgh")
        assert (await client.answer()).endswith(b"ok")

    body = upstream.exchanges[0].received.partition(b"\r\n\r\n")[2]
    assert body == (b"4\r\nabcd\r\n4\r\nefgh\r\n0\r\n\r\n" if chunked else b"abcdefgh")


async def test_a_body_of_unknown_length_has_a_limit_too() -> None:
    """Without one a single request could send for ever."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        exchange.received += await exchange.reader.read()

    async with gate(script) as (client, handler, upstream):
        await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            await client.say(b"400\r\n" + b"x" * 1024 + b"\r\n")
        assert b" 413 " in await client.answer()

    assert [result.status for result in handler.results] == [413]
    assert not upstream.exchanges[0].received.endswith(b"0\r\n\r\n")


async def test_a_client_that_waits_is_told_to_continue() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.reader.readexactly(2)
        await exchange.say(OK)

    async with gate(script) as (client, _, upstream):
        await client.say(
            b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert await client.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.say(b"hi")
        assert (await client.answer()).endswith(b"ok")

    assert b"expect" not in upstream.exchanges[0].received.lower()


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok", ""),
        (b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n", "status"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", ""),
        (b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", ""),
        (b"HTTP/1.1 102 P\r\n\r\n" * 20, "informational"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000, ""),
        (b"not http at all\r\n\r\n", "not-http"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n", ""),
    ],
)
async def test_an_answer_with_two_readings_is_refused_and_its_connection_dropped(
    said: bytes, code: str
) -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(said if len(upstream.exchanges) == 1 else OK)
        await exchange.reader.read()

    async with gate(script) as (client, handler, upstream):
        first = await client.get()
        second = await client.get()

        assert first.startswith(b"HTTP/1.1 502 ")
        assert code in (handler.results[0].code)
        assert second.endswith(b"\r\n\r\nok")
        assert len(upstream.exchanges) == 2


async def test_a_second_answer_never_reaches_the_next_request() -> None:
    """Two answers to one request: the second is somebody else's, or a lie."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        lie = OK.replace(b"ok", b"XX")
        await exchange.say(OK + lie if len(upstream.exchanges) == 1 else OK)
        await exchange.reader.read()

    async with gate(script) as (client, _, upstream):
        assert (await client.get()).endswith(b"ok")
        assert (await client.get()).endswith(b"ok")

        assert len(upstream.exchanges) == 2


async def test_a_body_that_breaks_off_is_seen_to_break_off() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")

    async with gate(script) as (client, handler, _):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.get()
        await asyncio.sleep(0.01)

        assert isinstance(handler.results[0], ExchangeError) or handler.results[0].code
        assert handler.results[0].code == "upstream-cut"


async def test_a_dead_idle_connection_is_replaced_for_a_get_but_not_for_a_post() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(OK)
        if len(upstream.exchanges) % 2:
            await exchange.head()  # takes the next request and dies without a word

    async with gate(script) as (client, _, upstream):
        assert (await client.get()).endswith(b"ok")
        assert (await client.get()).endswith(b"ok")
        await asyncio.sleep(0.02)
        assert (await client.get()).endswith(b"ok")
        refused = await client.get(method="POST", more="Content-Length: 0\r\n")

        assert b"502" in refused.split(b"\r\n")[0]


async def test_refused_and_silent_systems_are_told_apart() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with gate(silent, first_byte_seconds=0.1) as (client, handler, _):
        assert (await client.get()).startswith(b"HTTP/1.1 504 ")
        assert handler.results[0].code == "upstream-timeout"
    async with gate(silent, port=1) as (client, handler, _):
        assert (await client.get()).startswith(b"HTTP/1.1 502 ")
        assert handler.results[0].code == "upstream-refused"


async def test_pipelined_requests_each_get_their_own_answer() -> None:
    async def script(exchange: Exchange) -> None:
        while True:
            path = (await exchange.head()).split(b" ")[1]
            await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + path)

    async with gate(script) as (client, _, _upstream):
        await client.say(b"".join(b"GET /%d HTTP/1.1\r\nHost: gate\r\n\r\n" % n for n in range(9)))

        for number in range(9):
            assert (await client.answer()).endswith(b"\r\n\r\n/%d" % number)


async def test_after_something_malformed_the_owed_answer_comes_first_and_nothing_follows() -> None:
    async with gate(answering(OK, OK)) as (client, _, upstream):
        await client.say(
            b"GET /1 HTTP/1.1\r\nHost: gate\r\n\r\nGET /2 HTTP/1.1\r\nHost: evil\r\n\r\n"
            b"GET /3 HTTP/1.1\r\nHost: gate\r\n\r\n"
        )
        first = await client.answer()
        second = await client.answer()

        assert first.endswith(b"ok")
        assert second.startswith(b"HTTP/1.1 400 ")
        assert b"Connection: close" in second
        assert await client.reader.read() == b""
        assert upstream.exchanges[0].received.count(b"GET") == 1


async def test_a_trailer_field_ends_the_connection_before_it_is_believed() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.reader.read()

    async with gate(script) as (client, handler, upstream):
        await client.say(
            b"POST /x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\na\r\n0\r\nX-Gateway-User: admin\r\n\r\n"
        )
        assert (await client.answer()).startswith(b"HTTP/1.1 400 ")
        assert await client.reader.read() == b""

        assert handler.results[0].code == "trailer"
        assert b"admin" not in upstream.exchanges[0].received


async def test_a_slow_head_is_timed_out_and_a_large_one_refused() -> None:
    async with gate(answering(OK)) as (client, _, upstream):
        await client.say(b"GET / HTTP/1.1\r\nHost: gate\r\nX: ")
        answer = await asyncio.wait_for(client.reader.read(), 5)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert not upstream.exchanges
    async with gate(answering(OK)) as (client, _, upstream):
        await client.say(b"GET / HTTP/1.1\r\nHost: gate\r\nX: " + b"a" * 9000)
        assert (await client.reader.read()).startswith(b"HTTP/1.1 431 ")
        assert not upstream.exchanges
