"""A gigabyte either way, and a thousand who say nothing: a worker takes little for them.

`LARGE_BODY_MIB=5120` for five gigabytes; the demo's gateway is told to pass on as much.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from deploy.demo.visitor import Visitor
from tests.doubles.few_staff import few_staff
from tests.journeys.changed_stack import ChangedStack
from tests.journeys.conftest import running_demo
from tests.journeys.demo_fixture import Demo
from tests.journeys.live_streams import LIVE
from tests.journeys.transfers import MEBIBYTE, Memory, download, upload
from tests.journeys.worker_finder import workers

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

MIB = int(os.environ.get("LARGE_BODY_MIB", "1024"))
MOST_GROWTH = 16 * MEBIBYTE
IDLE = 1_000
MOST_EACH = 48 * 1024
"""Of memory for one connection that does nothing: two sockets, a parser, a visit."""
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Give a demo with hardly any staff, which passes on bodies of the size that is wanted."""
    make = partial(ChangedStack, table="[gateway]", line=f"body_mib = {MIB}")
    yield from running_demo(few_staff(), make)


@pytest.mark.parametrize("transfer", [download, upload])
def test_a_large_body_passes_in_little_memory(
    demo: Demo, transfer: Callable[[Demo, int], int]
) -> None:
    transfer(demo, 16)
    memory = Memory(demo)
    size = transfer(demo, MIB)
    growth = memory.growth()
    sys.stdout.write(f"{MIB} MiB, {transfer.__name__}: {growth / MEBIBYTE:.1f} MiB more at most\n")

    assert size == MIB * MEBIBYTE
    assert growth < MOST_GROWTH, f"{growth / MEBIBYTE:.1f} MiB"


def request(visitor: Visitor, target: str, more: str) -> bytes:
    cookies = visitor.cookie_field
    host = visitor.origin.removeprefix("http://")
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookies}\r\n{more}\r\n".encode()


def keep_alive(visitor: Visitor) -> tuple[bytes, bytes]:
    return request(visitor, "/estates/jobs", ""), b"HTTP/1.1 200 "


def websocket(visitor: Visitor) -> tuple[bytes, bytes]:
    more = (
        f"Upgrade: websocket\r\nConnection: Upgrade\r\nOrigin: {visitor.origin}\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n"
    )
    return request(visitor, f"{LIVE}?every_ms=3600000", more), b"HTTP/1.1 101 "


@pytest.mark.parametrize("kind", [keep_alive, websocket])
def test_a_thousand_idle_connections_a_worker_cost_little_and_delay_nobody(
    demo: Demo, kind: Callable[[Visitor], tuple[bytes, bytes]]
) -> None:
    """Each has been served once, or stands open; then nothing more is said."""
    visitor = demo.visitor("firefighter")
    asked, expected = kind(visitor)
    count = IDLE * len(workers(demo))
    with contextlib.ExitStack() as stack:
        memory = Memory(demo)
        for _ in range(count):
            each = stack.enter_context(socket.create_connection(("127.0.0.1", visitor.port), 10))
            each.sendall(asked)
            assert each.recv(13) == expected
        began = time.monotonic()
        assert visitor.get("/estates/jobs").status == 200
        took = time.monotonic() - began
        growth = memory.growth()

    assert growth / IDLE < MOST_EACH, f"{growth / IDLE / 1024:.1f} KiB each"
    assert took < 1
