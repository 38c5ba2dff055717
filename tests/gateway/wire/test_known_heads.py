"""What is known needs no parser, and whatever is sent is served as if nothing were known."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.wire.answers import give, plain
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.known_heads import KnownHeads
from gateway.wire.limits import ConnectionLimits
from gateway.wire.request_head import check_head
from tests.doubles.wire import Wire
from tests.gateway.wire.bench import REFERENCE, Handler

LIMITS = ConnectionLimits(
    head_bytes=300, head_fields=6, head_seconds=3, idle_seconds=9, hosts=frozenset({b"gate"})
)
FIELDS = b"Host: gate\r\nAccept: text/html\r\nCookie: a=1; b=2\r\n\r\n"
ASKS = b"GET /%d HTTP/1.1\r\n" + FIELDS
POST = b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 4\r\n\r\n"


class Served(Handler):
    """Answers at once, or when told; notes all that can be seen of a connection from outside."""

    def __init__(self, *, at_once: bool) -> None:
        super().__init__(self._answer, LIMITS)
        self.loop = asyncio.get_running_loop()
        self.seen: list[object] = []
        self.answering = asyncio.Event()
        if at_once:
            self.answering.set()
        self.connection = Connection(self, cast("asyncio.AbstractEventLoop", self))
        self.wire = Wire()
        self.connection.connection_made(self.wire)

    async def _answer(self, incoming: Incoming, connection: Connection) -> None:
        head = incoming.head
        self.seen.append((head, head.target, incoming.complete, connection.deadline))
        await self.answering.wait()
        body = await incoming.read_body(100)
        self.seen.append((body, incoming.failure if incoming.failed else None))
        give(plain(200, "fine", REFERENCE), incoming, connection)

    # what a connection needs of its loop, but for the time, which stands
    def time(self) -> float:
        return 100.0

    def create_task(self, serving: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        return self.loop.create_task(serving)

    async def feed(self, piece: bytes) -> None:
        if not self.wire.is_closing():
            self.connection.data_received(piece)
        for _ in range(6):
            await asyncio.sleep(0)
        one = self.connection
        self.seen.append((one.deadline, one.closing, one.is_idle, one.client_slow, one.bytes_out))


async def outcome(pieces: Iterable[bytes], *, at_once: bool, known: bool) -> list[object]:
    """Feed a connection and give what could be seen of it."""
    served = Served(at_once=at_once)
    if not known:
        served.connection._heads.known = _Nothing(0)
    for piece in pieces:
        await served.feed(piece)
    served.answering.set()
    await served.feed(b"")
    return [*served.seen, served.refused, served.wire.written, served.wire.did]


class _Nothing(KnownHeads):
    """Knows no head."""

    __slots__ = ()

    def find(self, data: bytes) -> None:  # noqa: ARG002
        return None


async def assert_alike(pieces: list[bytes]) -> None:
    for at_once in (True, False):
        with_it = await outcome(pieces, at_once=at_once, known=True)
        assert with_it == await outcome(pieces, at_once=at_once, known=False)


async def test_fields_that_came_before_need_no_parser() -> None:
    served = Served(at_once=True)
    await served.feed(ASKS % 1)
    del served.connection._parser
    await served.feed(ASKS % 22)

    assert [each.head.target for each in served.served] == [b"/1", b"/22"]
    assert served.served[1].head.headers is served.served[0].head.headers
    assert served.served[1].complete
    assert served.wire.written.count(b" 200 ") == 2


@pytest.mark.parametrize("byte", range(256))
async def test_any_byte_in_a_target_means_what_it_means_to_the_parser(byte: int) -> None:
    line = b"GET /a%bb HTTP/1.1\r\n" % bytes([byte])
    await assert_alike([ASKS % 1, line + FIELDS, ASKS % 2])


@pytest.mark.parametrize(
    "second",
    [
        b"GET / HTTP/1.0\r\n" + FIELDS,
        b"GET / HTTP/1.1\n" + FIELDS,
        b"GET / HTTP/1.1 \r\n" + FIELDS,
        b"GET  / HTTP/1.1\r\n" + FIELDS,
        b" GET / HTTP/1.1\r\n" + FIELDS,
        b"\r\nGET / HTTP/1.1\r\n" + FIELDS,
        b"\rGET / HTTP/1.1\r\n" + FIELDS,
        b"get / HTTP/1.1\r\n" + FIELDS,
        b"HEAD / HTTP/1.1\r\n" + FIELDS,
        b"POST / HTTP/1.1\r\n" + FIELDS,
        b"DELETE / HTTP/1.1\r\n" + FIELDS,
        b"GET * HTTP/1.1\r\n" + FIELDS,
        b"GET http://gate/ HTTP/1.1\r\n" + FIELDS,
        b"CONNECT gate:80 HTTP/1.1\r\n" + FIELDS,
        b"GET / HTTP/1.1\r\nHost: gate HTTP/1.1\r\n" + FIELDS,
        b"GET / HTTP/1.1\r\nX: y\r\n" + FIELDS,
        b"GET /" + b"a" * 240 + b" HTTP/1.1\r\n" + FIELDS,
        b"GET /" + b"a" * 400 + b" HTTP/1.1\r\n" + FIELDS,
        b"GET / HTTP/1.1\r\n" + FIELDS[:-2] + b"Content-Length: 3\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + FIELDS.replace(b"gate", b"evil"),
        b"GET / HTTP/1.1\r\n" + FIELDS.replace(b"Host", b"host"),
        b"GET / HTTP/1.1\r\n" + FIELDS[:-2],
        ASKS % 2 + b"\r\n",
        ASKS % 2 + b"\r",
        ASKS % 2 + b"G",
        ASKS % 2 + ASKS % 3,
        FIELDS,
        b"\r\n",
        b"\x16\x03\x01",
    ],
)
async def test_whatever_comes_second_is_served_or_refused_the_same(second: bytes) -> None:
    await assert_alike([ASKS % 1, second, ASKS % 4])
    await assert_alike([ASKS % 1, second[:9], second[9:], ASKS % 4])
    await assert_alike([ASKS % 1, second[:-1], second[-1:] + ASKS % 4, ASKS % 5])


@pytest.mark.parametrize(
    "more",
    [
        b"Connection: keep-alive",
        b"Connection: Keep-Alive",
        b"Connection: close",
        b"Connection: close, keep-alive",
        b"Connection: te",
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Transfer-Encoding: chunked",
        b"Expect: 100-continue",
        b"Upgrade: websocket",
        b"Keep-Alive: 5",
        b"Proxy-Connection: close",
        b"X-Empty:",
        b"X-Space:   a  ",
        b"X-Tab: a\tb",
        b"X-Twice: a\r\nX-Twice: b",
        b"X-High: \xe9",
        b"X_Low: a",
        b"X-Folded: a\r\n b",
    ],
)
async def test_what_fields_say_of_a_body_or_the_connection_holds_each_time(more: bytes) -> None:
    head = b"GET / HTTP/1.1\r\n" + FIELDS[:-2] + more + b"\r\n\r\n"
    await assert_alike([head, head, head, ASKS % 1])


async def test_the_version_counts_with_the_fields() -> None:
    fields = FIELDS[:-2] + b"Connection: keep-alive\r\n\r\n"
    await assert_alike([b"GET / HTTP/1.0\r\n" + fields, b"GET / HTTP/1.1\r\n" + fields])


async def test_a_client_that_does_not_read_is_served_no_more_of_what_is_known() -> None:
    served = Served(at_once=True)
    await served.feed(ASKS % 1)
    served.connection.pause_writing()
    await served.feed(ASKS % 2)
    assert len(served.served) == 1

    served.connection.resume_writing()
    await served.feed(b"")
    assert len(served.served) == 2


PARTS = [ASKS % 1, ASKS % 2, ASKS % 1, POST, b"body", b"\r\n", b"GET / HTTP/1.0\r\n" + FIELDS]


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.sampled_from(PARTS), min_size=2, max_size=6),
    cuts=st.sets(st.integers(0, 400), max_size=4),
    whole=st.booleans(),
)
def test_requests_mean_the_same_wherever_reads_end(
    parts: list[bytes], cuts: set[int], whole: bool
) -> None:
    stream = b"".join(parts)
    ends = sorted({*cuts, len(stream)})
    pieces = parts if whole else [stream[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    asyncio.run(assert_alike([piece for piece in pieces if piece]))


def learnt(known: KnownHeads, value: bytes) -> bytes:
    """Have a head learnt, and give its request as it would come."""
    fields = [(b"Host", b"gate"), (b"Accept", value)]
    head = check_head(method="GET", target=b"/", version="1.1", fields=fields, hosts=LIMITS.hosts)
    known.learn(head, fields)
    return b"GET / HTTP/1.1\r\nHost: gate\r\nAccept: %b\r\n\r\n" % value


def test_few_heads_are_kept() -> None:
    known = KnownHeads(100_000)
    asked = [learnt(known, b"a%d" % each) for each in range(20)]

    assert [known.find(each) is not None for each in asked] == [False] * 12 + [True] * 8


@pytest.mark.parametrize("value", [b"a" * 5_000, b"", b" a", b"a ", b"\ta", b"a\tb"])
def test_long_heads_and_those_that_may_be_written_in_two_ways_are_not_kept(value: bytes) -> None:
    known = KnownHeads(100_000)

    assert known.find(learnt(known, value)) is None


def test_the_very_same_bytes_again_are_the_same_head() -> None:
    known = KnownHeads(10_000)
    fields = [(b"Host", b"gate"), (b"Accept", b"a")]
    head = check_head(
        method="GET", target=b"/", version="1.1", fields=fields, hosts=frozenset({b"gate"})
    )
    known.learn(head, fields)
    asks = b"GET /%b HTTP/1.1\r\nHost: gate\r\nAccept: a\r\n\r\n"
    first, again, other = (known.find(asks % each) for each in (b"x", b"x", b"y"))

    assert first is again
    assert (first and first.target, other and other.target) == (b"/x", b"/y")
    long = asks % (b"z" * 5_000)
    assert known.find(long) is not known.find(long)  # that much is not held for anybody
