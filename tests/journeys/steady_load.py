"""Somebody who keeps asking while a part of the demo is stopped or killed."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from deploy.demo.processes import Child
from deploy.demo.visitor import Visitor
from tests.doubles.waiting import wait_until
from tests.journeys.demo_fixture import Demo

JOBS = "/estates/jobs"
BACK_SECONDS = 30.0


def child(demo: Demo, title: str) -> Child:
    (found,) = [one for one in demo.stack.children if one.title == title]
    return found


def wait_until_back(holds: Callable[[], bool]) -> None:
    """Wait until something holds again of a demo of which a part was ended."""
    wait_until(holds, seconds=BACK_SECONDS, every=0.05)


@dataclass(slots=True)
class Load:
    """Somebody who keeps asking on several connections, and keeps what was acknowledged."""

    demo: Demo
    visitor: Visitor
    acknowledged: list[str] = field(default_factory=list)
    broken: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        while not self._stopping.is_set():
            try:
                page = self.visitor.get(JOBS)
            except (OSError, http.client.HTTPException):
                self.broken += 1
                time.sleep(0.02)
                continue
            if page.status == 200:
                self.acknowledged.append(page.headers["gateway-reference"])

    def wait_for(self, more: int) -> None:
        """Wait until so many more have been acknowledged."""
        enough = len(self.acknowledged) + more
        wait_until_back(lambda: len(self.acknowledged) >= enough)
