"""The PROXY header: exactly right, or none; and nothing of what follows it is taken."""

from __future__ import annotations

import asyncio
import socket
import struct
from ipaddress import ip_address

import pytest

from gateway.entrance.proxy_header import UNKNOWN, ProxyHeaderError, client_told, read_client

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
NEXT = b"GET / HTTP/1.1\r\n\r\n"


def binary(
    source: str = "192.0.2.7", *, command: int = 0x21, family: int | None = None, more: bytes = b""
) -> bytes:
    """Write a header of version 2."""
    address = ip_address(source)
    if family is None:
        family = 0x11 if address.version == 4 else 0x21
    body = address.packed + address.packed + struct.pack("!HH", 56324, 443) + more
    return SIGNATURE + bytes([command, family]) + struct.pack("!H", len(body)) + body


async def read(*pieces: bytes, end: bool = False) -> tuple[str, bytes]:
    """Send pieces one after the other; give what the reader made of them, and what it left."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    ours.setblocking(False)

    async def readable() -> None:
        ready: asyncio.Future[None] = loop.create_future()
        loop.add_reader(ours, _settle, ready)
        await ready
        loop.remove_reader(ours)

    reading = asyncio.ensure_future(read_client(ours, readable))
    for piece in pieces:
        theirs.send(piece)
        for _ in range(3):
            await asyncio.sleep(0)
    if end:
        theirs.close()
    try:
        client = await asyncio.wait_for(reading, 2)
        left = b""
        try:
            while piece := ours.recv(4096):
                left += piece
        except BlockingIOError:
            pass
        return client, left
    finally:
        ours.close()
        theirs.close()


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


@pytest.mark.parametrize(
    ("header", "client"),
    [
        (LINE, "192.0.2.7"),
        (b"PROXY TCP6 2001:DB8::7 2001:db8::1 1 65535\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", UNKNOWN),
        (b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", UNKNOWN),
        (binary(), "192.0.2.7"),
        (binary("2001:db8::7"), "2001:db8::7"),
        (binary(more=b"\x04\x00\x03abc" * 40), "192.0.2.7"),
        (binary(command=0x20), UNKNOWN),
        (binary(family=0x00), UNKNOWN),
        (binary(family=0x31), UNKNOWN),
    ],
)
async def test_the_client_is_told_in_both_versions_and_what_follows_is_left(
    header: bytes, client: str
) -> None:
    assert await read(header + NEXT) == (client, NEXT)


@pytest.mark.parametrize("header", [LINE, binary(), binary("2001:db8::7", more=bytes(300))])
async def test_a_header_may_come_byte_by_byte(header: bytes) -> None:
    pieces = [header[at : at + 1] for at in range(len(header))]

    client, left = await read(*pieces, NEXT)

    assert (client[-1], left) == ("7", NEXT)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (NEXT, "proxy-header-missing"),
        (b"\x16\x03\x01\x02\x00\x01", "proxy-header-missing"),
        (b"\r\n\r\nGET / HTTP/1.1\r\n", "proxy-header-missing"),
        (b"PROXYTCP4 192.0.2.7 192.0.2.1 1 2\r\n", "proxy-header-missing"),
        (b"proxy TCP4 192.0.2.7 192.0.2.1 1 2\r\n", "proxy-header-missing"),
        (b"PROXY TCP4 " + b"1" * 200, "proxy-header-too-long"),
        (b"PROXY UNKNOWN " + b"1" * 92 + b"\r\n", "proxy-header-too-long"),
        (SIGNATURE + b"\x21\x11\xff\xff", "proxy-header-too-long"),
        *(
            (b"PROXY " + line + b"\r\n", "proxy-header-malformed")
            for line in (
                b"TCP4 192.0.2.7 192.0.2.1 1",
                b"TCP4 192.0.2.7 192.0.2.1 1 2 3",
                b"TCP4  192.0.2.7 192.0.2.1 1 2",
                b"TCP4 192.0.2.7\t192.0.2.1 1 2",
                b"TCP4 192.0.2.7 192.0.2.1 01 2",
                b"TCP4 192.0.2.7 192.0.2.1 1 65536",
                b"TCP4 192.0.2.07 192.0.2.1 1 2",
                b"TCP4 192.0.2.300 192.0.2.1 1 2",
                b"TCP4 2001:db8::7 2001:db8::1 1 2",
                b"TCP6 192.0.2.7 192.0.2.1 1 2",
                b"TCP4 192.0.2.7 gate 1 2",
                b"TCP5 192.0.2.7 192.0.2.1 1 2",
                b"UDP4 192.0.2.7 192.0.2.1 1 2",
                b"UNKNOWNS",
                b"TCP4 192.0.2.7 192.0.2.1 1 2\n",
                b"TCP4 192.0.2.\xb2 192.0.2.1 1 2",
            )
        ),
        (binary(command=0x22), "proxy-header-malformed"),
        (binary(command=0x11), "proxy-header-malformed"),
        (binary(family=0x21), "proxy-header-malformed"),
        (SIGNATURE + b"\x21\x11\x00\x00", "proxy-header-malformed"),
    ],
)
async def test_a_header_that_is_not_exactly_right_is_none(sent: bytes, code: str) -> None:
    with pytest.raises(ProxyHeaderError, match=f"^{code}$"):
        await read(sent)


@pytest.mark.parametrize("begun", [b"P", LINE[:-1], SIGNATURE[:5], binary()[:-1]])
async def test_a_header_that_ends_too_soon_is_none(begun: bytes) -> None:
    with pytest.raises(ProxyHeaderError, match="proxy-header-missing"):
        await read(begun, end=True)


async def test_who_only_looks_whether_we_are_there_has_begun_none() -> None:
    with pytest.raises(ConnectionResetError):
        await read(end=True)


def test_the_second_of_two_headers_is_no_part_of_the_first() -> None:
    with pytest.raises(ProxyHeaderError, match="malformed"):
        client_told(LINE + LINE)
