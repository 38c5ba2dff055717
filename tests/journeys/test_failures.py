"""Parts that fail: what was acknowledged stays, what cannot be proven is refused, others go on.

Each test starts again what it stopped. The demo is one of its own, so that no other journey meets
a part that is missing. All of it killed, and a full disk: `tests/faults/test_gateway_faults.py`.
"""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from deploy.demo.expectations import REFERENCE
from deploy.demo.visitor import Visitor
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import gateway, verified
from tests.journeys.record_reader import entries_of
from tests.journeys.steady_load import JOBS, Load, child, wait_until_back
from tests.journeys.worker_finder import Connections, worker_of, workers

EVENTS = "/ict/tickets/ICT-10001/events?every_ms=100"
STREAMS = 8
OFFICER = ("--operator", "p.lyall")
WAITED_SECONDS = 0.03


@contextmanager
def stopped(demo: Demo, title: str) -> Iterator[None]:
    """Stop a part of the demo, and start it again."""
    part = child(demo, title)
    part.ask_to_end()
    part.end()
    try:
        yield
    finally:
        part.start()


class Stream:
    """A stream of events that somebody holds open."""

    def __init__(self, demo: Demo, visitor: Visitor) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", demo.places.port, timeout=10)
        cookie = visitor.cookie_field
        head = {"Host": f"localhost:{demo.places.port}", "Cookie": cookie}
        self.connection.request("GET", EVENTS, headers={**head, "Accept": "text/event-stream"})
        self.answer = self.connection.getresponse()
        self.reference = self.answer.headers["Gateway-Reference"]
        assert self.answer.readline().startswith(b"id: ")

    def goes_on(self) -> bool:
        """Tell whether an event comes that has to be waited for: not one that lay here."""
        try:
            while True:
                began = time.monotonic()
                if not self.answer.readline():
                    return False
                if time.monotonic() - began > WAITED_SECONDS:
                    return True
        except (OSError, http.client.HTTPException):
            return False


def test_killing_a_worker_loses_no_acknowledged_entry(breakable: Demo) -> None:
    """What was answered is on the record; what was under way is closed as unknown."""
    visitor = breakable.visitor("firefighter")
    streams = [Stream(breakable, visitor) for _ in range(STREAMS)]
    with Load(breakable, visitor) as load:
        load.wait_for(20)
        killed = worker_of(breakable, streams[0].connection)
        os.kill(killed, signal.SIGKILL)
        load.wait_for(20)
        wait_until_back(lambda: len(workers(breakable)) == 2 and killed not in workers(breakable))
        load.wait_for(20)
    cut = [stream.reference for stream in streams if not stream.goes_on()]
    for stream in streams:
        stream.connection.close()
    rows = entries_of(breakable.places, load.acknowledged)
    closed = entries_of(
        breakable.places,
        cut,
        until=lambda row: row.result is not None and row.result.outcome.value == "unknown",
    )

    assert len(load.acknowledged) >= 60
    assert rows.keys() == set(load.acknowledged)
    assert streams[0].reference in cut
    assert closed.keys() == set(cut)
    verified(breakable)


def test_killing_the_sequencer_loses_no_acknowledged_entry(breakable: Demo) -> None:
    """The journals keep what was acknowledged; the demo starts another, to go on from there."""
    visitor = breakable.visitor("firefighter")
    sequencer = child(breakable, "the sequencer")
    with Load(breakable, visitor) as load:
        load.wait_for(10)
        os.kill(sequencer.pid, signal.SIGKILL)
        wait_until_back(lambda: sequencer.exit_code is not None)
        load.wait_for(20)  # nobody waits for the sequencer
        breakable.stack.look_after()  # as the supervisor does five times a second
        load.wait_for(10)
    rows = entries_of(breakable.places, load.acknowledged)

    assert load.broken == 0
    assert rows.keys() == set(load.acknowledged)
    verified(breakable)


def test_a_directory_that_is_down_stops_its_own_people_only(breakable: Demo) -> None:
    """They are told so, with a reference; who is signed in goes on, and others sign in."""
    accounts = breakable.accounts
    inside = breakable.visitor("firefighter")
    with stopped(breakable, "the directory of Cheshire Fire and Rescue Service"):
        stranger = breakable.stranger()
        began = time.monotonic()
        page = stranger.sign_in("cheshire-fire", "watch-manager", accounts.password)
        seconds = time.monotonic() - began
        other = breakable.stranger().sign_in("cheshire-police", "constable", accounts.password)
        still = inside.get(JOBS).status
    reference = page.reference or ""
    row = entries_of(breakable.places, [reference])[reference]

    def signs_in_again() -> bool:
        again = breakable.stranger()
        return again.sign_in("cheshire-fire", "watch-manager", accounts.password).status == 303

    wait_until_back(signs_in_again)

    assert page.status == 503
    assert "Cheshire Fire and Rescue Service cannot check passwords just now" in page.text
    assert REFERENCE.fullmatch(reference)
    assert seconds < 5
    assert (row.kind.value, row.outcome.value) == ("signin", "error")
    assert other.status == 303
    assert still == 200


def test_a_back_office_that_is_down_is_told_with_a_reference(breakable: Demo) -> None:
    """502, and the decision and its outcome are on the record; our own pages go on."""
    visitor = breakable.visitor("firefighter")
    with stopped(breakable, "the back office"):
        pages = [visitor.get(JOBS), visitor.post(JOBS, {"what": "x"})]
        portal = visitor.get("/-/portal").status
    references = [page.reference or "" for page in pages]
    rows = entries_of(breakable.places, references, until=lambda row: row.result is not None)

    wait_until_back(lambda: visitor.get(JOBS).status == 200)

    assert [page.status for page in pages] == [502, 502]
    assert all(REFERENCE.fullmatch(reference) for reference in references)
    assert rows.keys() == set(references)
    for row in rows.values():
        assert row.outcome.value == "permit"
        assert row.result is not None
        assert row.result.outcome.value == "error"
    assert portal == 200


def test_withdrawn_vetting_leaves_nothing(breakable: Demo) -> None:
    """X1: the account stays in the directory, the vetting went with the post, the session too."""
    visitor = breakable.signed_in("detective")
    before = visitor.get(JOBS).status, len(visitor.tiles())
    gateway(breakable, "vetting", "withdraw", *OFFICER, "demo-role-detective-1")
    ended = visitor.get(JOBS).status
    again = breakable.signed_in("detective")
    after = [again.get(one).status for one in (JOBS, "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP")]

    assert before == (200, len(breakable.accounts["detective"].sees))
    assert ended == 303
    assert after == [403, 403]
    assert again.tiles() == []


def test_an_ended_appointment_closes_the_officers_pages(breakable: Demo) -> None:
    visitor = breakable.signed_in("second-officer")
    before = visitor.get("/-/policy").status
    ended = ("cheshire-police/20016", "security-officer")
    gateway(breakable, "vetting", "end-appointment", *OFFICER, *ended)
    connections = Connections(breakable, visitor.cookies)
    met = connections.ask("/-/policy")
    connections.close()

    assert before == 200
    assert met == {403}
