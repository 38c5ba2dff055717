"""What is settled about a connection before its first byte of HTTP, and what comes of it."""

import asyncio
import socket

from gateway.wire.arrival import Arrival
from gateway.wire.connection import Connection
from tests.doubles.raw_client import RawClient
from tests.doubles.waiting import until
from tests.gateway.wire.bench import Bench, bench, ok


async def arrived(gate: Bench, arrival: Arrival) -> tuple[Connection, RawClient]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    loop = asyncio.get_running_loop()
    connection = Connection(gate.handler, loop, arrival)
    await loop.connect_accepted_socket(lambda: connection, ours)
    return connection, RawClient(*await asyncio.open_connection(sock=theirs))


async def test_the_address_a_front_told_stands_for_the_client_beside_that_of_the_socket() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        await client.get()
        (near,) = gate.handler.connections
        told, other = await arrived(gate, Arrival(client_ip="192.0.2.7"))

        assert (near.peer_ip, near.near_ip) == ("127.0.0.1", "127.0.0.1")
        assert (told.peer_ip, told.near_ip) == ("192.0.2.7", "")
        other.writer.close()


async def test_every_answer_carries_the_fields_of_its_connection() -> None:
    async with bench(ok) as gate:
        _, client = await arrived(gate, Arrival(answer_fields=b"Strict: yes\r\n"))
        for version, more in (("1.1", ""), ("1.0", "Connection: keep-alive\r\n"), ("1.0", "")):
            await client.say(f"GET / HTTP/{version}\r\nHost: gate\r\n{more}\r\n".encode())
            head = (await client.answer()).partition(b"\r\n\r\n")[0] + b"\r\n"

            assert head.count(b"\r\nStrict: yes\r\n") == 1
        client.writer.close()


async def test_who_accepted_a_connection_is_told_once_that_it_has_ended() -> None:
    told: list[str] = []
    async with bench(ok) as gate:
        _, client = await arrived(gate, Arrival(gone=lambda: told.append("gone")))
        await client.get()
        assert told == []
        client.writer.close()
        await until(lambda: told)

    assert told == ["gone"]
