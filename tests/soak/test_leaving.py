"""Whoever leaves early has said what they meant to say, and waits for no more than they want."""

from __future__ import annotations

import asyncio

import pytest

from tests.soak.leaving import leave, ways


def test_each_way_of_leaving_is_another_and_they_begin_anew() -> None:
    turns = ways(1, "a=b", page="/page", large="/large", stream="/stream", upload="/upload")
    once = [next(turns) for _ in range(8)]

    assert len(set(once)) == 8
    assert [next(turns) for _ in range(8)] == once


@pytest.mark.parametrize("awaited", [0, 3])
async def test_a_client_that_leaves_cuts_the_connection(awaited: int) -> None:
    heard: list[bytes] = []
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readexactly(4))
        writer.write(b"told")
        try:
            await reader.read()
        except ConnectionError:
            heard.append(b"cut")
        gone.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await leave(port, (b"said", awaited), ended=lambda: False)
        await asyncio.wait_for(gone.wait(), 10)

    assert heard[0] == b"said"


async def test_an_answer_that_was_waited_for_and_does_not_come_is_told() -> None:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises((EOFError, ConnectionError)):
            await leave(port, (b"said", 1), ended=lambda: False)
