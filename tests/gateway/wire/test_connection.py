"""One client connection over real sockets: whatever a client does, it is bounded and it ends."""

import asyncio
import gc
import socket
import weakref

import pytest

from gateway.wire.answers import give, plain
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from gateway.wire.promise import promise
from tests.doubles.raw_client import lazy_client
from tests.doubles.waiting import until
from tests.doubles.wire import Wire
from tests.gateway.wire.bench import REFERENCE, Handler, bench, echo, ok

LIMITS = ConnectionLimits(
    head_bytes=8192, head_fields=20, head_seconds=2, idle_seconds=2, hosts=frozenset({b"gate"})
)

HEAD = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"


async def big(incoming: Incoming, connection: Connection) -> None:
    """Answer with more than the buffers of the system take."""
    give(plain(200, "x" * 400_000, REFERENCE), incoming, connection)


async def test_requests_on_one_connection_are_answered_one_after_the_other() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        for _ in range(3):
            assert b" 200 " in await client.get()

        assert len(gate.handler.connections) == 1


async def test_an_answer_may_take_longer_than_the_body_before_it_was_allowed_to() -> None:
    """The idle time is the client's; a report that takes a minute is the back office's."""

    async def slowly(incoming: Incoming, connection: Connection) -> None:
        await asyncio.sleep(0.5)
        await echo(incoming, connection)

    async with bench(slowly, idle_seconds=0.1) as gate:
        client = await gate.client()
        await client.say(POST % 5 + b"hello")

        assert b"<p>hello</p>" in await client.answer()


async def test_once_the_body_is_whole_the_client_has_no_deadline() -> None:
    deadlines: list[float] = []

    async def noting(incoming: Incoming, connection: Connection) -> None:
        deadlines.append(connection.deadline)
        await incoming.read_body(10)
        deadlines.append(connection.deadline)
        await ok(incoming, connection)

    async with bench(noting) as gate:
        client = await gate.client()
        await client.say(POST % 5 + b"hel")
        await until(lambda: deadlines)
        await client.say(b"lo")
        await client.answer()

        assert deadlines[0] < asyncio.get_running_loop().time() + 3
        assert deadlines[1] == float("inf")


@pytest.mark.parametrize("sent", [b"", b"hel"])
async def test_a_body_that_stops_coming_is_answered_408(sent: bytes) -> None:
    async with bench(echo, idle_seconds=0.1) as gate:
        client = await gate.client()
        await client.say(POST % 5 + sent)

        answer = await client.answer()
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"Connection: close" in answer
        assert await client.is_closed()


async def test_a_body_that_trickles_ends_too() -> None:
    """A byte a second would hold a connection for days, each of them within the idle time."""
    async with bench(echo, idle_seconds=0.15) as gate:
        client = await gate.client()
        await client.say(POST % 1000)

        async def trickle() -> None:
            while True:
                await client.say(b"x")
                await asyncio.sleep(0.02)

        trickling = asyncio.ensure_future(trickle())
        assert (await client.answer()).startswith(b"HTTP/1.1 408 ")
        trickling.cancel()


async def test_a_body_that_comes_fast_enough_may_take_its_time() -> None:
    async with bench(echo, idle_seconds=0.2) as gate:
        client = await gate.client()
        await client.say(POST % 40_000)
        for _ in range(8):
            await asyncio.sleep(0.05)
            await client.say(b"x" * 5_000)

        assert b"x" * 40_000 in await client.answer()


async def test_a_body_nobody_takes_is_held_to_a_bound_and_may_stall_no_longer_once_taken() -> None:
    """While it is us who do not read, the client has no deadline; after that it has one again."""
    taken = asyncio.Event()

    async def later(incoming: Incoming, connection: Connection) -> None:
        await taken.wait()
        await echo(incoming, connection)

    async with bench(later, idle_seconds=0.2) as gate:
        client = await gate.client()
        client.writer.write(POST % 250_000 + b"x" * 200_000)
        await until(lambda: gate.handler.served)
        await asyncio.sleep(0.4)
        held = gate.handler.served[0].received_bytes
        assert not gate.handler.served[0].failed
        assert 65_536 <= held < 65_536 + 262_144 + 1

        taken.set()
        assert (await client.answer()).startswith(b"HTTP/1.1 408 ")


async def test_a_chunk_without_sense_is_answered_400_and_nothing_follows() -> None:
    async with bench(echo) as gate:
        client = await gate.client()
        await client.say(CHUNKED + b"zz\r\n" + HEAD)

        assert (await client.answer()).startswith(b"HTTP/1.1 400 ")
        assert await client.is_closed()
        assert len(gate.handler.served) == 1


async def test_a_client_that_reads_nothing_is_cut_and_its_producer_told() -> None:
    """Else anybody could keep an answer, and the connection to the back office behind it."""
    told: list[str] = []

    async def stream(incoming: Incoming, connection: Connection) -> None:
        gone = asyncio.Event()
        incoming.on_pause = lambda: told.append("pause")
        incoming.on_gone = gone.set
        while not connection.client_slow:
            connection.send(b"x" * 65_536)
            await asyncio.sleep(0)
        await gone.wait()
        told.append("gone")

    async with bench(stream, slow_seconds=0.2) as gate:
        lazy = await lazy_client(gate.address)
        lazy.send(HEAD)
        await until(lambda: told == ["pause", "gone"])

        assert not gate.handler.connections
        lazy.close()


async def test_a_client_that_catches_up_is_served_on() -> None:
    told: list[str] = []

    async def stream(incoming: Incoming, connection: Connection) -> None:
        caught_up = asyncio.Event()
        incoming.on_resume = caught_up.set
        while not connection.client_slow:
            connection.send(b"x" * 65_536)
            await asyncio.sleep(0)
        await caught_up.wait()
        told.append("resumed")
        connection.send(b"END")
        connection.finish(incoming, keep_open=False)

    async with bench(stream) as gate:
        lazy = await lazy_client(gate.address)
        lazy.send(HEAD)
        await until(lambda: [c for c in gate.handler.connections if c.client_slow])
        loop, last = asyncio.get_running_loop(), b""
        while piece := await loop.sock_recv(lazy, 1 << 20):
            last = (last + piece)[-3:]

        assert (told, last) == (["resumed"], b"END")
        lazy.close()


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_client_that_does_not_read_is_given_no_more_however_much_it_asks_for(
    at_once: bool,
) -> None:
    """Answers that nobody reads would fill the memory, and no session is needed to ask for them."""
    async with bench(big) as gate:
        lazy = await lazy_client(gate.address)
        if at_once:
            lazy.send(HEAD * 40)
        for _ in range(40):
            if not at_once:
                lazy.send(HEAD)
            await asyncio.sleep(0.005)
        served = len(gate.handler.served)
        assert served < 20

        loop, received = asyncio.get_running_loop(), 0
        while received < 40 * 400_000:
            received += len(await loop.sock_recv(lazy, 1 << 20))
        assert len(gate.handler.served) == 40
        lazy.close()


async def test_an_answer_nobody_reads_does_not_keep_a_closed_connection() -> None:
    async def huge(incoming: Incoming, connection: Connection) -> None:
        give(plain(200, "x" * 8_000_000, REFERENCE), incoming, connection)

    async with bench(huge, slow_seconds=0.2) as gate:
        lazy = await lazy_client(gate.address)
        lazy.send(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        await until(lambda: gate.handler.served)
        await until(lambda: not gate.handler.connections)
        assert len(gate.handler.served) == 1
        lazy.close()


async def test_after_the_last_answer_nothing_more_is_served_however_slowly_it_is_read() -> None:
    async def huge(incoming: Incoming, connection: Connection) -> None:
        give(plain(200, "x" * 8_000_000, REFERENCE), incoming, connection)

    async with bench(huge) as gate:
        lazy = await lazy_client(gate.address)
        lazy.send(HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + HEAD)
        await until(lambda: gate.handler.served)
        loop, received = asyncio.get_running_loop(), bytearray()
        while piece := await loop.sock_recv(lazy, 1 << 16):
            received += piece
            await asyncio.sleep(0)
        lazy.close()

        assert received.count(b"HTTP/1.1 ") == len(gate.handler.served) == 1


async def test_closing_has_a_deadline_of_its_own() -> None:
    """What has been written may never be taken, and the connection would stay for ever."""

    class Stuck(asyncio.Transport):
        """A socket that gives nothing away, and so never closes by itself."""

        aborted = False

        def close(self) -> None:
            pass

        def abort(self) -> None:
            self.aborted = True

    loop, stuck = asyncio.get_running_loop(), Stuck({"socket": socket.socket()})
    async with bench(ok, slow_seconds=7) as gate:
        connection = Connection(gate.handler, loop)
        connection.connection_made(stuck)
        connection.close()
        connection.close()
        assert loop.time() + 6 < connection.deadline <= loop.time() + 7
        connection.expire()

        assert stuck.aborted
        connection.connection_lost(None)
    stuck.get_extra_info("socket").close()


async def test_a_half_closed_connection_is_closed() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        client.writer.write_eof()

        assert await client.is_closed()


async def test_a_head_has_a_time_from_its_first_byte() -> None:
    async with bench(ok, head_seconds=0.15) as gate:
        client = await gate.client()
        await client.say(HEAD[:-4])

        assert (await client.answer()).startswith(b"HTTP/1.1 408 ")
        assert gate.handler.refused == ["head-timeout"]
        assert await client.is_closed()


async def test_empty_lines_before_a_head_do_not_begin_its_time_anew() -> None:
    async with bench(ok, head_seconds=0.2) as gate:
        client = await gate.client()

        async def trickle() -> None:
            while True:
                await client.say(b"\r\n")
                await asyncio.sleep(0.05)

        trickling = asyncio.ensure_future(trickle())
        assert await client.is_closed(1)
        trickling.cancel()


async def test_the_time_of_a_pipelined_head_begins_when_it_is_the_clients_turn() -> None:
    release = asyncio.Event()

    async def waiting(incoming: Incoming, connection: Connection) -> None:
        await release.wait()
        await ok(incoming, connection)

    async with bench(waiting, head_seconds=0.2) as gate:
        client = await gate.client()
        await client.say(HEAD)
        await until(lambda: gate.handler.served)
        await client.say(b"GET / HT")
        await asyncio.sleep(0.3)
        release.set()

        assert b" 200 " in await client.answer()
        assert b" 408 " in await client.answer()


async def test_an_unused_connection_is_closed_without_a_word() -> None:
    async with bench(ok, idle_seconds=0.1) as gate:
        client = await gate.client()
        await client.get()

        assert await client.is_closed(1)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: gate\r\n\r\n", "target-too-long"),
        (b"GET / HTTP/1.1\r\nHost: gate\r\n" + b"A: b\r\n" * 21 + b"\r\n", "too-many-fields"),
        (b"GET / HTTP/1.1\r\nHost: gate\r\nA: " + b"b" * 9000 + b"\r\n\r\n", "head-too-large"),
        (b"GET / HTTP/1.1\r\nHost: gate\r\nA: " + b"b" * 9000, "head-too-large"),
        (b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "host"),
        (b"CONNECT gate:80 HTTP/1.1\r\nHost: gate\r\n\r\n", "method"),
        (b"\x00nonsense", "not-http"),
        (b"\x16\x03\x01\x02\x00", "tls-on-plain-port"),
        (b"PROXY TCP4 192.0.2.7 192.0.2.1 1 2\r\n" + HEAD, "proxy-protocol-unexpected"),
        (b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c" + b"\x00" * 12, "proxy-protocol-unexpected"),
    ],
)
async def test_what_cannot_be_read_is_refused_once_and_closed(sent: bytes, code: str) -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        await client.say(sent)

        assert code.encode() in await client.answer()
        assert gate.handler.refused == [code]
        assert not gate.handler.served
        assert await client.is_closed()


async def test_a_refusal_waits_for_the_answers_owed_even_to_a_slow_client() -> None:
    async with bench(big) as gate:
        lazy = await lazy_client(gate.address)
        lazy.send(HEAD * 20 + b"nonsense\r\n\r\n")
        await until(lambda: gate.handler.refused)
        loop, received = asyncio.get_running_loop(), bytearray()
        while piece := await loop.sock_recv(lazy, 1 << 20):
            received += piece

        assert received.count(b"HTTP/1.1 200 ") == 20
        assert received.rindex(b"HTTP/1.1 400 ") > received.rindex(b"HTTP/1.1 200 ")
        lazy.close()


async def test_what_is_pipelined_waits_unread_beyond_a_bound() -> None:
    release = asyncio.Event()

    async def waiting(incoming: Incoming, connection: Connection) -> None:
        await release.wait()
        await ok(incoming, connection)

    async with bench(waiting) as gate:
        client = await gate.client()
        for _ in range(12):
            await client.say(HEAD)
            await asyncio.sleep(0.005)
        assert len(gate.handler.served) == 1
        release.set()

        for _ in range(12):
            assert b" 200 " in await client.answer()


async def test_the_answer_to_a_body_nobody_wants_is_not_lost() -> None:
    """The client is still sending: closing at once would reset the connection under the answer."""
    async with bench(ok) as gate:
        client = await gate.client()
        client.writer.write(POST % 500_000 + b"x" * 400_000)

        answer = await client.answer()
        assert b" 200 " in answer
        assert b"Connection: close" in answer
        assert await client.is_closed()


async def test_a_slow_client_is_refused_once_however_often_it_catches_up() -> None:
    handler = Handler(ok, LIMITS)
    connection, wire = Connection(handler, asyncio.get_running_loop()), Wire()
    connection.connection_made(wire)
    connection.data_received(b"no http\r\n\r\n")
    for _ in range(2):
        connection.pause_writing()
        connection.resume_writing()

    assert wire.written.count(b"HTTP/1.1 ") == 1
    assert wire.did == ["eof"]


async def test_no_more_than_a_little_of_a_refused_body_is_swallowed() -> None:
    async with bench(ok, slow_seconds=0.2) as gate:
        client = await gate.client()
        client.writer.write(POST % 50_000_000)
        assert b" 200 " in await client.answer()
        with pytest.raises(ConnectionError):  # noqa: PT012 -- any of them may be the one
            for _ in range(800):
                await client.say(b"x" * 65_536)

        assert not gate.handler.connections


async def test_a_refused_body_that_stops_coming_does_not_keep_the_connection() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        await client.say(POST % 50)
        assert b" 200 " in await client.answer()
        connection = next(iter(gate.handler.connections))
        connection.deadline = 0

        await until(lambda: not gate.handler.connections)


async def test_a_body_that_ended_while_it_was_held_back_does_not_hold_back_what_follows() -> None:
    """A system that answers without reading all it was sent leaves the client's side paused."""

    async def held(incoming: Incoming, connection: Connection) -> None:
        whole = asyncio.Event()
        incoming.take_body(lambda _: None, whole.set)
        await whole.wait()
        incoming.pause_body()
        await ok(incoming, connection)

    async with bench(held) as gate:
        client = await gate.client()
        await client.say(POST % 2 + b"hi")
        assert b" 200 " in await client.answer()

        await client.say(POST % 2 + b"hi")
        assert b" 200 " in await asyncio.wait_for(client.answer(), 1)


async def test_a_request_is_answered_once() -> None:
    """A second answer would be read as the answer to the next request."""

    async def twice(incoming: Incoming, connection: Connection) -> None:
        await ok(incoming, connection)
        give(plain(503, "again", REFERENCE), incoming, connection)
        connection.finish(incoming, keep_open=False)

    async with bench(twice) as gate:
        client = await gate.client()
        assert b" 200 " in await client.get()

        assert b" 200 " in await client.get()


async def test_a_refusal_in_the_midst_of_an_answer_cuts_it() -> None:
    async def midway(incoming: Incoming, connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        give(plain(503, "broken", REFERENCE), incoming, connection)

    async with bench(midway) as gate:
        client = await gate.client()
        await client.say(HEAD)

        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.answer()


async def test_nothing_is_said_to_a_client_that_is_gone() -> None:
    finished: list[bool] = []
    release = asyncio.Event()

    async def waiting(incoming: Incoming, connection: Connection) -> None:
        await release.wait()
        await ok(incoming, connection)
        connection.send(b"more")
        connection.send_continue()
        finished.append(incoming.failed)

    async with bench(waiting) as gate:
        client = await gate.client()
        await client.say(HEAD * 3)
        await until(lambda: gate.handler.served)
        client.writer.close()
        await until(lambda: not gate.handler.connections)
        release.set()
        await until(lambda: finished)

        assert finished == [True]
        assert len(gate.handler.served) == 1


async def test_a_connection_is_idle_between_requests_only() -> None:
    """A worker that stops closes what is idle; a fresh connection is owed its first answer."""
    async with bench(ok) as gate:
        client = await gate.client()
        await until(lambda: gate.handler.connections)
        (connection,) = gate.handler.connections
        idle = [connection.is_idle]
        await client.get()
        idle.append(connection.is_idle)
        await client.say(HEAD[:20])
        await asyncio.sleep(0.05)
        idle.append(connection.is_idle)

        assert idle == [False, True, False]


async def test_while_the_worker_stops_an_answer_closes_its_connection() -> None:
    async with bench(ok) as gate:
        gate.handler.draining = True
        client = await gate.client()

        assert b"Connection: close" in await client.get()
        assert await client.is_closed()


async def test_an_answer_that_promised_to_keep_the_connection_does_not_keep_a_stopping_worker() -> (
    None
):
    async def meanwhile(incoming: Incoming, connection: Connection) -> None:
        keep_open, _ = promise(incoming, connection)
        connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
        gate.handler.draining = True
        connection.finish(incoming, keep_open=keep_open)

    async with bench(meanwhile) as gate:
        client = await gate.client()
        await client.get()

        assert await client.is_closed()


async def test_the_address_of_the_client_is_known() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        await client.get()
        (connection,) = gate.handler.connections

        assert (connection.peer_ip, connection.is_open) == ("127.0.0.1", True)


async def test_a_fault_of_our_own_closes_the_connection() -> None:
    async def faulty(incoming: Incoming, connection: Connection) -> None:
        def fail(piece: bytes) -> None:
            raise TypeError(piece)

        incoming.take_body(fail, lambda: None)
        await asyncio.sleep(5)
        await ok(incoming, connection)

    async with bench(faulty) as gate:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        client = await gate.client()
        await client.say(POST % 4)
        await until(lambda: gate.handler.served)
        await asyncio.sleep(0.02)
        await client.say(b"body")

        assert await client.is_closed()
        for task in [c.task for c in gate.handler.connections]:
            assert task is None or task.cancel()


def test_a_socket_without_a_network_address_has_no_peer() -> None:
    ours, theirs = socket.socketpair()

    async def run() -> str:
        loop = asyncio.get_running_loop()
        async with bench(ok) as gate:
            connection = Connection(gate.handler, loop)
            await loop.connect_accepted_socket(lambda: connection, ours)
            connection.abort()
            return connection.peer_ip

    assert asyncio.run(run()) == ""
    theirs.close()


@pytest.mark.parametrize(
    "said",
    [b"", b"GET / HTT", HEAD, POST % 5 + b"hel", b"no http at all\r\n\r\n"],
    ids=["nothing", "half a head", "a request", "half a body", "no HTTP"],
)
async def test_a_connection_that_is_gone_leaves_nothing_to_the_collector(said: bytes) -> None:
    """Whoever outlives one collection waits for the next but one, which may be hours away."""
    async with bench(echo) as gate:
        made: list[weakref.ref[Connection]] = []
        gc.collect()
        gc.disable()
        try:
            for _ in range(5):
                client = await gate.client()
                await client.say(said)
                await until(lambda: gate.handler.connections)
                made += map(weakref.ref, gate.handler.connections)
                if said == HEAD:
                    await client.answer()
                client.writer.transport.abort()
                await until(lambda: not gate.handler.connections)
                gate.handler.served.clear()
            await asyncio.sleep(0)
            left = sum(each() is not None for each in made)
        finally:
            gc.enable()

    assert len(made) == 5
    assert left <= 1
