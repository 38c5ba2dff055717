"""What is open without a session, and that nothing beside it is."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import orjson
import pytest

from gateway.api.authzen import METADATA_PATH, AuthZen
from gateway.api.feed_push import FeedPush, Imported
from gateway.api.health import Readiness
from gateway.audit.recorder import Recorder
from gateway.front.open_routes import (
    OPEN_DOCUMENTS,
    OPEN_PAGES,
    OpenRoutes,
    is_called_by_machines,
)
from gateway.front.pages_bridge import PageResult, PagesBridge
from gateway.refused import Refused
from gateway.visit import Grant, Visit
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from tests.gateway.visits import new_visit, request
from tests.gateway.wire.bench import bench


class NotedPages:
    """Pages that note what they are asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Visit, Grant | None]] = []

    async def act(self, visit: Visit, grant: Grant | None) -> PageResult:
        self.asked.append((visit, grant))
        return PageResult(status=200, code="", answered=True)


class Decisions:
    """Programs may ask for decisions, or none may."""

    def __init__(self, *, any_program: bool) -> None:
        self.takes_any = any_program

    def metadata(self) -> bytes:
        return b'{"policy_decision_point": "https://gate.example"}'

    async def act(self, visit: Visit) -> None:
        raise AssertionError(visit)


def routes(
    pages: NotedPages, record: str = "ok", *, feeds: bool = True, programs: bool = True
) -> OpenRoutes:
    return OpenRoutes(
        pages=cast("PagesBridge", pages),
        readiness=Readiness(parts={"record": lambda: record}),
        jwks=lambda: {"keys": []},
        feeds=FeedPush(
            keys={"unit": Path("unit.pem")} if feeds else {},
            importer=lambda *_: Imported(code=0, out=b"", error=""),
            recorder=cast("Recorder", None),
        ),
        decisions=cast("AuthZen", Decisions(any_program=programs)),
    )


@pytest.mark.parametrize("path", [*OPEN_PAGES, "/-/static/abc/gateway.css", "/-/sign-in/callback"])
async def test_open_pages_are_shown_without_a_grant(path: str) -> None:
    pages = NotedPages()
    act = routes(pages).find(path)
    assert act is not None
    visit = new_visit(request(target=path.encode()))
    await act(visit)

    assert pages.asked == [(visit, None)]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/-/portal",
        "/-/audit",
        "/-/sign-in2",
        "/-/sign-outside",
        "/-/static",
        "/-/healthy",
        "/x/-/health",
        "/.well-known/",
        "/OA_HTML/OA.jsp",
    ],
)
def test_nothing_else_is_open(path: str) -> None:
    assert routes(NotedPages()).find(path) is None


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/-/health", 200),
        ("/-/ready", 503),
        ("/.well-known/jwks.json", 200),
        ("/.well-known/authzen-configuration", 200),
        ("/-/openapi.json", 200),
    ],
)
async def test_documents_for_machines_are_given(path: str, status: int) -> None:
    act = routes(NotedPages(), record="stopped").find(path)
    assert act is not None
    assert path in {*OPEN_DOCUMENTS, METADATA_PATH}

    async def serve(incoming: Incoming, connection: Connection) -> None:
        assert await act(new_visit(incoming, connection)) is None

    async with bench(serve) as gate:
        client = await gate.client()
        answer = await client.get(path)

        assert int(answer[9:12]) == status
        assert orjson.loads(answer.partition(b"\r\n\r\n")[2])


@pytest.mark.parametrize(
    ("path", "machines"),
    [
        ("/-/oidc/nwas/back-channel", True),
        ("/-/oidc/nwas/callback", False),
        ("/-/oidc/back-channel", True),
        ("/-/sign-out", False),
        ("/OA_HTML/back-channel", False),
        ("/-/oidc/nwas/back-channel/x", False),
    ],
)
def test_only_what_providers_post_to_is_for_machines(path: str, machines: bool) -> None:
    """There, and nowhere else, a form may come without saying from where."""
    assert is_called_by_machines(path) is machines


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "DELETE"])
async def test_a_document_is_read_and_nothing_else(method: str) -> None:
    act = routes(NotedPages()).find("/-/health")
    assert act is not None
    visit = new_visit(request(method, b"/-/health"))
    with pytest.raises(Refused) as refused:
        await act(visit)

    assert (refused.value.status, visit.told_fields) == (405, ((b"Allow", b"GET, HEAD"),))
    assert is_called_by_machines("/-/health")


def test_exports_are_taken_where_a_unit_may_send_them_and_nowhere_else() -> None:
    pages, path = NotedPages(), "/-/api/vetting/feed/unit"

    assert routes(pages).find(path) is not None
    assert routes(pages, feeds=False).find(path) is None
    assert routes(pages).find("/-/api/vetting/feeds") is None
    assert is_called_by_machines(path)
    assert not is_called_by_machines("/-/api/vetting/")


def test_decisions_are_there_where_some_program_may_ask() -> None:
    for path in ("/-/access/v1/evaluation", METADATA_PATH):
        assert routes(NotedPages()).find(path) is not None
        assert routes(NotedPages(), programs=False).find(path) is None
    assert is_called_by_machines("/-/access/v1/evaluation")
