"""Whatever a system says comes out as it does through the parser, and leaves the same behind."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backoffice.canonical import canonicalise_target
from gateway.backoffice.forward import Exchange, Outbound
from gateway.backoffice.plain_exchange import PlainExchange
from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from tests.doubles.wire import Wire
from tests.gateway.backoffice.keeper import Keeper
from tests.gateway.visits import new_visit
from tests.gateway.wire.bench import Handler

LIMITS = ConnectionLimits(
    head_bytes=8192, head_fields=50, head_seconds=3, idle_seconds=9, hosts=frozenset({b"gate"})
)
GET = b"GET /a HTTP/1.1\r\nHost: gate\r\n\r\n"
ASKED = {
    "GET": GET,
    "GET 1.0": b"GET /a HTTP/1.0\r\nHost: gate\r\nConnection: keep-alive\r\n\r\n",
    "GET close": GET[:-2] + b"Connection: close\r\n\r\n",
    "HEAD": b"HEAD" + GET[3:],
    "POST": b"POST /a HTTP/1.1\r\nHost: gate\r\nContent-Length: 2\r\n\r\nab",
    "POST unfinished": b"POST /a HTTP/1.1\r\nHost: gate\r\nContent-Length: 2\r\n\r\na",
}
LINES = [
    b"Server: nginx",
    b"Content-Type: text/html; charset=utf-8",
    b"Content-Length: 5",
    b"Connection: keep-alive",
    b'ETag: "1"',
    b"X-Frame-Options: DENY",
    b"Last-Modified: Sun, 22 Nov 2026 03:00:00 GMT",
]
ODD = [
    b"content-type: text/css",
    b"ETag: a\xe9",
    b"Etag: a",
    b"Allow:  GET ",
    b"Connection: close",
    b"Content-Length: 4",
    b"content-length: 5",
    b"Transfer-Encoding: chunked",
    b"Set-Cookie: s=1",
    b"Location: /there",
    b"Location: http://elsewhere/",
    b"Retry-After:",
    b"Bad name: a",
    b"Folded: a\r\n b",
]
PLAIN = b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(LINES) + b"\r\n\r\nhello"


class Coupled:
    """A client and a system on both sides of one exchange, and all that can be seen of them."""

    def __init__(self, kind: type[Exchange], *, resource: bool = False) -> None:
        self.kind, self.resource = kind, resource
        self.handler = Handler(self._forward, LIMITS)
        self.client = Connection(self.handler, asyncio.get_running_loop())
        self.client_wire, self.system_wire = Wire(), Wire()
        self.client.connection_made(self.client_wire)
        self.keeper = Keeper(asyncio.get_running_loop())
        self.system = UpstreamConnection(self.keeper)
        self.system.connection_made(self.system_wire)
        self.came_of_it: list[object] = []

    async def _keep(self, _: datetime, cookies: list[bytes], location: bytes | None) -> None:
        self.came_of_it.append((cookies, location))

    async def _forward(self, incoming: Incoming, connection: Connection) -> None:
        outbound = Outbound(
            target=canonicalise_target(incoming.head.target, frozenset()),
            told=b"",
            origins={},
            resource=self.resource,
            keep=self._keep,
            learns=lambda: True,
            body_bytes=100,
        )
        exchange = self.kind(new_visit(incoming, connection), outbound)
        exchange.start(self.system, b"office")
        try:
            self.came_of_it.append(await exchange.done)
        except ExchangeError as error:
            self.came_of_it.append((error.status, error.code, error.retryable))
        self.came_of_it.append((incoming.on_gone, exchange.keep_open))
        connection.finish(incoming, keep_open=exchange.keep_open)

    async def ask(self, asked: bytes) -> None:
        self.client.data_received(asked)
        await settle()

    async def say(self, piece: bytes) -> None:
        if not self.system_wire.is_closing():
            self.system.data_received(piece)
        await settle()

    @property
    def seen(self) -> dict[str, object]:
        return {
            "written": self.client_wire.written,
            "client": [*self.client_wire.did],
            "bytes": self.client.bytes_out,
            "waits": self.client.deadline == float("inf"),
            "system": [*self.system_wire.did],
            "reusable": self.system.is_reusable,
            "used": self.system.is_reusable and self.system.used,
            "kept": self.keeper.kept.count(True),
            "forgotten": self.keeper.forgotten > 0,
            "came of it": [*self.came_of_it],
        }


async def settle() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


async def outcome(
    kind: type[Exchange], asked: bytes, pieces: Iterable[bytes]
) -> list[dict[str, object]]:
    """Have one exchange, then another, and give what could be seen at each step."""
    both = Coupled(kind)
    await both.ask(asked)
    seen = []
    for piece in pieces:
        await both.say(piece)
        seen.append(both.seen)
    if both.system.is_reusable and not both.client_wire.is_closing():
        await both.ask(GET)
        await both.say(PLAIN.replace(b"hello", b"other"))
        seen.append(both.seen)
    both.system.connection_lost(None)
    await settle()
    both.client.connection_lost(None)
    await settle()
    return [*seen, both.seen]


async def assert_alike(pieces: list[bytes], asked: bytes = GET) -> None:
    quick = await outcome(PlainExchange, asked, pieces)
    slow = await outcome(Exchange, asked, pieces)
    for step, (one, other) in enumerate(zip(quick, slow, strict=True)):
        assert one == other, step


@pytest.mark.parametrize("size", [0, 5])
async def test_a_plain_answer_needs_no_parser(size: int) -> None:
    both = Coupled(PlainExchange)
    del both.system._parser
    for _ in range(2):
        await both.ask(GET)
        await both.say(PLAIN[:-5].replace(b"Length: 5", b"Length: %d" % size) + b"hello"[:size])

    assert both.keeper.kept == [True, True]
    assert both.client_wire.written.count(b"HTTP/1.1 200 OK") == 2
    assert both.client_wire.written.endswith(b"\r\n\r\n" + b"hello"[:size])


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize(
    "said",
    [
        PLAIN,
        PLAIN + b"more",
        PLAIN + PLAIN,
        PLAIN[:-2],
        PLAIN[:-5],
        PLAIN.replace(b"200 OK", b"404 Not Found"),
        PLAIN.replace(b"200 OK", b"204 No Content"),
        PLAIN.replace(b"200 OK", b"304 Not Modified"),
        PLAIN.replace(b"200 OK", b"200"),
        PLAIN.replace(b"200 OK", b"200 "),
        PLAIN.replace(b"200 OK", b"299 \xe9"),
        PLAIN.replace(b"200 OK", b"600 No"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN.replace(b"Length: 5", b"Length: 05"),
        b"HTTP/1.1 103 Hints\r\n\r\n" + PLAIN,
        b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    ],
)
async def test_whole_or_in_two_reads_it_is_passed_on_the_same(asked: str, said: bytes) -> None:
    head = said.index(b"\r\n\r\n") + 4
    for cut in (0, 12, head - 1, head, head + 3):
        pieces = [piece for piece in (said[:cut], said[cut:]) if piece]
        await assert_alike(pieces, ASKED[asked])


@pytest.mark.parametrize("cut", [0, 5])
async def test_what_a_browser_may_keep_for_itself_is_told_so(cut: int) -> None:
    written = []
    for kind in (Exchange, PlainExchange):
        both = Coupled(kind, resource=True)
        await both.ask(GET)
        for piece in (PLAIN[: len(PLAIN) - cut], PLAIN[len(PLAIN) - cut :]):
            await both.say(piece)
        written.append(both.client_wire.written)

    assert b"Cache-Control: private, no-cache\r\n" in written[0]
    assert written[0] == written[1]


async def test_what_follows_the_beginning_of_a_head_is_the_rest_of_it() -> None:
    await assert_alike([b"HTTP/1.1 404 No\r\nX-A: ", PLAIN])


async def test_an_answer_before_the_request_was_taken_spoils_the_connection() -> None:
    both = Coupled(PlainExchange)
    await both.ask(GET)
    both.system.pause_writing()
    await both.say(PLAIN)

    assert both.client_wire.written.endswith(b"hello")
    assert both.system_wire.did == ["abort"]


async def test_a_connection_that_is_discarded_while_its_answer_is_written_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    both = Coupled(PlainExchange)
    await both.ask(GET)
    monkeypatch.setattr(both.client_wire, "write", lambda _: both.system.discard())
    await both.say(PLAIN)

    assert both.system_wire.did == ["abort"]
    assert both.keeper.kept == []


@pytest.mark.parametrize("byte", range(256))
async def test_any_byte_in_a_field_means_what_it_means_to_the_parser(byte: int) -> None:
    for place in (b"text/html", b"Frame", b"keep-alive", b"Content-Type: "):
        await assert_alike([PLAIN.replace(place, place[:2] + bytes([byte]) + place[2:])])


@pytest.mark.parametrize("line", LINES + ODD)
async def test_any_field_anywhere_is_passed_on_the_same(line: bytes) -> None:
    for at in range(len(LINES) + 1):
        lines = [*LINES[:at], line, *LINES[at:]]
        await assert_alike([b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(lines) + b"\r\n\r\nhello"])


@settings(max_examples=60, deadline=None)
@given(
    lines=st.lists(st.sampled_from(LINES + LINES + ODD), max_size=7),
    body=st.sampled_from([b"", b"hell", b"hello", b"hello!", b"hello" + PLAIN]),
    cuts=st.sets(st.integers(0, 300), max_size=4),
)
def test_answers_mean_the_same_wherever_reads_end(
    lines: list[bytes], body: bytes, cuts: set[int]
) -> None:
    said = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", body])
    ends = sorted({*cuts, len(said)})
    pieces = [said[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    asyncio.run(assert_alike([piece for piece in pieces if piece]))


@pytest.mark.parametrize("kind", [Exchange, PlainExchange])
@pytest.mark.parametrize("taken", [0, 3])
@pytest.mark.parametrize("said", [PLAIN, PLAIN.replace(b"ETag", b"etag")])
async def test_a_slow_client_holds_the_system_up(
    kind: type[Exchange], taken: int, said: bytes
) -> None:
    both = Coupled(kind)
    await both.ask(GET)
    await both.say(said[:-5])
    both.client.pause_writing()
    assert both.system_wire.did == ["pause"]

    both.client.resume_writing()
    await both.say(b"hello"[:taken])
    await both.say(b"hello"[taken:])
    assert both.system_wire.did == ["pause", "resume"]
    assert both.client_wire.written.endswith(b"\r\n\r\nhello")
    assert both.keeper.kept == [True]


@pytest.mark.parametrize("kind", [Exchange, PlainExchange])
@pytest.mark.parametrize("said", [b"", PLAIN[:-5], PLAIN[:-2]])
async def test_when_the_client_leaves_the_system_is_let_go(
    kind: type[Exchange], said: bytes
) -> None:
    both = Coupled(kind)
    await both.ask(GET)
    if said:
        await both.say(said)
    both.client.connection_lost(None)
    await settle()

    assert both.system_wire.did == ["abort"]
    assert both.keeper.kept == []
    assert len(both.came_of_it) == 2


@pytest.mark.parametrize("kind", [Exchange, PlainExchange])
async def test_an_answer_that_stalls_or_breaks_off_is_cut(kind: type[Exchange]) -> None:
    for end in (UpstreamConnection.expire, lambda system: system.connection_lost(None)):
        both = Coupled(kind)
        await both.ask(GET)
        await both.say(PLAIN[:-2])
        assert both.system.deadline < asyncio.get_running_loop().time() + 6
        end(both.system)
        await settle()

        assert "abort" in both.client_wire.did
        assert not both.system.is_reusable
