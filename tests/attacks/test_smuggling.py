"""Requests within requests: what is no one request is refused, and nothing follows it.

Each case sends bytes, then an honest request of its own on the same connection. Either the bytes
are refused and the connection is closed, or they mean one thing to everybody: then one request has
left, and the honest one gets its own answer.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.attacks.relay import SeenRequest
from tests.attacks.target import OWN_PAYSLIP, Target
from tests.attacks.wire import Reply, Wire

UPLOAD = b"/ict/tickets/ICT-10001/attachments"
HIDDEN = b"/fleet/bookings/SMUGGLED"  # the firefighter may open it: only framing keeps it in
AFTER = b"/fleet/bookings/HONEST"
QUIET_SECONDS = 1.0

CHUNKED = b"5\r\nhello\r\n0\r\n\r\n"
CL_AND_TE = (
    b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG",
    b"Content-Length: 15\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
)
CODINGS = tuple(
    line + b"\r\n\r\n" + CHUNKED
    for line in (
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked, identity",
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: chunked, chunked",
        b"Transfer-Encoding: ,chunked",
        b"Transfer-Encoding: chunked,",
        b"Transfer-Encoding: xchunked",
        b"Transfer-Encoding: chunkedx",
        b"Transfer-Encoding: chunked\x0b",
        b"Transfer-Encoding: \x0bchunked",
        b"Transfer-Encoding: \x0cchunked",
        b'Transfer-Encoding: "chunked"',
        b"Transfer-Encoding: chunked;q=1",
        b"Transfer-Encoding: identity",
        b"Transfer-Encoding:",
        b"Transfer-Encoding : chunked",
        b"Transfer-Encoding\t: chunked",
        b"Transfer-Encoding\x85: chunked",
        b"Transfer-Encoding\xa0: chunked",
        b"Transfer\r-Encoding: chunked",
        b"Transfer\x00-Encoding: chunked",
        b"Transfer-Encoding: \xa0chunked\xa0",
        b"Transfer-Encoding:\r\n chunked",
        b"Transfer-Encoding:\r\n\tchunked",
        b"X: y\r\n Transfer-Encoding: chunked",
        b"X: y\rTransfer-Encoding: chunked",
        b"X: y\nTransfer-Encoding: chunked",
        b"Transfer_Encoding: chunked\r\nContent-Length: 15",
        b"Content_Length: 3\r\nContent-Length: 15",
    )
)
LENGTHS = tuple(
    b"Content-Length: " + value + b"\r\n\r\nhello"
    for value in (
        b"+5", b"-1", b"-5", b"5_0", b"0x5", b"005", b"5,5", b"5, 5", b"5, 6", b"5;5", b"",
        b"5\x00",
        b"18446744073709551616", b"18446744073709551621", b"9223372036854775808", b"5.0", b"5e0",
        b"five", b"\xef\xbc\x95", b"5 5", b"05",
        b"5\r\nContent-Length: 5", b"5\r\nContent-Length: 6", b"6\r\nContent-Length: 5",
        b"5\r\n\tContent-Length: 6", b"5\rContent-Length: 6", b"5\nContent-Length: 6",
    )
)  # fmt: skip
CHUNKS = tuple(
    b"Transfer-Encoding: chunked\r\n\r\n" + chunks
    for chunks in (
        b"0_2\r\nab\r\n0\r\n\r\n",
        b"+2\r\nab\r\n0\r\n\r\n",
        b"-0\r\n\r\n",
        b"-2\r\nab\r\n0\r\n\r\n",
        b"0x2\r\nab\r\n0\r\n\r\n",
        b" 2\r\nab\r\n0\r\n\r\n",
        b"2;a\rb\r\nab\r\n0\r\n\r\n",
        b"2;a\nb\r\nab\r\n0\r\n\r\n",
        b"2\nab\r\n0\r\n\r\n",
        b"2\r\r\nab\r\n0\r\n\r\n",
        b"2\r\rXab\r\n0\r\n\r\n",
        b"\r\nab\r\n0\r\n\r\n",
        b";a\r\nab\r\n0\r\n\r\n",
        b"10000000000000002\r\nab\r\n0\r\n\r\n",
        b"2\r\nab0\r\n\r\n",
        b"2\r\nabX\r\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"2\r\nab\n0\r\n\r\n",
        b"2\r\nab\r\n0\r\n",  # the last line end is missing
        b"\xa02\r\nab\r\n0\r\n\r\n",
        b"2\xa0\r\nab\r\n0\r\n\r\n",
        b"\xef\xbc\x92\r\nab\r\n0\r\n\r\n",
        b"g\r\nab\r\n0\r\n\r\n",
        b"2\r\nab\r\n0\r\nHost: evil\r\n\r\n",
        b"2\r\nab\r\n0\r\nContent-Length: 5\r\n\r\n",
        b"2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"2\r\nab\r\n0\r\nAuthorization: x\r\n\r\n",
        b"2\r\nab\r\n0\r\nCookie: gateway-localhost=x\r\n\r\n",
        b"2\r\nab\r\n0\r\nX-Gateway-User: chief\r\n\r\n",
        b"2\r\nab\r\n0\r\nGateway-Assertion: x\r\n\r\n",
    )
)
LINES = tuple(
    b"Content-Length: 0\r\n" + line + b"\r\n\r\n"
    for line in (
        b"X: a\x00b",
        b"X: a\rb",
        b"X: a\nY: b",
        b"X: a\r\n b",
        b"X: a\r\r\nY: b",
        b"X: a\r\n\rX",
        b"X\x00: a",
        b"X\x85: a",
        b"X y: a",
        b"X\t: a",
        b"X : a",
        b": a",
        b"no colon",
        b" X: a",
        b"X: \x7f",
        b"X: \x01",
        b"X: caf\xe9",
        b"\xef\xbb\xbfX: a",
        b"X(y): a",
        b'X"y: a',
        b"X_Y: a",
        b"X.Y: a",
    )
)


def post(target: Target, tail: bytes, wanted: bytes = UPLOAD) -> bytes:
    """Write the beginning of an upload; its framing and body are the case's own."""
    fields = [(b"Origin", target.origin), (b"Content-Type", b"application/octet-stream")]
    head = target.request(wanted, method=b"POST", fields=fields, accept=b"application/json")
    return head.removesuffix(b"\r\n") + tail


def hidden(target: Target) -> bytes:
    """Write a request that only wrong framing lets out."""
    return target.request(HIDDEN)


def try_out(target: Target, raw: bytes) -> tuple[list[Reply], bool]:
    """Send bytes and an honest request behind them; gives the answers, and whether it closed."""
    with Wire(target.port) as wire:
        wire.send(raw + hidden(target))
        replies = wire.replies(seconds=QUIET_SECONDS)
        return replies, wire.ended


def try_all(target: Target, cases: Sequence[bytes]) -> list[tuple[bytes, list[Reply], bool]]:
    """Try cases out side by side: those that leave a request open take their second each."""
    target.token()
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda raw: try_out(target, raw), cases))
    return [(raw, *result) for raw, result in zip(cases, results, strict=True)]


@pytest.mark.parametrize(
    "tails",
    [CL_AND_TE, CODINGS, LENGTHS, CHUNKS, LINES],
    ids=["length and coding", "codings", "lengths", "chunks", "lines"],
)
def test_odd_framing_is_refused_and_nothing_follows_it(
    target: Target, tails: tuple[bytes, ...]
) -> None:
    """One refusal, then the end: the request behind is neither answered nor sent on."""
    mark = target.relay.count
    tried = try_all(target, [post(target, tail) for tail in tails])
    seen = target.let_through(mark)

    wrong = [
        (raw[-80:], [reply.status for reply in replies], ended)
        for raw, replies, ended in tried
        if not (ended and [400 <= reply.status < 500 for reply in replies] in ([True], []))
    ]
    assert wrong == []
    assert [one.target for one in seen if one.target.encode() == HIDDEN] == []
    assert [one.target for one in seen if one.complete] == []


def test_a_chunk_that_never_ends_is_never_whole(target: Target) -> None:
    """2^64 - 1 bytes are announced: everything behind is this chunk, and no request."""
    mark = target.relay.count
    raw = post(target, b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nab\r\n0\r\n\r\n")
    ((_, replies, _),) = try_all(target, [raw])
    seen = target.let_through(mark)

    assert replies == []
    assert [one for one in seen if one.complete] == []


def test_the_head_of_1_0_with_chunks_is_refused(target: Target) -> None:
    mark = target.relay.count
    raw = post(target, b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED)
    ((_, replies, ended),) = try_all(target, [raw.replace(b"HTTP/1.1", b"HTTP/1.0", 1)])

    assert [reply.status for reply in replies] == [400]
    assert ended
    assert target.let_through(mark) == []


@pytest.mark.parametrize(
    ("tail", "body"),
    [
        (b"Content-Length: 5\r\n\r\nhello", b"hello"),
        (b"Content-Length:5\r\n\r\nhello", b"hello"),
        (b"Content-Length: 5 \r\n\r\nhello", b"hello"),
        (b"content-length:\t5\r\n\r\nhello", b"hello"),
        (b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED, b"hello"),
        (b"Transfer-Encoding: chunked\t\r\n\r\n" + CHUNKED, b"hello"),
        (b"Transfer-Encoding: chunked\r\n\r\n2 ;a\r\nhe\r\n3;b=c\r\nllo\r\n0\r\n\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n\r\n", b"hello"),
        (b"Content-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (b"Content-Length: 0\r\n\r\n", b""),
    ],
)
def test_what_is_let_through_means_the_same_to_everybody(
    target: Target, tail: bytes, body: bytes
) -> None:
    """Refused, or framed by the gateway itself; the next request gets its own answer."""
    mark = target.relay.count
    with Wire(target.port) as wire:
        wire.send(post(target, tail))
        first = wire.reply()
        wire.send(target.request(AFTER))
        second = wire.reply(seconds=QUIET_SECONDS)
    seen = target.let_through(mark)

    assert first is not None
    if first.status >= 400:
        assert second is None
        assert [one for one in seen if one.complete] == []
        return
    stored = json.loads(first.body)["files"]
    assert [file["size"] for file in stored] == ([len(body)] if body else [])
    assert second is not None
    assert [(one.method, one.target.encode(), bytes(one.body)) for one in seen] == [
        ("POST", UPLOAD, body),
        ("GET", AFTER, b""),
    ]
    framings = [one.values("content-length") + one.values("transfer-encoding") for one in seen]
    assert [len(framing) for framing in framings] == [1, 0]


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS"])
def test_a_request_in_the_body_of_another_stays_a_body(target: Target, method: bytes) -> None:
    """The back office gets it framed as a body, or gets nothing."""
    mark = target.relay.count
    body = hidden(target)
    with Wire(target.port) as wire:
        wire.send(target.request(OWN_PAYSLIP, method=method, body=body))
        wire.reply(head_only=method == b"HEAD")
        wire.send(target.request(AFTER))
        wire.reply(seconds=QUIET_SECONDS)
    seen = target.let_through(mark)

    assert HIDDEN.decode() not in [one.target for one in seen]
    for one in seen:
        if one.target.encode() == OWN_PAYSLIP:
            assert bytes(one.body) == body


def test_bytes_behind_an_empty_body_are_another_request(target: Target) -> None:
    """They are read as what they are, and judged by their own session."""
    mark = target.relay.count
    with Wire(target.port) as wire:
        stranger = target.request(HIDDEN, username=None)
        wire.send(post(target, b"Content-Length: 0\r\n\r\n", b"/estates/jobs") + stranger)
        replies = wire.replies(seconds=QUIET_SECONDS)
    seen = target.let_through(mark)

    assert replies[-1].status == 303
    assert replies[-1].values("location")[0].startswith("/-/sign-in")
    assert HIDDEN.decode() not in [one.target for one in seen]


@pytest.mark.parametrize("expect", [b"y 100-continue", b"100-continue, x", b"200-ok", b"", b"100"])
def test_an_odd_expectation_is_refused(target: Target, expect: bytes) -> None:
    mark = target.relay.count
    raw = post(target, b"Expect: " + expect + b"\r\nContent-Length: 5\r\n\r\nhello")
    ((_, replies, ended),) = try_all(target, [raw])

    assert [reply.status for reply in replies] == [400]
    assert ended
    assert target.let_through(mark) == []


@pytest.mark.parametrize("expect", [b"100-continue", b" 100-continue", b"100-Continue"])
def test_a_client_that_waits_is_told_to_go_on(target: Target, expect: bytes) -> None:
    """The body comes afterwards, and the connection is clean."""
    mark = target.relay.count
    with Wire(target.port) as wire:
        wire.send(post(target, b"Expect: " + expect + b"\r\nContent-Length: 5\r\n\r\n"))
        wire.send(b"hello")
        first = wire.reply()
        wire.send(target.request(AFTER))
        second = wire.reply()
    seen = target.let_through(mark)

    assert first is not None
    assert first.status == 201
    assert second is not None
    assert [bytes(one.body) for one in seen] == [b"hello", b""]


def test_a_refusal_before_the_body_leaves_nothing_behind(target: Target) -> None:
    """The body that was announced is not read as requests (0.CL)."""
    mark = target.relay.count
    body = hidden(target) * 3
    for wanted in (b"/dms/me/roster", b"/nothing", b"/OA_HTML/%2e%2e/x", b"/-/sign-in/none"):
        fields = [(b"Origin", target.origin), (b"Content-Type", b"text/plain")]
        with Wire(target.port) as wire:
            wire.send(target.request(wanted, method=b"POST", fields=fields, body=body))
            replies = wire.replies(seconds=QUIET_SECONDS)
        assert [400 <= reply.status < 500 for reply in replies] == [True]

    assert target.let_through(mark) == []


def test_a_body_over_the_limit_leaves_nothing_behind(target: Target) -> None:
    mark = target.relay.count
    raw = post(target, b"Content-Length: 999999999999\r\n\r\n" + hidden(target))
    ((_, replies, ended),) = try_all(target, [raw])

    assert [reply.status for reply in replies] == [413]
    assert ended
    assert target.let_through(mark) == []


def test_what_is_pipelined_behind_a_refused_request_is_not_served(target: Target) -> None:
    """The refusal is the last word on that connection, and the first request has its answer."""
    mark = target.relay.count
    with Wire(target.port) as wire:
        bad = target.request(fields=[(b"Content-Length", b"+5")])
        wire.send(target.request(AFTER) + bad + hidden(target))
        replies = wire.replies(seconds=QUIET_SECONDS)
        ended = wire.ended
    seen = target.let_through(mark)

    assert len(replies) == 2
    assert replies[0].status != 400
    assert replies[1].status == 400
    assert ended
    assert [one.target.encode() for one in seen] == [AFTER]


def test_what_is_pipelined_is_answered_in_order(target: Target) -> None:
    """Three at once, each with its own answer, one at a time towards the back office."""
    numbers = [b"/catalogue/frameworks/FIRST", OWN_PAYSLIP, b"/estates/jobs"]
    mark = target.relay.count
    with Wire(target.port) as wire:
        wire.send(b"".join(target.request(one) for one in numbers))
        replies = [wire.reply() for _ in numbers]
    seen = target.let_through(mark)

    assert [one.target.encode() for one in seen] == numbers
    shown = [reply.body if reply else b"" for reply in replies]
    assert b'data-function="pay.slip"' in shown[1]
    assert b'data-function="est.job"' in shown[2]


def test_a_smuggle_in_single_bytes_is_none(target: Target) -> None:
    """Split over as many packets as there are bytes, it is refused as it is in one."""
    mark = target.relay.count
    raw = post(target, CL_AND_TE[0])
    with Wire(target.port) as wire:
        wire.send_slowly(raw[:40], 0.01)
        wire.send_slowly(raw[40:], 0)
        wire.send(hidden(target))
        replies = wire.replies(seconds=QUIET_SECONDS)
        ended = wire.ended

    assert [reply.status for reply in replies] == [400]
    assert ended
    assert target.let_through(mark) == []


def test_upgrades_are_refused(target: Target) -> None:
    """Behind an upgrade nobody reads requests any more."""
    mark = target.relay.count
    for fields in (
        [(b"Connection", b"upgrade"), (b"Upgrade", b"websocket")],
        [(b"Connection", b"Upgrade, HTTP2-Settings"), (b"Upgrade", b"h2c")],
        [(b"Upgrade", b"h2c")],
        [(b"Connection", b"upgrade")],
    ):  # fmt: skip
        ((_, replies, ended),) = try_all(target, [target.request(fields=fields)])
        assert [reply.status for reply in replies] == [400]
        assert ended
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    ((_, replies, ended),) = try_all(target, [preface])
    assert [400 <= reply.status <= 505 for reply in replies] == [True]
    assert ended

    assert target.let_through(mark) == []


def test_two_people_on_one_pool_never_get_each_others_answers(target: Target) -> None:
    """The connections to the back office are shared; the answers are not."""
    numbers = {name: target.stack.accounts[name].employee_number for name in PEOPLE}
    for name in PEOPLE:
        target.token(name)

    def ask(turn: int) -> tuple[str, bool, int]:
        name = PEOPLE[turn % len(PEOPLE)]
        reply = target.say(target.request(username=name))
        asker = f'data-asker="{numbers[name]}"'.encode()
        return name, asker in reply.body, reply.status

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(240)))

    assert [answer for answer in answers if not answer[1]] == []


PEOPLE = ("firefighter", "watch-manager", "constable", "detective")


def test_a_broken_body_ends_the_request_at_the_back_office_too(target: Target) -> None:
    """It has begun there and must not be taken for whole."""
    mark = target.relay.count
    with Wire(target.port) as wire:
        wire.send(post(target, b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nZ\r\n"))
        replies = wire.replies(seconds=QUIET_SECONDS)
    seen: list[SeenRequest] = target.let_through(mark)

    assert [one for one in seen if one.complete] == []
    assert [reply.status for reply in replies if reply.status < 400] == []
