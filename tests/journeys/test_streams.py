"""Large bodies and streams pass as they come: whole, both ways, in little memory."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest
from playwright.sync_api import Browser

from deploy.demo.backoffice.report import REPORT_BYTES
from gateway.audit.entry import Outcome
from tests.journeys.demo_fixture import Demo
from tests.journeys.live_streams import LIVE, open_socket
from tests.journeys.record_reader import entries_of

PRICE_LIST = "/catalogue/frameworks/current/download"
UPLOAD = "/ict/tickets/ICT-10001/attachments"
EVENTS = "/ict/tickets/ICT-10001/events"
MEBIBYTE = 1024 * 1024
MOST_GROWTH = 8 * MEBIBYTE
PAUSE_SECONDS = 1.5
PIECE = bytes(range(256)) * 256


class Memory:
    """Watches the resident memory of the gateway's workers."""

    def __init__(self, demo: Demo) -> None:
        (gateway,) = [child for child in demo.stack.children if child.title == "the gateway"]
        self._workers = psutil.Process(gateway.pid).children()
        assert len(self._workers) == 2
        self.before = self._read()
        self.most = list(self.before)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _read(self) -> list[int]:
        return [worker.memory_info().rss for worker in self._workers]

    def _watch(self) -> None:
        while not self._stopping.wait(0.005):
            self.most = [max(pair) for pair in zip(self.most, self._read(), strict=True)]

    def growth(self) -> int:
        """Stop watching; gives the most that a worker grew by, in bytes."""
        self._stopping.set()
        self._thread.join()
        return max(most - before for most, before in zip(self.most, self.before, strict=True))


def download(demo: Demo) -> int:
    return sum(len(piece) for piece in demo.visitor("firefighter").pieces(PRICE_LIST))


def slow_download(demo: Demo) -> int:
    """Read as a phone in a lift does: the gateway must wait, and not keep what it got."""
    size = 0
    for piece in demo.visitor("firefighter").pieces(PRICE_LIST):
        if size == 0:
            time.sleep(PAUSE_SECONDS)  # long enough for the back office to send all it has
        size += len(piece)
    return size


def upload(demo: Demo) -> int:
    visitor = demo.visitor("firefighter")
    named = {
        "Content-Type": "application/octet-stream",
        "Accept": "application/json",
        "Origin": visitor.origin,
        "Content-Length": str(REPORT_BYTES),
    }
    count = REPORT_BYTES // len(PIECE)
    pieces: Iterator[bytes] = (PIECE for _ in range(count))
    page = visitor.ask("POST", UPLOAD, body=pieces, headers=named)
    told = json.loads(page.body)["files"][0]
    assert told["sha256"] == hashlib.sha256(PIECE * count).hexdigest()
    return int(told["size"])


@pytest.mark.parametrize("transfer", [download, slow_download, upload])
def test_twenty_megabytes_pass_in_little_memory(
    demo: Demo, transfer: Callable[[Demo], int]
) -> None:
    """Once to warm up, then watched: neither worker grows by more than 8 MB."""
    transfer(demo)
    memory = Memory(demo)
    size = transfer(demo)
    growth = memory.growth()

    assert size == REPORT_BYTES
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
