"""Who comes in, over what, and what becomes of everybody else; on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import warnings
from dataclasses import replace
from ipaddress import ip_network

import psutil
import pytest

from gateway.entrance.reception import ListedFront, Way
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from tests.doubles.raw_client import RawClient
from tests.doubles.waiting import until
from tests.gateway.entrance.entrance import (
    BY_PROXY,
    HERE,
    LIMITS,
    NAME,
    RULES,
    STRICT,
    Issued,
    entrance,
)
from tests.gateway.stand import field_of, status_of
from tests.gateway.wire.bench import echo

LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n"
HEAD = b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"
NEIGHBOURS = replace(RULES, neighbours=HERE)


async def ended(client: RawClient) -> None:
    """Wait until the connection is closed, whatever is said before."""
    with contextlib.suppress(ConnectionError):
        await client.reader.read()


# ---- plain HTTP ----------------------------------------------------------------------------------


async def test_plain_http_off_this_machine_is_refused_and_counted() -> None:
    async with entrance() as gate:
        client = await gate.client()
        answer = await client.get()

        assert status_of(answer) == 403
        assert b"reached over https only" in answer
        assert b"Strict-Transport" not in answer
        assert await client.is_closed()
        assert gate.worker.turned_away == [(403, "plain-http", "127.0.0.1")]
        assert gate.worker.served == []


async def test_neighbours_are_served_plain_http_as_themselves() -> None:
    async with entrance(NEIGHBOURS) as gate:
        answer = await (await gate.client()).get(more="X-Forwarded-For: 192.0.2.7\r\n")

        assert status_of(answer) == 200
        assert b"Strict-Transport" not in answer
        assert gate.worker.ips == ["127.0.0.1"]


async def test_where_nobody_else_can_come_everybody_is_served() -> None:
    async with entrance(replace(RULES, neighbours=None)) as gate:
        assert status_of(await (await gate.client()).get()) == 200


async def test_plain_http_is_led_to_https_where_that_is_set_up() -> None:
    async with entrance(way=Way.REDIRECT) as gate:
        client = await gate.client()
        answer = await client.get("/OA_HTML/x?y=%2f", more="Cookie: a=b\r\n")
        posted = await (await gate.client()).get("/x", method="POST")
        strange = await (await gate.client(host="evil")).get("/x")
        far = await (await gate.client()).get("http://evil/x")

        assert status_of(answer) == 301
        assert field_of(answer, "Location") == f"https://{NAME}/OA_HTML/x?y=%2f"
        assert b"Strict-Transport" not in answer
        assert await client.is_closed()
        assert [status_of(each) for each in (posted, strange, far)] == [403, 400, 403]


# ---- a front that tells by PROXY protocol ------------------------------------------------------


async def test_a_listed_front_tells_the_client_and_the_answer_is_for_https() -> None:
    async with entrance(BY_PROXY) as gate:
        client = await gate.client()
        await client.say(LINE + HEAD)
        answer = await client.answer()
        again = await client.get()

        assert (status_of(answer), status_of(again)) == (200, 200)
        assert STRICT in answer
        assert gate.worker.ips == ["192.0.2.7"] * 2


@pytest.mark.parametrize(
    ("sent", "code", "ip"),
    [
        (HEAD, "proxy-header-missing", "127.0.0.1"),
        (b"PROXY TCP4 192.0.2.7\r\n" + HEAD, "proxy-header-malformed", "127.0.0.1"),
        (b"PROXY " + b"1" * 400, "proxy-header-too-long", "127.0.0.1"),
        (b"PROXY TCP4", "entrance-timeout", "127.0.0.1"),
        (LINE + LINE + HEAD, "proxy-protocol-unexpected", "192.0.2.7"),
    ],
)
async def test_a_header_that_is_not_right_closes_the_connection_and_is_counted(
    sent: bytes, code: str, ip: str
) -> None:
    async with entrance(replace(BY_PROXY, seconds=0.3)) as gate:
        client = await gate.client()
        await client.say(sent)
        await ended(client)

        assert [(each[1], each[2]) for each in gate.worker.turned_away] == [(code, ip)]
        assert gate.worker.served == []
        assert gate.reception._entering == 0


async def test_a_header_from_somebody_who_is_no_listed_front_is_refused() -> None:
    elsewhere = (ListedFront(networks=(ip_network("192.0.2.0/24"),), by_header=None),)
    async with entrance(replace(NEIGHBOURS, fronts=elsewhere)) as gate:
        client = await gate.client()
        await client.say(LINE + HEAD)

        assert status_of(await client.answer()) == 400
        assert await client.is_closed()
        assert gate.worker.codes == ["proxy-protocol-unexpected"]
        assert gate.worker.served == []


async def test_a_front_passes_tls_through_with_the_header_before_it(tls: Issued) -> None:
    async with entrance(BY_PROXY, tls.served()) as gate:
        raw = socket.create_connection(gate.address)
        raw.sendall(LINE)
        answer = await asyncio.to_thread(_ask_over_tls, raw, tls.believer())

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert gate.worker.ips == ["192.0.2.7"]


def _ask_over_tls(raw: socket.socket, context: ssl.SSLContext) -> bytes:
    with context.wrap_socket(raw, server_hostname=NAME) as wrapped:
        wrapped.sendall(HEAD)
        return wrapped.recv(4096)


# ---- TLS -----------------------------------------------------------------------------------------


async def test_over_tls_one_speaks_http_1_1_with_a_modern_cipher(tls: Issued) -> None:
    async with entrance(RULES, tls.served()) as gate:
        context = tls.believer()
        context.set_alpn_protocols(["h2", "http/1.1"])
        client = await gate.client(context, host=NAME)
        answer = await client.get()
        spoken = client.writer.get_extra_info("ssl_object")

        assert status_of(answer) == 200
        assert STRICT in answer
        assert gate.worker.ips == ["127.0.0.1"]
        assert (spoken.version(), spoken.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
        assert spoken.compression() is None


@pytest.mark.parametrize(
    ("version", "ciphers", "taken"),
    [
        (ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0", False),
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0", False),
        (ssl.TLSVersion.TLSv1_2, "AES256-GCM-SHA384:@SECLEVEL=0", False),  # no forward secrecy
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", False),  # CBC
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-GCM-SHA256", True),
        (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-CHACHA20-POLY1305", True),
    ],
)
async def test_nothing_older_and_nothing_weaker_is_spoken(
    tls: Issued, version: ssl.TLSVersion, ciphers: str, *, taken: bool
) -> None:
    context = tls.believer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = version
    context.set_ciphers(ciphers)
    async with entrance(RULES, tls.served()) as gate:
        if taken:
            assert status_of(await (await gate.client(context)).get()) == 200
            return
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await gate.client(context)
        await gate.until_refused("tls-handshake")


async def test_plain_http_on_the_port_of_tls_is_told_so(tls: Issued) -> None:
    async with entrance(BY_PROXY, tls.served()) as fronted, entrance(RULES, tls.served()) as gate:
        for sent in (HEAD, b"nonsense\r\n\r\n"):
            client = await gate.client()
            await client.say(sent)
            answer = await client.answer()
            assert status_of(answer) == 400
            assert b"This port speaks https" in answer
            assert await client.is_closed()
        behind = await fronted.client()
        await behind.say(LINE + HEAD)

        assert status_of(await behind.answer()) == 400
        assert gate.worker.codes == ["plain-on-tls-port"] * 2
        assert fronted.worker.served == gate.worker.served == []


async def test_tls_on_the_port_of_plain_http_is_closed_and_counted() -> None:
    context = ssl.create_default_context()
    async with entrance(NEIGHBOURS) as gate:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await gate.client(context)

        assert gate.worker.codes == ["tls-on-plain-port"]


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01"])
async def test_a_handshake_has_a_deadline(tls: Issued, sent: bytes) -> None:
    async with entrance(replace(RULES, seconds=0.2), tls.served()) as gate:
        client = await gate.client()
        await client.say(sent)

        assert await client.is_closed(2)
        await gate.until_refused("entrance-timeout")
        assert gate.reception._places == {}


async def test_a_handshake_with_nonsense_is_closed_and_counted(tls: Issued) -> None:
    async with entrance(RULES, tls.served()) as gate:
        client = await gate.client()
        await client.say(b"\x16\x03\x01\x00\x05nonsense")
        await ended(client)

        await gate.until_refused("tls-handshake")


async def test_who_only_looks_whether_we_are_there_is_not_counted(tls: Issued) -> None:
    async with entrance(RULES, tls.served()) as gate:
        (await gate.client()).writer.close()
        await until(lambda: gate.reception._entering == 0)
        client = await gate.client(tls.believer())
        await client.get()

        assert gate.worker.turned_away == []


async def test_so_many_handshakes_are_worked_on_at_a_time_and_the_others_wait(
    tls: Issued,
) -> None:
    rules = replace(RULES, handshakes=1, seconds=0.5)
    async with entrance(rules, tls.served()) as gate:
        slow = await gate.client()
        await slow.say(b"\x16\x03\x01")
        await until(gate.reception._handshakes.locked)
        quick = asyncio.ensure_future(gate.client(tls.believer()))
        await asyncio.sleep(0.1)
        waits = not quick.done()
        slow.writer.close()
        answer = await (await quick).get()

        assert waits
        assert status_of(answer) == 200


async def test_a_refusal_reaches_whoever_is_still_sending_over_tls(tls: Issued) -> None:
    async with entrance(RULES, tls.served(), serve=echo) as gate:
        client = await gate.client(tls.believer())
        head = b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 5000000\r\n\r\n"
        client.writer.write(head + b"x" * 600_000)

        assert status_of(await asyncio.wait_for(client.answer(), 5)) == 413


async def test_who_does_not_read_over_tls_pauses_the_answer(tls: Issued) -> None:
    """The library's own bound is half a megabyte a connection."""
    held: list[int] = []

    async def stream(incoming: Incoming, connection: Connection) -> None:
        gone = asyncio.Event()
        incoming.on_gone = gone.set
        while not connection.client_slow:
            connection.send(b"x" * 16_384)
            await asyncio.sleep(0)
        assert connection._transport is not None
        held.append(connection._transport.get_write_buffer_size())
        await gone.wait()

    async with entrance(RULES, tls.served(), serve=stream) as gate:
        lazy = socket.socket()
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.to_thread(lazy.connect, gate.address)
        wrapped = await asyncio.to_thread(_wrapped, lazy, tls.believer())
        wrapped.sendall(HEAD)
        await until(lambda: held)

        assert 65_536 <= held[0] < 200_000
        wrapped.close()


def _wrapped(raw: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(raw, server_hostname=NAME)


# ---- how many ------------------------------------------------------------------------------------


async def test_a_connection_too_many_is_closed_at_once() -> None:
    async with entrance(NEIGHBOURS, at_most=2) as gate:
        first, second = await gate.client(), await gate.client()
        await first.get()
        await second.get()

        assert await (await gate.client()).is_closed()
        await gate.until_refused("too-many-connections")
        first.writer.close()
        await until(lambda: len(gate.worker.connections) == 1)
        assert status_of(await (await gate.client()).get()) == 200


async def test_one_source_has_so_many_and_leaves_the_rest_to_others() -> None:
    async with entrance(replace(BY_PROXY, source_connections=2)) as gate:

        async def come(source: str) -> tuple[RawClient, bytes]:
            client = await gate.client()
            await client.say(f"PROXY TCP4 {source} 198.51.100.1 1 2\r\n".encode() + HEAD)
            try:
                return client, await client.answer()
            except (asyncio.IncompleteReadError, ConnectionError):
                return client, b""

        first, _ = await come("192.0.2.7")
        answers = [(await come(source))[1] for source in ("192.0.2.7", "192.0.2.7", "192.0.2.8")]

        assert [len(each) > 0 for each in answers] == [True, False, True]
        assert gate.worker.turned_away == [(0, "too-many-from-source", "192.0.2.7")]
        first.writer.close()
        await until(lambda: gate.reception._places["192.0.2.7"] == 1)
        assert status_of((await come("192.0.2.7"))[1]) == 200


@pytest.mark.parametrize(
    ("encrypted", "connections", "most_kib"), [(False, 1_000, 12), (True, 200, 160)]
)
async def test_a_thousand_idle_connections_are_held_and_served(
    tls: Issued, connections: int, most_kib: int, *, encrypted: bool
) -> None:
    """Their memory is that of both ends here, and the system's library takes its part of it."""
    certificate = tls.served() if encrypted else None
    context = tls.believer() if encrypted else None
    rules = replace(NEIGHBOURS, source_connections=2_000, seconds=30)
    patient = replace(LIMITS, head_seconds=60, idle_seconds=60)
    async with entrance(rules, certificate, limits=patient) as gate:
        await (await gate.client(context)).get()
        before = psutil.Process().memory_info().rss
        clients = [await gate.client(context) for _ in range(connections)]
        for client in clients[::10]:
            assert status_of(await client.get()) == 200
        grown_kib = (psutil.Process().memory_info().rss - before) / 1024

        assert len(gate.worker.connections) == connections + 1
        assert grown_kib < most_kib * connections
