"""One connection to a system: its answers are judged; after anything odd it is not used again."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import weakref
from collections.abc import AsyncIterator
from typing import cast

import pytest

from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from tests.doubles.wire import Wire
from tests.gateway.backoffice.keeper import Keeper

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


class Sink:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def on_head(self, status: int, fields: list[tuple[bytes, bytes]], length: int | None) -> None:
        del fields
        self.told.append((status, length))

    def on_body(self, piece: bytes) -> None:
        self.told.append(piece)

    def on_read(self) -> None:
        pass

    def on_end(self) -> None:
        self.told.append("end")

    def on_fail(self, error: ExchangeError) -> None:
        self.told.append((error.status, error.code, error.retryable))

    def on_upstream_slow(self) -> None:
        self.told.append("slow")

    def on_upstream_ready(self) -> None:
        self.told.append("ready")


class Bench:
    """A connection with an exchange on it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.keeper = Keeper(self.loop)
        self.wire = Wire()
        self.connection = UpstreamConnection(self.keeper)
        self.connection.connection_made(self.wire)

    def begin(self, *, head_only: bool = False, complete: bool = True) -> Sink:
        sink = Sink()
        self.connection.begin(REQUEST, sink, head_only=head_only, complete=complete)
        return sink

    async def said(self, answer: bytes, *, head_only: bool = False) -> list[object]:
        """Have one exchange and give what its sink was told."""
        sink = self.begin(head_only=head_only)
        self.connection.data_received(answer)
        await asyncio.sleep(0)
        return sink.told


@contextlib.asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    yield Bench()


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("answer", [b"", OK, OK[:-1]], ids=["unused", "used", "cut"])
async def test_a_connection_that_is_gone_leaves_nothing_to_the_collector(answer: bytes) -> None:
    async with bench() as one:
        gc.disable()
        try:
            if answer:
                await one.said(answer)
            one.connection.discard()
            one.connection.connection_lost(None)
            gone = weakref.ref(one.connection)
            del one.connection
            await asyncio.sleep(0)
            assert gone() is None
        finally:
            gc.enable()


async def test_a_clean_exchange_gives_the_connection_back() -> None:
    async with bench() as one:
        assert await one.said(OK) == [(200, 2), b"ok", "end"]

        assert one.keeper.kept == [True]
        assert one.wire.written == REQUEST


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", [(204, 0), "end"]),
        (b"HTTP/1.1 304 Not\r\n\r\n", [(304, None), "end"]),
        (b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + OK, [(200, 2), b"ok", "end"]),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            [(200, None), b"a", "end"],
        ),
    ],
)
async def test_answers_with_one_reading_are_passed_on_and_the_connection_kept(
    answer: bytes, told: list[object]
) -> None:
    async with bench() as one:
        assert await one.said(answer) == told

        assert one.keeper.kept == [True]


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"more",
        OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\n\r\n",
    ],
)
async def test_after_anything_odd_the_connection_is_not_used_again(answer: bytes) -> None:
    async with bench() as one:
        assert (await one.said(answer))[-1] == "end"

        assert True not in one.keeper.kept
        assert not one.connection.is_reusable


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n", "upstream-not-http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", "upstream"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "upstream-framing"),
        (b"HTTP/1.1 600 No\r\nContent-Length: 0\r\n\r\n", "upstream-status"),
        (b"HTTP/1.1 101 Up\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "upstream"),
        (b"HTTP/1.1 102 P\r\n\r\n" * 9, "upstream-informational"),
        (b"HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n", "upstream"),
        (b"SSH-2.0-OpenSSH\r\n", "upstream-not-http"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 70_000, "upstream-head-too-large"),
    ],
)
async def test_answers_with_two_readings_are_refused(answer: bytes, code: str) -> None:
    async with bench() as one:
        (failure,) = await one.said(answer)

        status, said, retryable = cast("tuple[int, str, bool]", failure)
        assert (status, retryable) == (502, False)
        assert said.startswith(code)
        assert one.wire.did == ["abort"]


async def test_a_body_behind_the_answer_to_head_spoils_the_connection() -> None:
    async with bench() as one:
        assert await one.said(OK[:-2], head_only=True) == [(200, 2), "end"]
        assert one.keeper.kept == [True]

        told = await one.said(OK, head_only=True)
        assert told == [(200, 2), "end"]
        assert one.keeper.kept == [True, False]


async def test_what_comes_unasked_ends_the_connection() -> None:
    """Whatever it is, it is not the answer to the next request."""
    async with bench() as one:
        await one.said(OK)
        one.connection.data_received(OK)

        assert one.wire.did == ["abort"]
        assert not one.connection.is_reusable


async def test_a_second_answer_in_the_next_exchange_is_not_believed() -> None:
    async with bench() as one:
        told = await one.said(OK + OK)

        assert told.count("end") == 1
        assert one.keeper.kept != [True]


async def test_an_answer_before_the_request_is_whole_ends_the_connection() -> None:
    async with bench() as one:
        sink = one.begin(complete=False)
        one.connection.data_received(OK)

        assert sink.told[-1] == "end"
        assert one.wire.did == ["abort"]
        one.connection.send_body(b"late")
        one.connection.end_body()
        assert one.wire.written == REQUEST


async def test_an_answer_while_the_request_is_not_taken_ends_the_connection() -> None:
    """What lies unsent in between would stand before the next request."""
    async with bench() as one:
        sink = one.begin(complete=False)
        one.connection.send_body(b"body")
        one.connection.pause_writing()
        one.connection.end_body()
        one.connection.data_received(OK)

        assert sink.told == ["slow", (200, 2), b"ok", "end"]
        assert one.wire.did == ["abort"]


async def test_the_pace_of_the_system_is_passed_on() -> None:
    async with bench() as one:
        sink = one.begin(complete=False)
        one.connection.pause_writing()
        one.connection.resume_writing()
        one.connection.end_body()
        one.connection.data_received(OK)
        await asyncio.sleep(0)
        one.connection.pause_writing()
        one.connection.resume_writing()

        assert sink.told == ["slow", "ready", (200, 2), b"ok", "end"]
        assert one.keeper.kept == [True]


async def test_pausing_is_for_the_exchange_that_is_running() -> None:
    async with bench() as one:
        one.begin()
        one.connection.pause()
        paused = one.connection.deadline
        one.connection.resume()
        one.connection.data_received(OK)
        one.connection.pause()
        one.connection.resume()

        assert paused == float("inf")
        assert one.wire.did == ["pause", "resume"]


async def test_the_end_of_the_connection_is_the_end_of_a_body_without_length() -> None:
    async with bench() as one:
        sink = one.begin()
        one.connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nabc")
        one.connection.connection_lost(None)

        assert sink.told == [(200, None), b"abc", "end"]


@pytest.mark.parametrize(
    ("before", "used", "failure"),
    [
        (b"", False, (502, "upstream-closed", False)),
        (b"", True, (502, "upstream-closed", True)),
        (b"HTTP/1.1 2", True, (502, "upstream-cut", False)),
    ],
)
async def test_a_lost_connection_says_whether_asking_again_is_safe(
    before: bytes, used: bool, failure: tuple[int, str, bool]
) -> None:
    async with bench() as one:
        if used:
            await one.said(OK)
        sink = one.begin()
        if before:
            one.connection.data_received(before)
        one.connection.connection_lost(None)

        assert sink.told == [failure]
        assert one.keeper.forgotten


async def test_a_connection_that_is_gone_fails_the_exchange_and_may_be_tried_anew() -> None:
    async with bench() as one:
        one.connection.connection_lost(None)
        sink = one.begin()

        assert sink.told == [(502, "upstream-gone", True)]


@pytest.mark.parametrize(
    ("before", "code"), [(b"", "upstream-timeout"), (b"HTTP/1.1 2", "upstream-stalled")]
)
async def test_what_takes_too_long_is_a_504(before: bytes, code: str) -> None:
    async with bench() as one:
        sink = one.begin()
        assert one.connection.deadline > one.loop.time() + 9
        if before:
            one.connection.data_received(before)
        one.connection.expire()

        assert sink.told == [(504, code, False)]


async def test_an_idle_connection_that_expires_is_closed() -> None:
    async with bench() as one:
        one.connection.expire()

        assert one.wire.did == ["abort"]


async def test_an_exchange_given_up_is_not_told_of_its_end() -> None:
    async with bench() as one:
        sink = one.begin()
        one.connection.cancel()
        one.connection.connection_lost(None)

        assert sink.told == []
        assert one.wire.did == ["abort"]


async def test_a_fault_of_whoever_takes_the_answer_is_not_swallowed() -> None:
    class Faulty(Sink):
        def on_body(self, piece: bytes) -> None:
            raise ValueError(piece)

    async with bench() as one:
        one.connection.begin(REQUEST, Faulty(), head_only=False, complete=True)

        with pytest.raises(Exception, match="callback"):
            one.connection.data_received(OK)
