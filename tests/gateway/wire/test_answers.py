"""Answers as bytes: one framing field, no body where there may be none, nothing but our words."""

import pytest

from gateway.wire.answers import Answer, document, plain, see_other, to_bytes
from tests.gateway.wire.bench import REFERENCE, bench, ok


def test_an_answer_has_one_length_and_says_that_it_closes() -> None:
    answer = Answer(status=200, fields=((b"A", b"b"),), body=b"hello")

    assert to_bytes(answer) == (
        b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
    )


def test_the_answer_to_head_tells_the_length_and_has_no_body() -> None:
    answer = Answer(status=200, fields=(), body=b"hello")

    assert to_bytes(answer, head_only=True, connection=b"") == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
    )


@pytest.mark.parametrize("status", [204, 304])
def test_statuses_without_a_body_have_no_length_either(status: int) -> None:
    written = to_bytes(Answer(status=status, fields=(), body=b"x"), connection=b"")

    assert b"Content-Length" not in written
    assert written.endswith(b"\r\n\r\n")


def test_a_status_nobody_has_named_is_written_all_the_same() -> None:
    assert to_bytes(Answer(status=499, fields=(), body=b"")).startswith(b"HTTP/1.1 499 Answer\r\n")


def test_a_plain_refusal_shows_its_reference_and_may_not_be_kept() -> None:
    answer = plain(400, "No.", REFERENCE)

    assert f'data-reference="{REFERENCE}"'.encode() in answer.body
    fields = dict(answer.fields)
    assert fields[b"Gateway-Reference"] == REFERENCE.encode()
    assert fields[b"Cache-Control"] == b"no-store"
    assert fields[b"Content-Security-Policy"].startswith(b"default-src 'none'")


def test_a_document_names_a_reference_only_where_there_is_one() -> None:
    without = document(200, b"application/json", b"{}", more=((b"A", b"b"),))
    with_one = document(200, b"application/json", b"{}", reference=REFERENCE)

    assert b"Gateway-Reference" not in dict(without.fields)
    assert without.fields[-1] == (b"A", b"b")
    assert dict(with_one.fields)[b"Gateway-Reference"] == REFERENCE.encode()


def test_a_browser_is_sent_on_with_303() -> None:
    answer = see_other(b"/-/sign-in", REFERENCE)

    assert (answer.status, answer.fields[0], answer.body) == (
        303,
        (b"Location", b"/-/sign-in"),
        b"",
    )


async def test_an_http_1_0_client_is_told_when_its_connection_is_kept() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        await client.say(b"GET / HTTP/1.0\r\nHost: gate\r\nConnection: keep-alive\r\n\r\n")
        assert b"\r\nConnection: keep-alive\r\n" in await client.answer()
        await client.say(b"GET / HTTP/1.0\r\nHost: gate\r\n\r\n")

        assert b"\r\nConnection: close\r\n" in await client.answer()
        assert await client.is_closed()


async def test_head_over_the_wire_has_no_body() -> None:
    async with bench(ok) as gate:
        client = await gate.client()
        assert b"Content-Length: " in await client.get(method="HEAD")

        assert (await client.get()).startswith(b"HTTP/1.1 200 ")
