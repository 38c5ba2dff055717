"""What is taken away is gone at the next request, in every worker; what is given back is there.

What runs ends within a second: a WebSocket and a stream of events at each worker.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.cli import policy_change
from tests.journeys.demo_fixture import Demo
from tests.journeys.gateway_commands import gateway
from tests.journeys.live_streams import LiveStreams, open_socket
from tests.journeys.worker_finder import Connections
from tests.policies.people import copied_set

PROMISED_SECONDS = 1.0
SEARCH_ALL = "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH"


@pytest.fixture(autouse=True)
def fewer_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Casbin takes milliseconds a question; how many are asked is no matter here."""
    monkeypatch.setattr(policy_change, "ORACLE_SAMPLE", 50)


def test_a_suspended_grant_counts_no_more_at_the_next_request(demo: Demo) -> None:
    """The person is signed out, and it counts again when a second person has approved that."""
    grant = "demo-role-fire-hr-2"
    connections = Connections(demo, demo.visitor("fire-hr").cookies)
    before = connections.ask(SEARCH_ALL)
    streams = LiveStreams(demo, demo.visitor("fire-hr").cookies)
    gateway(demo, "vetting", "suspend", "--operator", "p.lyall", grant)
    cut = streams.all_end_by(time.monotonic() + PROMISED_SECONDS)
    signed_out = connections.ask(SEARCH_ALL)
    connections.close()
    demo.forget("fire-hr")
    connections = Connections(demo, demo.visitor("fire-hr").cookies)
    suspended = connections.ask(SEARCH_ALL)
    told = gateway(demo, "vetting", "restore", "--operator", "p.lyall", grant)
    proposed = connections.ask(SEARCH_ALL)
    proposal = told.split()[-1]
    gateway(demo, "vetting", "approve", "--operator", "h.oldroyd", proposal)
    restored = connections.ask(SEARCH_ALL)
    connections.close()

    assert before == {200}
    assert cut
    assert signed_out == {303}
    assert suspended == {403}
    assert proposed == {403}
    assert restored == {200}


def test_an_officer_ends_sessions_at_once(demo: Demo) -> None:
    visitor = demo.signed_in("paramedic")
    connections = Connections(demo, visitor.cookies)
    before = connections.ask("/estates/jobs")
    streams = LiveStreams(demo, visitor.cookies)
    gateway(demo, "session", "end", "--yes", "--operator", "h.oldroyd", "--person", "nwas/700021")
    cut = streams.all_end_by(time.monotonic() + PROMISED_SECONDS)
    after = connections.ask("/estates/jobs")
    connections.close()
    demo.forget("paramedic")

    assert before == {200}
    assert cut
    assert set(streams.codes) <= {1008, 1006}  # told why, where a frame had ended
    assert after == {303}


def test_a_suspended_agreement_ends_everybodys_access_under_it_at_the_next_request(
    demo: Demo, tmp_path: Path
) -> None:
    """And coming back takes two people, as it loosens."""
    directory = copied_set(tmp_path)
    agreements = directory / "agreements.toml"
    before = agreements.read_text()
    start = before.index('id = "nwas-premises"')
    streams = LiveStreams(demo, demo.visitor("paramedic").cookies)
    another = open_socket(demo, demo.visitor("firefighter").cookies)
    connections = Connections(demo, demo.visitor("paramedic").cookies)
    open_before = connections.ask("/estates/jobs")
    agreements.write_text(before[:start] + before[start:].replace('"in-force"', '"suspended"'))
    change_policy(demo, directory)
    cut = streams.all_end_by(time.monotonic() + PROMISED_SECONDS)
    suspended = connections.ask("/estates/jobs")
    agreements.write_text(before)
    told = change_policy(demo, directory)
    waiting = connections.ask("/estates/jobs")
    another.send("still there?")
    number = told.partition("version ")[2].split()[0]
    gateway(demo, "policy", "approve", "--operator", "h.oldroyd", number)
    back = connections.ask("/estates/jobs")
    connections.close()

    assert open_before == {200}
    assert cut
    assert any("still there?" in another.recv(timeout=10, decode=True) for _ in range(300))
    another.close()
    assert suspended == {404}
    assert waiting == {404}
    assert back == {200}


def change_policy(demo: Demo, directory: Path) -> str:
    """Apply a folder as one officer; gives what the command said after its list of changes."""
    reason = ("--reason", "a test")
    told = gateway(demo, "policy", "apply", "--operator", "p.lyall", *reason, str(directory))
    return told[told.rindex("version ") :]
