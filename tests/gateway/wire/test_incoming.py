"""A request as it comes in: its body is taken in pieces or whole, held, paused, or given up."""

import asyncio

import pytest

from gateway.errors import RequestError
from gateway.wire.incoming import Incoming
from gateway.wire.request_head import CHUNKED, RequestHead


class Source:
    """A connection that only notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def send_continue(self) -> None:
        self.asked.append("continue")

    def pause_body(self) -> None:
        self.asked.append("pause")

    def resume_body(self) -> None:
        self.asked.append("resume")


def incoming(length: int, *, waits: bool = False) -> tuple[Incoming, Source]:
    head = RequestHead(
        method="POST",
        target=b"/",
        headers={},
        body_length=length,
        keep_alive=True,
        expects_continue=waits,
        http_1_0=False,
    )
    source = Source()
    return Incoming(head, source), source


def test_what_came_before_it_was_taken_is_handed_over_in_order() -> None:
    request, source = incoming(4)
    request.feed(b"ab")
    taken: list[bytes] = []
    request.take_body(taken.append, lambda: taken.append(b"END"))
    request.feed(b"cd")
    request.end()

    assert taken == [b"ab", b"cd", b"END"]
    assert source.asked == ["resume"]
    assert (request.received_bytes, request.complete) == (4, True)


def test_a_complete_body_ends_at_once_when_it_is_taken() -> None:
    request, source = incoming(2)
    request.feed(b"ab")
    request.end()
    taken: list[bytes] = []
    request.take_body(taken.append, lambda: taken.append(b"END"))

    assert (taken, source.asked) == ([b"ab", b"END"], [])


def test_a_body_nobody_takes_pauses_its_source_beyond_a_bound() -> None:
    request, source = incoming(CHUNKED)
    request.feed(b"x" * 65_536)
    assert source.asked == []
    request.feed(b"x")

    assert source.asked == ["pause"]


@pytest.mark.parametrize(("before", "asked"), [(b"", ["continue", "resume"]), (b"a", ["resume"])])
def test_a_client_is_told_to_continue_only_while_it_waits(before: bytes, asked: list[str]) -> None:
    request, source = incoming(2, waits=True)
    if before:
        request.feed(before)
    request.take_body(lambda _: None, lambda: None)

    assert source.asked == asked


async def test_a_body_is_read_whole_and_given_back_for_the_next_taker() -> None:
    request, _ = incoming(4)
    reading = asyncio.ensure_future(request.read_body(4))
    await asyncio.sleep(0)
    request.feed(b"ab")
    request.feed(b"cd")
    request.end()
    body = await reading
    assert body == b"abcd"

    request.put_back(body)
    taken: list[bytes] = []
    request.take_body(taken.append, lambda: taken.append(b"END"))
    assert taken == [b"abcd", b"END"]


async def test_an_empty_body_given_back_is_no_piece() -> None:
    """An empty chunk would end a chunked body before its end."""
    request, _ = incoming(CHUNKED)
    request.end()
    assert await request.read_body(10) == b""
    request.put_back(b"")
    taken: list[bytes] = []
    request.take_body(taken.append, lambda: None)

    assert taken == []


async def test_a_body_that_says_it_is_too_long_is_not_waited_for() -> None:
    request, source = incoming(5)

    assert await request.read_body(4) is None
    assert source.asked == []


async def test_a_body_that_turns_out_too_long_is_dropped_and_no_more_of_it_is_read() -> None:
    """It would pile up while its refusal is being recorded."""
    request, source = incoming(CHUNKED)
    reading = asyncio.ensure_future(request.read_body(4))
    await asyncio.sleep(0)
    request.feed(b"abcd")
    request.feed(b"e")
    request.feed(b"f")

    assert await reading is None
    assert source.asked == ["resume", "pause", "pause"]
    assert not request.failed


async def test_a_body_that_fails_is_given_up_and_the_first_failure_counts() -> None:
    request, _ = incoming(4)
    reading = asyncio.ensure_future(request.read_body(4))
    await asyncio.sleep(0)
    request.fail(408, "body-timeout")
    request.fail()
    request.feed(b"late")
    request.end()

    assert await reading is None
    assert request.failure == (408, "body-timeout")
    assert (request.received_bytes, request.complete) == (0, False)
    assert await request.read_body(4) is None


def test_who_serves_it_can_pause_and_resume_it() -> None:
    request, source = incoming(4)
    request.pause_body()
    request.resume_body()

    assert source.asked == ["pause", "resume"]


class Check:
    """Refuses a piece, or the end."""

    def __init__(self, bad: bytes = b"", *, ends: bool = True) -> None:
        self.bad = bad
        self.ends = ends
        self.seen: list[bytes] = []

    def piece(self, piece: bytes) -> None:
        self.seen.append(piece)
        if self.bad and self.bad in piece:
            raise RequestError("bad-piece")

    def end(self) -> None:
        if not self.ends:
            raise RequestError("bad-end")


def test_a_checked_body_is_handed_over_as_any_other() -> None:
    request, _ = incoming(6)
    check, taken = Check(), list[bytes]()
    request.feed(b"ab")
    request.check_body(check)
    request.take_body(taken.append, lambda: taken.append(b"END"))
    request.feed(b"cd")
    request.feed(b"ef")
    request.end()

    assert taken == [b"ab", b"cd", b"ef", b"END"]
    assert check.seen == [b"ab", b"cd", b"ef"]


@pytest.mark.parametrize("early", [True, False])
def test_a_piece_that_is_refused_reaches_nobody_and_the_request_fails(*, early: bool) -> None:
    request, _ = incoming(6)
    taken: list[bytes] = []
    gone: list[bool] = []
    if early:
        request.feed(b"!b")
        request.check_body(Check(b"!"))
    else:
        request.check_body(Check(b"!"))
        request.on_gone = lambda: gone.append(True)
        request.take_body(taken.append, lambda: taken.append(b"END"))
        request.feed(b"a")
        request.feed(b"!b")
    request.feed(b"cd")
    request.end()

    assert (request.failed, request.failure, request.complete) == (True, (400, "bad-piece"), False)
    assert taken == ([] if early else [b"a"])
    assert len(gone) == (0 if early else 1)


@pytest.mark.parametrize(
    ("length", "early", "handed"),
    [(4, False, [b"ab"]), (4, True, []), (CHUNKED, False, [b"ab", b"cd"]), (CHUNKED, True, [])],
)
def test_an_end_that_is_refused_leaves_nobody_with_a_whole_body(
    length: int, handed: list[bytes], *, early: bool
) -> None:
    """Where the length is known the last piece is the end; in chunks the last chunk is."""
    request, _ = incoming(length)
    taken: list[bytes] = []
    if not early:
        request.check_body(Check(ends=False))
        request.take_body(taken.append, lambda: taken.append(b"END"))
    request.feed(b"ab")
    request.feed(b"cd")
    request.end()
    if early:
        request.check_body(Check(ends=False))
        request.take_body(taken.append, lambda: taken.append(b"END"))

    assert (request.failure, request.complete) == ((400, "bad-end"), False)
    assert taken == handed
