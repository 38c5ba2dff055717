"""Large files through the gate, and the memory that its workers take for them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator

import psutil

from tests.journeys.demo_fixture import Demo

PRICE_LIST = "/catalogue/frameworks/current/download"
UPLOAD = "/ict/tickets/ICT-10001/attachments"
MEBIBYTE = 1024 * 1024
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


def download(demo: Demo, mib: int) -> int:
    """Take a large file as fast as it comes; gives its size."""
    return sum(map(len, demo.visitor("firefighter").pieces(f"{PRICE_LIST}?mib={mib}")))


def slow_download(demo: Demo, mib: int) -> int:
    """Read as a phone in a lift does: the gateway must wait, and not keep what it got."""
    size = 0
    for piece in demo.visitor("firefighter").pieces(f"{PRICE_LIST}?mib={mib}"):
        if size == 0:
            time.sleep(PAUSE_SECONDS)  # long enough for the back office to send all it has
        size += len(piece)
    return size


def upload(demo: Demo, mib: int) -> int:
    """Send a large file; gives the size that arrived."""
    visitor = demo.visitor("firefighter")
    named = {
        "Content-Type": "application/octet-stream",
        "Accept": "application/json",
        "Origin": visitor.origin,
        "Content-Length": str(mib * MEBIBYTE),
    }
    count = mib * MEBIBYTE // len(PIECE)
    pieces: Iterator[bytes] = (PIECE for _ in range(count))
    page = visitor.ask("POST", UPLOAD, body=pieces, headers=named)
    told = json.loads(page.body)["files"][0]
    digest = hashlib.sha256()
    for _ in range(count):
        digest.update(PIECE)
    assert told["sha256"] == digest.hexdigest()
    return int(told["size"])
