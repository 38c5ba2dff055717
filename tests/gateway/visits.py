"""Visits for tests of what is done with them."""

from __future__ import annotations

from typing import cast

from gateway.audit.entry import new_entry_id
from gateway.backoffice.canonical import canonicalise_target
from gateway.identity.sessions.live_session import LiveSession
from gateway.visit import Visit
from gateway.wire.connection import Connection
from gateway.wire.incoming import BodySource, Incoming
from gateway.wire.request_head import RequestHead
from tests.gateway.identity.parts import AT, us

REFERENCE = "7H3K9QZ2MA"


class Nobody:
    """A client that is gone, as far as a visit knows it."""

    peer_ip = "10.1.2.3"
    bytes_out = 0

    def owes(self, incoming: Incoming) -> bool:  # noqa: ARG002
        return False


def request(
    method: str = "GET", target: bytes = b"/", length: int = 0, **headers: bytes
) -> Incoming:
    """Make a request whose body nobody sends."""
    head = RequestHead(
        method=method,
        target=target,
        headers={name.replace("_", "-").encode(): value for name, value in headers.items()},
        body_length=length,
        keep_alive=True,
        expects_continue=False,
        http_1_0=False,
    )
    incoming = Incoming(head, cast("BodySource", Nobody()))
    incoming.complete = length == 0
    return incoming


def new_visit(
    incoming: Incoming,
    client: Connection | None = None,
    *,
    live: LiveSession | None = None,
    at_us: int = us(AT),
    targeted: bool = True,
) -> Visit:
    """Open a visit."""
    target = canonicalise_target(incoming.head.target, frozenset()) if targeted else None
    visit = Visit(
        reference=REFERENCE,
        entry_id=new_entry_id(at_us),
        at_us=at_us,
        started=0.0,
        incoming=incoming,
        client=client or cast("Connection", Nobody()),
    )
    visit.target, visit.live = target, live
    return visit
