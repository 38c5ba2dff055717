"""What is plain is read as the parser reads it; whatever is not is left to the parser."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.backoffice.headers import RESPONSE_FIELDS
from gateway.backoffice.plain_answer import _DROPPED, PlainAnswer, PlainAnswers, read_plain

NGINX = (
    b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 03:30:00 GMT\r\n"
    b"Content-Type: text/html; charset=utf-8\r\nContent-Length: 5\r\n"
    b"Last-Modified: Sun, 22 Nov 2026 03:00:00 GMT\r\nConnection: keep-alive\r\n"
    b'ETag: "6561-1000"\r\nX-Frame-Options: DENY\r\nAccept-Ranges: bytes\r\n\r\n'
)


def test_a_plain_head_gives_what_is_passed_on() -> None:
    assert read_plain(NGINX + b"hello") == PlainAnswer(
        status=200,
        opening=b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8"
        b"\r\nLast-Modified: Sun, 22 Nov 2026 03:00:00 GMT"
        b'\r\nETag: "6561-1000"\r\nAccept-Ranges: bytes',
        framing=b"\r\nContent-Length: 5\r\n",
        body_at=len(NGINX),
        size=len(NGINX) + 5,
    )


def test_a_body_says_nothing_of_its_head() -> None:
    found = read_plain(NGINX + b'\r\nETag: "evil"\r\n')

    assert found is not None
    assert b"evil" not in found.opening


def test_another_version_is_not_plain() -> None:
    assert read_plain(NGINX.replace(b"HTTP/1.1", b"HTTP/1.0")) is None


def test_what_is_not_passed_on_is_none_of_what_is() -> None:
    dropped = {name.lower() for name in _DROPPED}

    assert dropped.isdisjoint(name.lower() for name in RESPONSE_FIELDS)
    assert not any(name.lower().startswith(b"x-") for name in RESPONSE_FIELDS)


@pytest.mark.parametrize("cut", range(len(NGINX)))
def test_a_head_that_is_not_whole_is_not_plain(cut: int) -> None:
    assert read_plain(NGINX[:cut]) is None


@pytest.mark.parametrize("status", [b"099", b"100", b"101", b"199", b"204", b"304", b"600", b"20"])
def test_a_status_that_asks_for_thought_is_not_plain(status: bytes) -> None:
    assert read_plain(NGINX.replace(b"200", status)) is None


@pytest.mark.parametrize(
    "line",
    [
        b"Content-Length: 5",
        b"content-length: 5",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Connection: keep-alive, close",
        b"Proxy-Connection: close",
        b"Upgrade: h2c",
        b"Trailer: X",
        b"Set-Cookie: a=1",
        b"Location: /",
        b"Refresh: 0; url=/",
        b"Link: </a>",
        b"Content-Location: /a",
        b"content-type: text/css",
        b"CONTENT-TYPE: text/css",
        b"Unknown: 1",
        b"Server : nginx",
        b"Server:nginx",
        b"Server:  nginx",
        b"Server: nginx ",
        b"Server: \tnginx",
        b"Server:",
        b"Server: ",
        b"Server: a\rb",
        b"Server: a\nb",
        b"Server: a\r\n b",
        b"Server: \xe9",
        b"Server: \x7f",
        b"Server: \x00",
        b" Server: a",
        b": a",
        b"X-A B: a",
        b"X-: a\r\nX_B: a",
        b"ETagger: a",
    ],
)
def test_a_field_that_asks_for_thought_is_not_plain(line: bytes) -> None:
    assert read_plain(NGINX.replace(b"Server: nginx", line)) is None
    assert read_plain(NGINX[:-2] + line + b"\r\n\r\n") is None


@pytest.mark.parametrize("length", [b"", b"05", b"+5", b"-5", b"5 ", b"5,5", b"0x5", b"1" * 19])
def test_a_length_that_is_not_canonical_is_not_plain(length: bytes) -> None:
    assert read_plain(NGINX.replace(b"Length: 5", b"Length: " + length)) is None


def test_without_a_length_it_is_not_plain() -> None:
    assert read_plain(NGINX.replace(b"Content-Length: 5\r\n", b"")) is None


# Ends of heads and of lines among them: what begins as the last answer did may go on otherwise.
PIECES = [
    NGINX,
    NGINX[:-2],
    NGINX.replace(b"Length: 5", b"Length: 50"),
    NGINX.replace(b"200 OK", b"404 Not Found"),
    NGINX.replace(b"Server", b"Set-Cookie"),
    b"X-Another: field\r\n",
    b"Set-Cookie: a=1\r\n",
    b"\r\n",
    b"hello",
    b"",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=3).map(b"".join), max_size=8))
def test_a_head_that_is_known_is_read_as_one_that_is_not(reads: list[bytes]) -> None:
    answers = PlainAnswers()

    assert [answers.read(data) for data in reads] == [read_plain(data) for data in reads]


def test_the_last_head_is_known_by_its_bytes() -> None:
    answers = PlainAnswers()
    first = answers.read(NGINX + b"hello")

    assert first is not None
    assert answers.read(NGINX + b"other") is first
    assert answers.read(b"no answer") is None
    assert answers.read(NGINX) is first
    assert answers.read(NGINX.replace(b"nginx", b"other")) is not first


def test_a_long_head_is_not_kept() -> None:
    answers = PlainAnswers()
    long = NGINX.replace(b"nginx", b"n" * 4096)

    assert answers.read(long) == answers.read(long) == read_plain(long)
    assert answers.read(long) is not answers.read(long)
