"""Requests changed at random: refused, or read as another parser reads them; nothing in between.

The other parser is h11, written from the standard by others. Each case is a request of the tables
of smuggling, changed here and there, with an honest one behind it.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import h11

from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from gateway.wire.promise import promise
from tests.attacks.test_smuggling import CHUNKS, CL_AND_TE, CODINGS, LENGTHS, LINES

MUTATIONS = 1_500
SEEDS = tuple(
    b"POST /first HTTP/1.1\r\nHost: gate\r\n" + tail
    for tail in (
        *CL_AND_TE, *CODINGS, *LENGTHS, *CHUNKS, *LINES,
        b"Content-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"Content-Length: 0\r\n\r\n",
    )
)  # fmt: skip
HONEST = b"GET /honest HTTP/1.1\r\nHost: gate\r\n\r\n"
BYTES = (
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b"\t",
    b"0",
    b"1",
    b":",
    b";",
    b"\x00",
    b"\x0b",
    b"\x85",
    b",",
    b"x",
)
Read = tuple[str, bytes, bytes]
"""Method, target and body of a request."""


class Transport(asyncio.Transport):
    """Takes what is said and knows when it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.ended = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said += data

    def close(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.ended = True

    def write_eof(self) -> None:
        self.ended = True

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.ended

    def pause_reading(self) -> None:
        """Everything is here already."""

    def resume_reading(self) -> None:
        """Everything is here already."""


@dataclass
class Serving:
    """Takes every request, whole."""

    limits: ConnectionLimits
    connections: set[Connection] = field(default_factory=set)
    draining: bool = False
    read: list[tuple[Incoming, bytearray]] = field(default_factory=list)

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        body = bytearray()
        self.read.append((incoming, body))
        incoming.take_body(body.extend, lambda: None)
        if incoming.complete:
            connection.send(b"HTTP/1.1 204 No Content\r\n\r\n")
            connection.finish(incoming, keep_open=promise(incoming, connection)[0])

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:
        del code, connection
        return b"HTTP/1.1 %d Refused\r\n\r\n" % status


async def read_here(data: bytes) -> list[Read]:
    """Give the whole requests that the gateway reads."""
    serving = Serving(
        ConnectionLimits(
            head_bytes=8192, head_fields=50, head_seconds=1, idle_seconds=1,
            hosts=frozenset({b"gate"}),
        )
    )  # fmt: skip
    connection, transport = Connection(serving, asyncio.get_running_loop()), Transport()
    connection.connection_made(transport)
    connection.data_received(data)
    for _ in range(6):
        await asyncio.sleep(0)
    return [
        (incoming.head.method, incoming.head.target, bytes(body))
        for incoming, body in serving.read
        if incoming.complete and not incoming.failed
    ]


def read_there(data: bytes) -> list[Read]:
    """Give the whole requests that h11 reads before it refuses something, or wants more."""
    there = h11.Connection(h11.SERVER)
    there.receive_data(data)
    found: list[Read] = []
    method, target, body = "", b"", b""
    while True:
        try:
            event = there.next_event()
        except h11.RemoteProtocolError:
            return found
        match event:
            case h11.Request():
                method, target, body = event.method.decode(), event.target, b""
            case h11.Data():
                body += bytes(event.data)
            case h11.EndOfMessage():
                found.append((method, target, body))
                there.send(h11.Response(status_code=204, headers=[]))
                there.send(h11.EndOfMessage())
                if there.our_state is not h11.DONE:
                    return found
                there.start_next_cycle()
            case _:
                return found


def changed(chance: random.Random, seed: bytes) -> bytes:
    """Change a request in one to three places."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(3):
            case 0:
                data[at:at] = chance.choice(BYTES)
            case 1:
                del data[at : at + chance.randint(1, 2)]
            case _:
                data[at : at + 1] = chance.choice(BYTES)
    return bytes(data)


async def test_what_is_read_of_a_changed_request_is_what_others_read() -> None:
    """1,500 of them, alike in each run."""
    chance = random.Random(9112)
    wrong, whole, refused = [], 0, 0
    for _ in range(MUTATIONS):
        data = changed(chance, chance.choice(SEEDS)) + HONEST
        here, there = await read_here(data), read_there(data)
        refused += not here
        whole += len(here)
        # A line end too many before the honest one is skipped here and refused there.
        if here != there[: len(here)] and here != [*there, ("GET", b"/honest", b"")]:
            wrong.append((data, here, there))

    assert wrong == []
    assert whole > 50
    assert refused > MUTATIONS / 2
