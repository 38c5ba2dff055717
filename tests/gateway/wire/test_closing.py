"""An end that shows that something is missing, and one behind which the other side may speak."""

from __future__ import annotations

import asyncio

import pytest

from gateway.wire.closing import end_writing, reset


class Kept(asyncio.Protocol):
    """Keeps its transport."""

    made: asyncio.Future[asyncio.Transport]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.made.set_result(transport)


async def connected() -> tuple[asyncio.Transport, asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    kept = Kept()
    kept.made = loop.create_future()
    server = await loop.create_server(lambda: kept, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    transport = await kept.made
    server.close()
    return transport, reader, writer


async def test_a_reset_is_no_orderly_end() -> None:
    transport, reader, writer = await connected()
    transport.write(b"part of it")
    await reader.readexactly(10)
    reset(transport)

    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()


async def test_an_end_of_writing_leaves_the_other_side_to_speak() -> None:
    transport, reader, writer = await connected()
    transport.write(b"all of it")

    assert end_writing(transport)
    assert await reader.read() == b"all of it"
    assert not transport.is_closing()
    transport.abort()
    assert not end_writing(transport)
    writer.close()


def test_what_has_ended_already_is_cut_all_the_same() -> None:
    """Over TLS there is no socket any more then."""

    class Ended:
        aborted = False

        def get_extra_info(self, name: str) -> None:
            assert name == "socket"

        def abort(self) -> None:
            self.aborted = True

    ended = Ended()
    reset(ended)  # type: ignore[arg-type]  # all that is asked of it

    assert ended.aborted
