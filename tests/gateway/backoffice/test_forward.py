"""Forwarding over real sockets: bytes in, bytes out, and never another person's."""

import asyncio
import gc
import gzip
from itertools import chain, repeat

import pytest

from gateway.backoffice import forward
from gateway.backoffice.forward import Forwarded
from gateway.backoffice.transport import ExchangeError
from tests.doubles.raw_client import lazy_client
from tests.doubles.scripted_upstream import Exchange
from tests.doubles.waiting import until
from tests.gateway.backoffice.gate import OK, answering, gate


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


async def test_what_is_over_leaves_nothing_to_the_collector() -> None:
    """Its memory is used again at once; until a collection thousands of visits would pile up."""
    async with gate(answering(*[OK] * 20)) as (client, _, _upstream):
        gc.collect()
        gc.disable()
        try:
            for _ in range(20):
                await client.get()
            left = [each for each in gc.get_objects() if isinstance(each, forward.Exchange)]
        finally:
            gc.enable()

    assert len(left) <= 1


@pytest.mark.parametrize(
    "said",
    [
        b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
    ],
    ids=["unanswered", "amid a body"],
)
async def test_who_leaves_amid_something_leaves_nothing_to_the_collector(said: bytes) -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with gate(silent) as (_, handler, upstream):
        gc.collect()
        gc.disable()
        try:
            for turn in range(1, 4):
                client = await handler.another_client()
                await client.say(said)
                await until(lambda due=turn: len(upstream.exchanges) == due)  # type: ignore[misc]
                client.writer.close()
                await until(lambda due=turn: len(handler.results) == due)  # type: ignore[misc]
            await until(lambda: len(handler.connections) <= 1)
            left = [each for each in gc.get_objects() if isinstance(each, forward.Exchange)]
        finally:
            gc.enable()

    assert len(left) <= 1


async def test_a_body_that_was_sent_in_pieces_leaves_nothing_to_the_collector() -> None:
    async def takes_it(exchange: Exchange) -> None:
        for _ in range(3):
            await exchange.head()
            await exchange.reader.readuntil(b"0\r\n\r\n")
            await exchange.say(OK)

    said = b"POST /x HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with gate(takes_it) as (client, _, _upstream):
        gc.collect()
        gc.disable()
        try:
            for _ in range(3):
                await client.say(said)
                await client.say(b"5\r\nwhole\r\n0\r\n\r\n")
                assert (await client.reader.readuntil(b"\r\n\r\nok")).startswith(b"HTTP/1.1 200 ")
            left = [each for each in gc.get_objects() if isinstance(each, forward.Exchange)]
        finally:
            gc.enable()

    assert len(left) <= 1


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


async def test_part_of_a_file_is_asked_for_and_given_as_part() -> None:
    said = (
        b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n"
        b'ETag: "a"\r\nAccept-Ranges: bytes\r\n\r\ncde'
    )
    async with gate(answering(said)) as (client, _, upstream):
        answer = await client.get(more='Range: bytes=2-4\r\nIf-Range: "a"\r\n')

        sent = upstream.exchanges[0].received
        assert b"\r\nRange: bytes=2-4\r\n" in sent
        assert b'\r\nIf-Range: "a"\r\n' in sent
    assert answer.startswith(b"HTTP/1.1 206 ")
    assert b"\r\nContent-Range: bytes 2-4/10\r\n" in answer
    assert answer.endswith(b"\r\n\r\ncde")


async def test_who_waits_long_for_an_answer_keeps_nobody_else_waiting() -> None:
    """Long polling: the answer comes when there is one, on a connection of its own."""
    news = asyncio.Event()

    async def poll(exchange: Exchange) -> None:
        while True:
            if b"GET /news " in await exchange.head():
                await news.wait()
            await exchange.say(OK)

    async with gate(poll) as (client, handler, _):
        await client.say(b"GET /news HTTP/1.1\r\nHost: gate\r\n\r\n")
        other = await handler.another_client()
        for _ in range(3):
            assert (await other.get()).endswith(b"ok")
        assert len(handler.results) == 3
        news.set()

        assert (await client.answer()).endswith(b"ok")


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
        assert upstream.exchanges == []


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


# ---- what a slow, vanishing or half-hearted party may do to others ------------------------------

SET_COOKIE = b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1\r\nContent-Length: 2\r\n\r\nok"


async def test_an_exchange_that_is_over_never_touches_the_connection_again() -> None:
    """While its cookies are stored somebody else may be served on that connection already."""
    storing = asyncio.Event()

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(SET_COOKIE)
        await exchange.head()
        storing.set()
        await asyncio.sleep(0.1)
        await exchange.say(OK)
        await exchange.reader.read()

    async def keep(_: list[bytes], __: bytes | None) -> None:
        await asyncio.sleep(0.3)

    async with gate(script, keep=keep) as (client, handler, upstream):
        leaving = await handler.another_client()
        await leaving.say(b"GET /1 HTTP/1.1\r\nHost: gate\r\n\r\n")
        await until(lambda: upstream.exchanges and upstream.exchanges[0].received)
        await asyncio.sleep(0.03)
        answering_other = asyncio.ensure_future(client.get("/2"))
        await storing.wait()
        leaving.writer.close()

        assert (await answering_other).endswith(b"ok")
        assert len(upstream.exchanges) == 1


async def test_an_answer_waits_for_its_cookies_and_is_not_given_without_them() -> None:
    stored = asyncio.Event()

    async def keep(values: list[bytes], _: bytes | None) -> None:
        await stored.wait()
        assert values == [b"s=1"]

    async def streaming(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1\r\nContent-Length: 200000\r\n\r\n")
        await exchange.say(b"x" * 200_000)
        await exchange.reader.read()

    async with gate(streaming, keep=keep) as (client, _, _upstream):
        await client.say(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.read(1), 0.1)
        stored.set()
        assert (await client.answer()).endswith(b"x" * 200_000)


@pytest.mark.parametrize("ended", [True, False])
async def test_cookies_that_cannot_be_stored_are_a_503_and_nothing_of_the_answer(
    ended: bool,
) -> None:
    async def keep(_: list[bytes], __: bytes | None) -> None:
        raise OSError("no store")

    said = SET_COOKIE if ended else SET_COOKIE[:-1]
    async with gate(answering(said), keep=keep) as (client, handler, _):
        answer = await client.get()

        assert answer.startswith(b"HTTP/1.1 503 ")
        assert handler.results[0].code == "answer-not-stored"


async def test_a_body_that_fails_while_cookies_are_stored_is_answered_once() -> None:
    """An early answer with cookies, and a body that stops coming: 408, and nothing behind it."""
    release = asyncio.Event()

    async def keep(_: list[bytes], __: bytes | None) -> None:
        await release.wait()

    async with gate(answering(SET_COOKIE), keep=keep, idle_seconds=0.15) as (client, handler, _):
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 9\r\n\r\nabc")
        assert (await client.answer()).startswith(b"HTTP/1.1 408 ")
        release.set()

        assert await client.reader.read() == b""
        assert handler.results[0].code == "body-timeout"
    del client, handler
    gc.collect()
    await asyncio.sleep(0)
    assert faults == []


async def test_an_answer_that_breaks_while_its_cookies_are_stored_is_a_502() -> None:
    async def keep(_: list[bytes], __: bytes | None) -> None:
        await asyncio.sleep(5)

    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1\r\nTransfer-Encoding: chunked\r\n\r\nnone\r\n"
    async with gate(answering(said), keep=keep) as (client, handler, _):
        assert (await client.get()).startswith(b"HTTP/1.1 502 ")
        assert handler.results[0].code == "upstream-not-http"


async def test_a_client_that_leaves_ends_its_exchange() -> None:
    gone = asyncio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            while True:
                await exchange.say(b"5\r\nevent\r\n")
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with gate(endless) as (client, handler, _):
        await client.say(b"GET /events HTTP/1.1\r\nHost: gate\r\n\r\n")
        await client.reader.readuntil(b"event")
        client.writer.close()
        await asyncio.wait_for(gone.wait(), 2)

        (result,) = handler.results
        assert not isinstance(result, ExchangeError)
        assert (result.status, result.code, result.answered) == (200, "client-gone", True)


async def test_a_client_that_leaves_before_it_was_answered_is_noted() -> None:
    async def silent(exchange: Exchange) -> None:
        await exchange.reader.read()

    async with gate(silent) as (client, handler, upstream):
        await client.say(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n")
        await until(lambda: upstream.exchanges)
        client.writer.close()
        await until(lambda: handler.results)

        assert (handler.results[0].status, handler.results[0].code) == (499, "client-gone")


async def test_a_client_that_reads_slowly_slows_the_system_and_loses_nothing() -> None:
    sent = 0

    async def fast(exchange: Exchange) -> None:
        nonlocal sent
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
        for _ in range(30):
            await exchange.say(b"x" * 1_000_000)
            sent += 1
        await exchange.reader.read()

    async with gate(fast) as (_, handler, _upstream):
        lazy = await lazy_client(handler.address)
        lazy.send(b"GET /x HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(0.3)
        assert sent < 25  # the rest is held by the system itself
        loop, received = asyncio.get_running_loop(), 0
        while piece := await loop.sock_recv(lazy, 1 << 20):
            received += len(piece)
        lazy.close()

        assert received > 30_000_000


async def test_a_client_that_reads_nothing_frees_the_connection_to_the_system() -> None:
    async def endless(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await exchange.say(b"10000\r\n" + b"x" * 65_536 + b"\r\n")

    async with gate(endless, slow_seconds=0.2) as (_, handler, _upstream):
        lazy = await lazy_client(handler.address)
        lazy.send(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n")
        await until(lambda: handler.results)
        lazy.close()

        assert handler.results[0].code == "client-gone"


async def test_an_upload_goes_as_fast_as_the_system_takes_it() -> None:
    async def slow(exchange: Exchange) -> None:
        await exchange.head()
        await asyncio.sleep(0.2)
        body = await exchange.reader.readexactly(8_000_000)
        exchange.received += body[-3:]
        await exchange.say(OK)
        await exchange.reader.read()

    async with gate(slow, first_byte_seconds=2) as (client, _, upstream):
        head = b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 8000000\r\n\r\n"
        await client.say(head + b"x" * 7_999_997 + b"END")
        assert (await client.answer()).endswith(b"ok")

        assert upstream.exchanges[0].received.endswith(b"END")
        client.writer.write(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n")


async def test_a_system_that_takes_no_body_is_given_up() -> None:
    async def deaf(exchange: Exchange) -> None:
        exchange.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(3)

    async with gate(deaf, first_byte_seconds=0.2) as (client, handler, _):
        client.writer.write(
            b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 20000000\r\n\r\n"
            + b"x" * 15_000_000
        )

        assert (await client.answer()).startswith(b"HTTP/1.1 504 ")
        assert handler.results[0].code == "upstream-timeout"


async def test_an_answer_that_comes_before_the_body_is_whole_is_passed_on() -> None:
    async with gate(answering(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")) as (
        client,
        _,
        upstream,
    ):
        await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 90\r\n\r\nabc")
        answer = await client.answer()

        assert answer.startswith(b"HTTP/1.1 403 ")
        assert b"Connection: close" in answer
        assert await client.is_closed()
        assert await asyncio.wait_for(upstream.exchanges[0].reader.read(), 2) == b""


async def test_an_answer_that_pauses_too_long_is_cut() -> None:
    async with gate(
        answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), first_byte_seconds=0.1
    ) as (client, handler, _):
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.get()
        await until(lambda: handler.results)

        assert handler.results[0].code == "upstream-stalled"


async def test_an_http_1_0_client_reads_to_the_end_of_the_connection() -> None:
    said = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with gate(answering(said)) as (client, _, _upstream):
        await client.say(b"GET /x HTTP/1.0\r\nHost: gate\r\nConnection: keep-alive\r\n\r\n")
        answer = await client.reader.read()

        assert answer.endswith(b"\r\n\r\nabc")
        assert b"Transfer-Encoding" not in answer
        assert b"Connection: close" in answer


async def test_an_http_1_0_client_sees_that_an_answer_is_incomplete() -> None:
    """It takes an orderly end of the connection for the end of the answer."""

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")

    async with gate(script) as (client, _, _upstream):
        await client.say(b"GET /x HTTP/1.0\r\nHost: gate\r\n\r\n")

        with pytest.raises(ConnectionResetError):
            await client.reader.read()


async def test_an_answer_whose_request_never_ends_is_cut_and_not_ended() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        await exchange.reader.read()

    async with gate(script, idle_seconds=0.15) as (client, handler, _upstream):
        await client.say(b"POST /x HTTP/1.0\r\nHost: gate\r\nContent-Length: 9\r\n\r\na")

        with pytest.raises(ConnectionResetError):
            await client.reader.read()
        (result,) = handler.results
        assert (result.status, result.code) == (200, "body-timeout")


async def test_an_answer_that_ends_with_its_connection_is_framed_for_the_client() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(b"HTTP/1.0 200 OK\r\n\r\nabc")

    async with gate(script) as (client, _, _upstream):
        assert (await client.get()).endswith(b"\r\n\r\nabc")
        assert (await client.get()).endswith(b"\r\n\r\nabc")


async def test_an_answer_without_a_body_keeps_the_length_it_would_have_had() -> None:
    said = b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n"
    async with gate(answering(said, b"HTTP/1.1 304 Not Modified\r\n\r\n", OK)) as (
        client,
        _,
        upstream,
    ):
        await client.say(b"GET /x HTTP/1.1\r\nHost: gate\r\n\r\n" * 3)
        assert b"Content-Length: 5" in await client.answer(bodiless=True)
        assert b"Content-Length" not in await client.answer(bodiless=True)
        assert (await client.answer()).endswith(b"ok")

        assert len(upstream.exchanges) == 1


async def test_a_head_without_a_length_is_answered_without_one() -> None:
    async with gate(answering(b"HTTP/1.1 200 OK\r\n\r\n")) as (client, _, _upstream):
        answer = await client.get(method="HEAD")

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b"Content-Length" not in answer


async def test_a_location_on_the_system_becomes_one_on_the_gateway() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/a?b=c\r\n"
            b"Content-Length: 0\r\n\r\n" % upstream.port
        )

    async with gate(script) as (client, _, upstream):
        assert b"\r\nLocation: /a?b=c\r\n" in await client.get()


async def test_what_an_answer_names_beside_its_location_is_on_the_gateway_too() -> None:
    async def script(exchange: Exchange) -> None:
        await exchange.head()
        origin = b"http://127.0.0.1:%d" % upstream.port
        await exchange.say(
            b"HTTP/1.1 200 OK\r\nLink: <%b/a.css>; rel=preload\r\nRefresh: 5; url=%b/wait\r\n"
            b"Content-Location: %b/a.html\r\nVary: Accept-Language\r\n"
            b"Content-Length: 2\r\n\r\nok" % (origin, origin, origin)
        )

    async with gate(script) as (client, handler, upstream):
        answer = await client.get()

        assert b"\r\nLink: </a.css>; rel=preload\r\n" in answer
        assert b"\r\nRefresh: 5; url=/wait\r\n" in answer
        assert b"\r\nContent-Location: /a.html\r\n" in answer
        assert b"\r\nVary: Accept-Language\r\n" in answer
        assert b"\r\nCache-Control: private, no-store\r\nVary: Cookie\r\n" in answer
        assert b"\r\nLocation" not in answer
        assert handler.locations == [b"/wait"]  # the page it leads to is that of this function


async def test_a_refresh_to_elsewhere_is_not_followed() -> None:
    said = b"HTTP/1.1 200 OK\r\nRefresh: 0; url=//evil.example\r\nContent-Length: 0\r\n\r\n"
    async with gate(answering(said)) as (client, handler, _):
        assert (await client.get()).startswith(b"HTTP/1.1 502 ")
        assert handler.results[0].code == "upstream-location"


async def test_nothing_a_shared_cache_goes_by_is_taken_from_a_system() -> None:
    """What one person may see must never be given to the next by a cache on the way."""
    said = (
        b"HTTP/1.1 200 OK\r\nCache-Control: public, max-age=600, s-maxage=900\r\nAge: 5\r\n"
        b"Expires: Fri, 01 Jan 2100 00:00:00 GMT\r\nSurrogate-Control: max-age=9\r\n"
        b"CDN-Cache-Control: max-age=9\r\nPragma: public\r\nContent-Length: 2\r\n\r\nok"
    )
    async with gate(answering(said)) as (client, _, _upstream):
        head = (await client.get()).lower()

        assert head.count(b"cache-control") == 1
        assert b"cache-control: private, no-store\r\nvary: cookie\r\n" in head
        assert not any(word in head for word in (b"max-age", b"expires", b"age:", b"pragma"))


async def test_a_compressed_answer_passes_as_it_is() -> None:
    body = gzip.compress(b"page " * 5_000)
    said = (
        b'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding\r\nETag: "1"\r\n'
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    )
    async with gate(answering(said)) as (client, _, upstream):
        answer = await client.get(more="Accept-Encoding: gzip, br\r\n")
        head, _, received = answer.partition(b"\r\n\r\n")

        assert b"\r\nAccept-Encoding: gzip, br\r\n" in upstream.exchanges[0].received
        assert b"\r\nContent-Encoding: gzip\r\n" in head
        assert b"\r\nVary: Accept-Encoding\r\n" in head
        assert received == body


async def test_a_request_whose_client_left_in_line_is_not_sent() -> None:
    left = asyncio.Event()

    async def busy(exchange: Exchange) -> None:
        await exchange.head()
        await left.wait()
        await exchange.say(OK)
        await exchange.reader.read()

    async with gate(busy, max_connections=1) as (client, handler, upstream):
        first = asyncio.ensure_future(client.get("/first"))
        await until(lambda: upstream.exchanges)
        second = await handler.another_client()
        await second.say(b"GET /second HTTP/1.1\r\nHost: gate\r\n\r\n")
        await until(lambda: all(each.task for each in handler.connections))
        second.writer.close()
        await until(lambda: handler.results, seconds=0.5)  # it is waited for no longer
        left.set()
        assert (await first).endswith(b"ok")

        assert b"second" not in upstream.exchanges[0].received
        assert handler.results[0] == Forwarded(status=499, code="client-gone", answered=False)


async def test_whoever_is_slow_on_all_they_get_leaves_a_connection_for_others() -> None:
    """Two who send slowly: one of them waits in line, and somebody else is served meanwhile."""
    together = asyncio.Barrier(2)

    async def script(exchange: Exchange) -> None:
        while True:
            head = await exchange.head()
            if b"POST" in head:
                await exchange.reader.read()
            if b"GET /both" in head:
                await together.wait()
            await exchange.say(OK)

    async with gate(script, max_connections=2) as (client, handler, upstream):
        handler.askers = chain(("quick", "other", "slow", "slow"), repeat("quick"))
        another = await handler.another_client()
        await asyncio.gather(client.get("/both"), another.get("/both"))  # two are idle now
        for _ in range(2):
            slow = await handler.another_client()
            await slow.say(b"POST /slow HTTP/1.1\r\nHost: gate\r\nContent-Length: 9\r\n\r\nx")
        await until(lambda: any(b"POST" in each.received for each in upstream.exchanges))
        for _ in range(3):
            assert (await client.get("/quick")).endswith(b"ok")

        assert sum(b"POST" in each.received for each in upstream.exchanges) == 1
