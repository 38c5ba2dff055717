"""A connection stays open where client, request and worker allow it, and the answer says so."""

import asyncio
from collections.abc import Callable

import pytest

from gateway.wire.arrival import Arrival
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits
from gateway.wire.promise import promise
from gateway.wire.request_head import RequestHead
from tests.gateway.wire.bench import Handler, ok

LIMITS = ConnectionLimits(
    head_bytes=8192, head_fields=50, head_seconds=3, idle_seconds=9, hosts=frozenset({b"gate"})
)
ALWAYS = b"Strict: yes\r\n"


async def promised(
    *, old: bool, wanted: bool = True, change: Callable[[Incoming, Handler], None] | None = None
) -> tuple[bool, bytes]:
    handler = Handler(ok, LIMITS)
    arrival = Arrival(answer_fields=ALWAYS)
    client = Connection(handler, asyncio.get_running_loop(), arrival)
    head = RequestHead(
        method="GET",
        target=b"/",
        headers={},
        body_length=0,
        keep_alive=wanted,
        expects_continue=False,
        http_1_0=old,
    )
    incoming = Incoming(head, client, complete=True)
    if change is not None:
        change(incoming, handler)
    return promise(incoming, client)


@pytest.mark.parametrize(
    ("old", "wanted", "field"),
    [
        (False, True, b""),
        (False, False, b"Connection: close\r\n"),
        (True, True, b"Connection: keep-alive\r\n"),
        (True, False, b"Connection: close\r\n"),
    ],
)
async def test_the_client_is_told_whether_the_connection_is_kept(
    old: bool, wanted: bool, field: bytes
) -> None:
    """HTTP/1.0 closes unless told otherwise, HTTP/1.1 keeps unless told otherwise."""
    assert await promised(old=old, wanted=wanted) == (wanted, ALWAYS + field)


def _unfinished(incoming: Incoming, _: Handler) -> None:
    incoming.complete = False


def _failed(incoming: Incoming, _: Handler) -> None:
    incoming.fail()


def _stopping(_: Incoming, handler: Handler) -> None:
    handler.draining = True


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("change", [_unfinished, _failed, _stopping])
async def test_behind_what_is_not_whole_and_in_a_worker_that_stops_it_is_closed(
    old: bool, change: Callable[[Incoming, Handler], None]
) -> None:
    assert await promised(old=old, change=change) == (False, ALWAYS + b"Connection: close\r\n")
