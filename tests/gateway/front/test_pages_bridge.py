"""From the event loop to the pages: on threads, with an environment built from an allow-list."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gateway.front.pages_bridge import REFUSAL_SECONDS, PageResult, PagesBridge
from gateway.wire.answers import give, plain
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from tests.gateway.visits import REFERENCE, new_visit, request
from tests.gateway.wire.bench import Serve, bench

Environ = dict[str, Any]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2, thread_name_prefix="pages") as pool:
        yield pool


class Page:
    """A WSGI application that notes what it is given."""

    def __init__(self, status: str = "200 OK", headers: Iterable[tuple[str, str]] = ()) -> None:
        self.environs: list[Environ] = []
        self.bodies: list[bytes] = []
        self.threads: list[str] = []
        self.closed = 0
        self._status = status
        self._headers = list(headers)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.environs.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        self.threads.append(threading.current_thread().name)
        write = start_response("500 Never", [])
        write(b"")
        start_response(self._status, self._headers)
        return Chunks(self)


class Chunks:
    """The pieces of a page, which want to be closed."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def __iter__(self) -> Iterator[bytes]:
        return iter([b"a ", b"page"])

    def close(self) -> None:
        self._page.closed += 1


def serving(
    page: Callable[..., Iterable[bytes]], threads: ThreadPoolExecutor, results: list[PageResult]
) -> Serve:
    bridge = PagesBridge(wsgi=page, threads=threads, scheme="https")

    async def serve(incoming: Incoming, connection: Connection) -> None:
        result = await bridge.act(new_visit(incoming, connection), None)
        results.append(result)
        if not result.answered:
            give(plain(result.status, result.code, REFERENCE), incoming, connection)

    return serve


async def test_a_page_is_shown_with_its_own_fields_and_our_framing(
    threads: ThreadPoolExecutor,
) -> None:
    page = Page(
        "201 Made",
        [("Content-Type", "text/html"), ("Set-Cookie", "a=1"), ("Content-Length", "99")],
    )
    results: list[PageResult] = []
    async with bench(serving(page, threads, results)) as gate:
        client = await gate.client()
        answer = await client.get("/-/sign-in?next=%2F")

    assert answer.startswith(b"HTTP/1.1 201 ")
    assert answer.endswith(b"\r\n\r\na page")
    assert b"Set-Cookie: a=1" in answer
    assert answer.count(b"Content-Length") == 1
    assert results == [PageResult(status=201, code="", answered=True)]
    assert page.closed == 1
    assert page.threads[0].startswith("pages")


@pytest.mark.parametrize(("status", "waits"), [("401 No", True), ("200 Yes", False)])
async def test_who_is_not_recognised_is_told_after_a_while_in_which_no_thread_waits(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, status: str, *, waits: bool
) -> None:
    """However long it took to see: so the time tells nobody what was wrong."""
    waited: list[tuple[float, str]] = []

    async def sleep(seconds: float) -> None:
        waited.append((seconds, threading.current_thread().name))

    async with bench(serving(Page(status), threads, [])) as gate:
        client = await gate.client()
        monkeypatch.setattr("gateway.front.pages_bridge.sleep", sleep)
        await client.get("/-/sign-in")
        monkeypatch.undo()

    assert len(waited) == waits
    for seconds, thread in waited:
        assert 0 < seconds <= REFUSAL_SECONDS
        assert not thread.startswith("pages")


async def test_a_page_is_told_what_is_on_the_list_and_nothing_else(
    threads: ThreadPoolExecutor,
) -> None:
    """A field of the client could otherwise pass for something that the gateway says."""
    page = Page()
    async with bench(serving(page, threads, [])) as gate:
        client = await gate.client()
        await client.get(
            "/-/caf%C3%A9/x?a=b&c",
            more="Cookie: s=1\r\nX-Forwarded-For: 1.2.3.4\r\nGateway-Grant: yes\r\n"
            "Gateway.Visit-X: y\r\nProxy: evil\r\n".replace("Gateway.Visit-X: y\r\n", ""),
        )

    (environ,) = page.environs
    assert environ["PATH_INFO"] == "/-/caf\xc3\xa9/x"
    assert environ["QUERY_STRING"] == "a=b&c"
    assert environ["HTTP_COOKIE"] == "s=1"
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
    assert environ["wsgi.url_scheme"] == "https"
    assert environ["SCRIPT_NAME"] == ""
    assert environ["gateway.grant"] is None
    assert environ["gateway.visit"].reference == REFERENCE
    assert {name for name in environ if name.startswith("HTTP_")} == {"HTTP_HOST", "HTTP_COOKIE"}


async def test_a_form_is_handed_over_whole(threads: ThreadPoolExecutor) -> None:
    page = Page()
    async with bench(serving(page, threads, [])) as gate:
        client = await gate.client()
        await client.say(
            b"POST /-/sign-in HTTP/1.1\r\nHost: gate\r\nContent-Type: x/y\r\n"
            b"Content-Length: 3\r\n\r\na=b"
        )
        await client.answer()

    assert page.bodies == [b"a=b"]
    assert page.environs[0]["CONTENT_LENGTH"] == "3"
    assert page.environs[0]["CONTENT_TYPE"] == "x/y"


async def test_a_form_too_large_is_413_and_never_reaches_a_page(
    threads: ThreadPoolExecutor,
) -> None:
    page, results = Page(), list[PageResult]()
    async with bench(serving(page, threads, results)) as gate:
        client = await gate.client()
        await client.say(b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 65537\r\n\r\n")

        assert b" 413 " in await client.answer()
    assert (page.environs, results[0].code) == ([], "form-too-large")


async def test_a_form_that_stops_coming_is_told_as_that(threads: ThreadPoolExecutor) -> None:
    page, results = Page(), list[PageResult]()
    async with bench(serving(page, threads, results), idle_seconds=0.1) as gate:
        client = await gate.client()
        await client.say(b"POST / HTTP/1.1\r\nHost: gate\r\nContent-Length: 9\r\n\r\na=")

        assert b" 408 " in await client.answer()
    assert (page.environs, results[0].code) == ([], "body-timeout")


async def test_a_page_that_failed_is_recorded_as_failed(threads: ThreadPoolExecutor) -> None:
    results: list[PageResult] = []
    async with bench(serving(Page("500 No"), threads, results)) as gate:
        client = await gate.client()

        assert b" 500 " in await client.get()
    assert results == [PageResult(status=500, code="page-failed", answered=True)]


@pytest.mark.parametrize("fails", ["raises", "says nothing"])
async def test_a_page_without_an_answer_raises_for_the_pipeline(
    threads: ThreadPoolExecutor, fails: str
) -> None:
    def page(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        del environ, start_response
        if fails == "raises":
            raise LookupError("broken")
        return [b""]

    bridge = PagesBridge(wsgi=page, threads=threads, scheme="http")

    with pytest.raises(LookupError):
        await bridge.act(new_visit(request()), None)


async def test_a_visit_without_a_target_is_a_fault_of_the_program(
    threads: ThreadPoolExecutor,
) -> None:
    bridge = PagesBridge(wsgi=Page(), threads=threads, scheme="http")

    with pytest.raises(ValueError, match="without a target"):
        await bridge.act(new_visit(request(), targeted=False), None)


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("/-/sign-in/kerberos/cheshire-fire", "Negotiate abc"),
        ("/-/sign-in", None),
        ("/-/sign-in/cheshire-fire", None),
        ("/-/sign-in/kerberosX/cheshire-fire", None),
        ("/-/portal", None),
        ("/-/oidc/nwas/begin", None),
    ],
)
async def test_a_ticket_is_handed_to_the_page_that_judges_it_alone(
    threads: ThreadPoolExecutor, path: str, given: str | None
) -> None:
    page = Page()
    async with bench(serving(page, threads, [])) as gate:
        client = await gate.client()
        await client.get(path, more="Authorization: Negotiate abc\r\n")

    (environ,) = page.environs
    assert environ.get("HTTP_AUTHORIZATION") == given
    assert ("Negotiate abc" in str(environ)) == (given is not None)


async def test_who_is_asked_for_a_ticket_does_not_wait_for_it(
    threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every sign-in with a ticket begins so, and nobody has said anything of themselves yet."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with bench(serving(Page("401 Ticket"), threads, [])) as gate:
        client = await gate.client()
        monkeypatch.setattr("gateway.front.pages_bridge.sleep", sleep)
        await client.get("/-/sign-in/kerberos/cheshire-fire")
        monkeypatch.undo()

    assert waited == []
