"""Large bodies and streams pass as they come: whole, both ways, in little memory."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser

from gateway.audit.entry import Outcome
from tests.journeys.demo_fixture import Demo
from tests.journeys.live_streams import LIVE, open_socket
from tests.journeys.record_reader import entries_of
from tests.journeys.transfers import MEBIBYTE, Memory, download, slow_download, upload

EVENTS = "/ict/tickets/ICT-10001/events"
MIB = 64
MOST_GROWTH = 8 * MEBIBYTE


@pytest.mark.parametrize("transfer", [download, slow_download, upload])
def test_sixty_four_megabytes_pass_in_little_memory(
    demo: Demo, transfer: Callable[[Demo, int], int]
) -> None:
    """A little to warm up, then watched: no worker grows by more than 8 MB, whatever passes."""
    transfer(demo, 4)
    memory = Memory(demo)
    size = transfer(demo, MIB)
    growth = memory.growth()

    assert size == MIB * MEBIBYTE
    assert growth < MOST_GROWTH, f"{growth / MEBIBYTE:.1f} MiB"


def test_events_come_when_they_happen(demo: Demo) -> None:
    """The first is here long before the last: nothing waits for the end of the answer."""
    began = time.monotonic()
    arrived = [
        time.monotonic() - began
        for line in demo.visitor("firefighter").lines(
            f"{EVENTS}?events=4&every_ms=300", Accept="text/event-stream"
        )
        if line.startswith("data: ")
    ]

    assert len(arrived) == 4
    assert arrived[-1] - arrived[0] > 0.6


def test_whoever_leaves_a_stream_ends_it(demo: Demo) -> None:
    """The visit is closed, and the worker serves others."""
    lines = demo.visitor("firefighter").lines(f"{EVENTS}?every_ms=20", Accept="text/event-stream")
    first = next(lines)
    lines.close()  # type: ignore[attr-defined]  # a generator

    assert first.startswith("id: ")
    assert demo.visitor("firefighter").get("/estates/jobs").status == 200


def test_a_websocket_talks_both_ways_and_is_recorded_with_who_ended_it(demo: Demo) -> None:
    """With the library that browsers' makers test against, compression included."""
    with open_socket(demo, demo.visitor("firefighter").cookies, LIVE) as live:
        first = json.loads(live.recv(timeout=10))
        live.send("Noswaith dda, Tŷ Hywel")
        heard = first
        while "heard" not in heard:
            heard = json.loads(live.recv(timeout=10))
        reference = live.response.headers["Gateway-Reference"] if live.response else ""
        compressed = live.response.headers["Sec-WebSocket-Extensions"] if live.response else ""

    number = demo.accounts["firefighter"].employee_number
    assert first["asker"] == heard["asker"] == number
    assert heard["heard"] == "Noswaith dda, Tŷ Hywel"
    assert compressed.startswith("permessage-deflate")
    assert f"WEBSOCKET {LIVE} 101 {number}" in demo.reached_back_office()
    found = entries_of(demo.places, [reference], until=lambda row: row.result is not None)
    decision, ended = found[reference], found[reference].result
    assert ended is not None
    assert decision.clear["method"] == "WEBSOCKET"
    assert (decision.outcome, ended.outcome) == (Outcome.PERMIT, Outcome.PERMIT)
    assert (ended.clear["status"], ended.clear["code"]) == (101, "client-closed")
    assert ended.clear["bytes_in"] > 20


@pytest.mark.browser
def test_a_browser_shows_changes_until_the_session_ends(demo: Demo, chromium: Browser) -> None:
    """The page's own script talks over the gate, and is told when it may no more."""
    visitor = demo.signed_in("paramedic")
    cookies = [
        {"name": name, "value": value, "url": demo.base_url}
        for name, value in visitor.cookies.items()
    ]
    context = chromium.new_context(base_url=demo.base_url)
    context.add_cookies(cookies)  # type: ignore[arg-type]
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.goto("/ict/tickets")
    page.get_by_text(re.compile(r"^[0-9:]{8}: ICT-")).wait_for()
    visitor.sign_out()

    page.get_by_text("No more changes (1008).").wait_for()
    context.close()
