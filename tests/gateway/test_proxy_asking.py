"""What a proxy may be told, and which requests are left to none."""

from __future__ import annotations

import pytest

from gateway.backoffice.canonical import TargetError, canonicalise_target
from gateway.proxy_asking import ProxyAsking, ProxyKind
from gateway.wire.answers import Answer, plain, see_other
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from tests.gateway.visits import REFERENCE, request
from tests.gateway.wire.bench import bench


def asking(
    kind: ProxyKind = ProxyKind.NGINX, raw: bytes = b"/", incoming: Incoming | None = None
) -> ProxyAsking:
    return ProxyAsking(
        proxy="front",
        kind=kind,
        ip="192.0.2.7",
        incoming=incoming or request(),
        raw=raw,
        origin=b"https://gate.example",
    )


@pytest.mark.parametrize("raw", [b"/", b"/OA_HTML/OA.jsp?OAFunc=X&a=%20", b"/-x", b"/x/-/y"])
def test_what_goes_on_as_it_came_may_be_left_to_a_proxy(raw: bytes) -> None:
    asking(raw=raw).demand(canonicalise_target(raw, frozenset()))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"/-", "proxy-own-page"),
        (b"/-/portal", "proxy-own-page"),
        (b"/.well-known", "proxy-own-page"),
        (b"/.well-known/jwks.json", "proxy-own-page"),
        (b"/caf%c3%a9", "target-not-canonical"),
        (b"/a?", "target-not-canonical"),
    ],
)
def test_our_own_pages_and_other_spellings_are_left_to_none(raw: bytes, code: str) -> None:
    with pytest.raises(TargetError, match=code):
        asking(raw=raw).demand(canonicalise_target(raw, frozenset()))


@pytest.mark.parametrize(
    ("kind", "answer", "status", "said", "unsaid"),
    [
        (ProxyKind.NGINX, see_other(b"/-/sign-in", REFERENCE), 401,
         b"Gateway-Location: https://gate.example/-/sign-in", b"\r\nLocation"),
        (ProxyKind.NGINX, plain(401, "No.", REFERENCE), 401, b"Gateway-Status: 401", b"<p>No."),
        (ProxyKind.NGINX, plain(404, "No.", REFERENCE), 403, b"Gateway-Status: 404", b"<p>No."),
        (ProxyKind.NGINX, plain(503, "No.", REFERENCE), 403, b"Gateway-Status: 503", b"<p>No."),
        (ProxyKind.EXT_AUTHZ, see_other(b"/-/sign-in", REFERENCE), 303,
         b"Location: https://gate.example/-/sign-in", b"Gateway-Status"),
        (ProxyKind.FORWARD_AUTH, plain(404, "No.", REFERENCE), 404, b"<p>No.", b"Gateway-Status"),
    ],
)  # fmt: skip
async def test_a_refusal_is_said_in_words_that_the_proxy_knows(
    kind: ProxyKind, answer: Answer, status: int, said: bytes, unsaid: bytes
) -> None:
    async def serve(incoming: Incoming, connection: Connection) -> None:
        asking(kind, incoming=incoming).give(answer, connection)

    async with bench(serve) as gate:
        told = await (await gate.client()).get()

        assert int(told[9:12]) == status
        assert said in told
        assert unsaid not in told
        assert f"Gateway-Reference: {REFERENCE}".encode() in told
