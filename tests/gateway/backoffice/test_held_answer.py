"""Answers that are looked at before anybody is shown them, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from gateway.backoffice import held_answer
from gateway.backoffice.forward import Forwarded
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.held_answer import (
    CheckedExchange,
    HeldBytes,
    HeldExchange,
)
from gateway.backoffice.treatment.treat import MOST_BYTES, Treatment
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, Script, ScriptedUpstream
from tests.gateway.backoffice.gate import Gate, answering, gate
from tests.gateway.backoffice.treatment.bank import HIDDEN, mask

SECRET = b"12-34-56"
PAGE = b"<p class=sort-code>12-34-56</p><p>after"


@dataclass
class Duty:
    """What is to be done, and what was."""

    treatment: Treatment | None = None
    words: list[str] = field(default_factory=list)

    def fault(self, fields: list[tuple[bytes, bytes]]) -> str:
        return "marking-exceeds" if (b"classification", b"SECRET") in fields else ""

    def did(self, words: tuple[str, ...]) -> None:
        self.words += words


def said(
    body: bytes = PAGE, *fields: str, status: str = "200 OK", kind: str = "text/html"
) -> bytes:
    """An answer as a system says it."""
    head = [f"HTTP/1.1 {status}", *([f"Content-Type: {kind}"] if kind else []), *fields]
    return "\r\n".join((*head, f"Content-Length: {len(body)}", "", "")).encode() + body


def plain(handler: Gate) -> Forwarder:
    """The forwarder of a gate."""
    assert isinstance(handler._forwarder, Forwarder)
    return handler._forwarder


@contextlib.asynccontextmanager
async def held(
    script: Script, *, treatment: Treatment | None = None, room: HeldBytes | None = None
) -> AsyncIterator[tuple[RawClient, Gate, ScriptedUpstream, Duty, HeldBytes]]:
    """A gate that masks every answer, or does what a test wants."""
    duty = Duty(treatment or Treatment(mask=mask()))
    room = room or HeldBytes()
    async with gate(script) as (client, handler, upstream):
        exchange = partial(HeldExchange, duty, room)
        handler._forwarder = plain(handler).looking(exchange)
        yield client, handler, upstream, duty, room


async def test_what_is_sent_is_what_came_of_it() -> None:
    answer = said(
        PAGE, "ETag: \"a\"", "Last-Modified: x", "Accept-Ranges: bytes", "X-Note: 12-34-56",
        'Content-Disposition: attachment; filename="12-34-56.html"', "Content-Language: cy",
    )  # fmt: skip
    async with held(answering(answer)) as (client, handler, _, duty, room):
        shown = await client.get()

        head, _, body = shown.partition(b"\r\n\r\n")
        shown_page = f'<body><p class="sort-code">{HIDDEN}</p><p>after</p></body>'
        assert body == f"<html><head></head>{shown_page}</html>".encode()
        assert f"Content-Length: {len(body)}".encode() in head
        assert b"Content-Type: text/html; charset=utf-8\r\n" in head
        assert b"Cache-Control: private, no-store" in head
        assert b"Content-Disposition: attachment\r\n" in head
        assert b"Content-Language: cy" in head
        assert all(gone not in head for gone in (SECRET, b"ETag", b"Last-Modified", b"Accept-R"))
        assert handler.results == [Forwarded(status=200, code="", answered=True)]
        assert duty.words == ["masked:bank.sort_code"]
        assert room._now == 0


async def test_the_system_is_asked_for_the_whole_of_it_plainly() -> None:
    async with held(answering(said())) as (client, _, upstream, _duty, _room):
        await client.get(
            more="Accept-Encoding: gzip\r\nRange: bytes=0-3\r\nIf-Range: x\r\nIf-None-Match: y\r\n"
            "If-Modified-Since: z\r\nLast-Event-ID: 3\r\nAccept: text/html\r\n"
        )

        sent = upstream.exchanges[0].received
        assert sent.count(b"Accept-Encoding: identity\r\n") == 1
        assert b"Accept: text/html" in sent
        assert all(gone not in sent for gone in (b"Range", b"If-", b"gzip", b"Last-Event"))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (said(kind=""), "answer-type"),
        (said(PAGE, "Content-Type: text/plain"), "answer-type"),
        (said(kind="text/event-stream"), "answer-type"),
        (said(kind="text/csv"), "answer-type"),
        (said(PAGE, "Content-Encoding: gzip"), "answer-encoded"),
        (said(PAGE, "Content-Encoding: identity", "Content-Encoding: br"), "answer-encoded"),
        (said(PAGE, "Content-Range: bytes 0-9/20", status="206 Partial"), "answer-partial"),
        (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", "answer-partial"),
        (said(b"\xff\xfe<"), "answer-charset"),
        (said(b'{"sort_code":1,"sort_code":2}', kind="application/json"), "answer-json"),
        (said(PAGE, "Location: /x?sort_code=12-34-56", status="303 See"), "upstream-location"),
        (said(PAGE, "Location: https://elsewhere/", status="303 See"), "upstream-location"),
    ],
)
async def test_an_answer_that_nothing_can_be_done_to_is_refused(answer: bytes, code: str) -> None:
    async with held(answering(answer)) as (client, handler, _, duty, room):
        shown = await client.get()

        assert shown.startswith(b"HTTP/1.1 502 ")
        assert SECRET not in shown
        assert handler.results == [Forwarded(status=502, code=code, answered=False)]
        assert (duty.words, room._now) == ([], 0)


async def test_a_stream_is_refused_before_it_says_anything() -> None:
    """It would never end; the head is enough to know."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 12-34-56\n\n"
    async with held(answering(head)) as (client, _, _upstream, _duty, _room):
        shown = await asyncio.wait_for(client.get(), 1)

    assert SECRET not in shown


@pytest.mark.parametrize("status", ["404 Not Found", "500 Fault"])
async def test_a_systems_own_refusal_stays_one_masked_or_replaced(status: str) -> None:
    answers = said(status=status), said(status=status, kind="text/plain")
    async with held(answering(*answers)) as (client, handler, _, _duty, _room):
        masked = await client.get()
        replaced = await (await handler.another_client()).get()

        assert masked.startswith(f"HTTP/1.1 {status[:3]} ".encode())
        assert HIDDEN.encode() in masked
        assert replaced.startswith(f"HTTP/1.1 {status[:3]} ".encode())
        assert SECRET not in masked + replaced
        assert isinstance(handler.results[-1], Forwarded)
        assert (handler.results[-1].code, handler.results[-1].answered) == ("answer-type", False)


@pytest.mark.parametrize("told", [True, False])
async def test_an_answer_beyond_the_limit_is_refused(
    monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    for limits in ("gateway.backoffice.held_answer.MOST_BYTES",):
        monkeypatch.setattr(limits, dict.fromkeys(MOST_BYTES, 20))
    framing = b"Content-Length: 100\r\n" if told else b"Connection: close\r\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + framing

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(head + b"\r\n" + (b"" if told else SECRET * 3))
        await exchange.reader.read()

    async with held(script) as (client, handler, _, _duty, room):
        shown = await asyncio.wait_for(client.get(), 1)

        assert SECRET not in shown
        assert handler.results == [Forwarded(status=502, code="answer-too-large", answered=False)]
        assert room._now == 0


async def test_all_of_a_worker_together_hold_no_more_than_they_may() -> None:
    async with held(answering(said(), said()), room=HeldBytes(most=30)) as (
        client, handler, _, _duty, room,
    ):  # fmt: skip
        shown = await client.get()

        assert shown.startswith(b"HTTP/1.1 503 ")
        assert handler.results == [Forwarded(status=503, code="answers-held", answered=False)]
        assert room._now == 0


async def test_a_head_is_answered_without_its_length() -> None:
    said_head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5000\r\n\r\n"
    async with held(answering(said_head, said_head)) as (client, _, upstream, _duty, _room):
        for _ in range(2):
            await client.say(b"HEAD / HTTP/1.1\r\nHost: gate\r\n\r\n")
            shown = await client.answer(bodiless=True)
            assert shown.startswith(b"HTTP/1.1 200 ")
            assert b"5000" not in shown
        assert len(upstream.exchanges) == 1


async def test_a_redirect_leads_on_without_its_body_once_that_is_stored() -> None:
    answer = said(PAGE, "Location: /x?y=1", "Set-Cookie: s=1", status="303 See")
    async with held(answering(answer)) as (client, handler, _, _duty, _room):
        shown = await client.get()

        assert b"Location: /x?y=1\r\n" in shown
        assert shown.endswith(b"\r\n\r\n")
        assert (handler.cookies, handler.locations) == ([b"s=1"], [b"/x?y=1"])


async def test_what_is_large_is_treated_on_a_thread_and_kept_alive() -> None:
    body = PAGE + b"<p>x</p>" * 10_000
    async with held(answering(said(body), said())) as (client, _, upstream, _duty, _room):
        large, small = await client.get(), await client.get()

        assert large.count(b"<p>x</p>") == 10_000
        assert SECRET not in large + small
        assert len(upstream.exchanges) == 1


async def test_a_fault_of_ours_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(held_answer, "treat", fail)
    async with held(answering(said())) as (client, handler, _, _duty, room):
        shown = await client.get()

        assert shown.startswith(b"HTTP/1.1 503 ")
        assert handler.results[-1].code == "answer-not-treated"
        assert room._now == 0


async def test_an_answer_that_breaks_off_sends_nothing() -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 500\r\n\r\n" + PAGE

    async def script(exchange: Exchange) -> None:
        await exchange.head()
        await exchange.say(cut)

    async with held(script) as (client, _, _upstream, _duty, room):
        shown = await client.get()

        assert shown.startswith(b"HTTP/1.1 502 ")
        assert b"after" not in shown
        assert room._now == 0


async def test_a_marking_is_looked_at_before_anything_is_shown() -> None:
    secret = said(PAGE, "Classification: SECRET")
    async with held(answering(secret)) as (client, handler, _, _duty, _room):
        shown = await client.get()

        assert shown.startswith(b"HTTP/1.1 403 ")
        assert b"after" not in shown
        assert handler.results[-1].code == "marking-exceeds"


async def test_where_only_the_marking_counts_the_rest_is_streamed() -> None:
    answers = said(PAGE, "ETag: a"), said(PAGE, "Classification: SECRET")
    async with gate(answering(*answers)) as (client, handler, _):
        exchange = partial(CheckedExchange, Duty())
        handler._forwarder = plain(handler).looking(exchange)
        shown = await client.get()
        refused = await client.get()

        assert shown.endswith(PAGE)
        assert b"ETag: a" in shown
        assert refused.startswith(b"HTTP/1.1 403 ")
        assert SECRET not in refused
