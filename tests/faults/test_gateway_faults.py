"""The whole gateway killed, and no room on its disk: what is acknowledged is on the record.

A worker or the sequencer that is killed: `tests/journeys/test_failures.py`. A recorder without
room: `tests/gateway/audit/test_recorder.py`.
"""

from __future__ import annotations

import http.client
import os
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from deploy.demo.expectations import REFERENCE
from tests.doubles.few_staff import few_staff
from tests.journeys.conftest import running_demo
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import verified
from tests.journeys.record_reader import entries_of
from tests.journeys.steady_load import JOBS, Load, child, wait_until_back
from tests.journeys.worker_finder import workers


@pytest.fixture(scope="module")
def breakable() -> Iterator[Demo]:
    """Give a demo of which parts may be stopped and killed, if they are started again."""
    yield from running_demo(few_staff())


@contextmanager
def no_room_on_the_disk(demo: Demo) -> Iterator[None]:
    """Let no worker write to any file, as on a full disk; afterwards the gateway starts anew."""
    gateway = child(demo, "the gateway")
    for pid in workers(demo):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        gateway.ask_to_end()
        gateway.end()
        gateway.start()
        wait_until_back(lambda: is_ready(demo))


def is_ready(demo: Demo) -> bool:
    try:
        return demo.stranger().get("/-/ready").status == 200
    except (OSError, http.client.HTTPException):
        return False


def test_what_cannot_be_recorded_is_not_forwarded(breakable: Demo) -> None:
    """No entry, no request to the back office: 503 within its time, with a reference."""
    visitor = breakable.visitor("firefighter")
    before = len(breakable.reached_back_office())
    with no_room_on_the_disk(breakable):
        began = time.monotonic()
        pages = [visitor.get(JOBS) for _ in range(3)] + [visitor.post(JOBS, {"what": "x"})]
        seconds = time.monotonic() - began
        unready = breakable.stranger().get("/-/ready").status
    reached = breakable.reached_back_office()[before:]

    assert {page.status for page in pages} == {503}
    assert all(REFERENCE.fullmatch(page.reference or "") for page in pages)
    assert reached == []
    assert seconds < 3 * len(pages)
    assert unready == 503
    assert visitor.get(JOBS).status == 200
    verified(breakable)


def test_killing_the_gateway_loses_no_acknowledged_entry(breakable: Demo) -> None:
    """All of it at once: master and workers."""
    visitor = breakable.visitor("firefighter")
    gateway = child(breakable, "the gateway")
    with Load(breakable, visitor) as load:
        load.wait_for(10)
        os.killpg(gateway.pid, signal.SIGKILL)
        wait_until_back(lambda: gateway.exit_code is not None)
        gateway.start()
        load.wait_for(10)
    rows = entries_of(breakable.places, load.acknowledged)

    assert rows.keys() == set(load.acknowledged)
    verified(breakable)
