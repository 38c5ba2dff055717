"""What is taken away is gone at the next request, in every worker; what is given back is there.

What runs ends within a second: a WebSocket and a stream of events at each worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(slots=True)
class Suspension:
    """A grant of clearance that is suspended for a while; giving it back takes two people."""

    demo: Demo
    grant: str
    begun: bool = False
    proposal: str = ""

    def begin(self) -> None:
        gateway(self.demo, "vetting", "suspend", "--operator", "p.lyall", self.grant)
        self.begun = True

    def propose_its_end(self) -> None:
        told = gateway(self.demo, "vetting", "restore", "--operator", "p.lyall", self.grant)
        self.proposal = told.split()[-1]

    def end(self) -> None:
        if self.begun and not self.proposal:
            self.propose_its_end()
        if self.begun:
            gateway(self.demo, "vetting", "approve", "--operator", "h.oldroyd", self.proposal)
        self.begun = False


@pytest.fixture
def suspension(demo: Demo) -> Iterator[Suspension]:
    """Give a suspension to begin. Whatever happens it ends: the demo is that of other journeys."""
    made = Suspension(demo, "demo-role-fire-hr-2")
    try:
        yield made
    finally:
        demo.forget("fire-hr")
        made.end()


@pytest.fixture
def agreements(demo: Demo, tmp_path: Path) -> Iterator[Path]:
    """Give a copy of the agreements, to be changed and applied; whatever happens they come back."""
    copied = copied_set(tmp_path) / "agreements.toml"
    before = copied.read_text()
    try:
        yield copied
    finally:
        demo.forget("paramedic")
        copied.write_text(before)
        if told := change_policy(demo, copied.parent):
            approve_policy(demo, told)


def test_a_suspended_grant_counts_no_more_at_the_next_request(
    demo: Demo, suspension: Suspension
) -> None:
    """The person is signed out, and it counts again when a second person has approved that."""
    connections = Connections(demo, demo.visitor("fire-hr").cookies)
    before = connections.ask(SEARCH_ALL)
    streams = LiveStreams(demo, demo.visitor("fire-hr").cookies)
    suspension.begin()
    cut = streams.all_end_within(PROMISED_SECONDS)
    signed_out = connections.ask(SEARCH_ALL)
    connections.close()
    demo.forget("fire-hr")
    connections = Connections(demo, demo.visitor("fire-hr").cookies)
    suspended = connections.ask(SEARCH_ALL)
    suspension.propose_its_end()
    proposed = connections.ask(SEARCH_ALL)
    suspension.end()
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
    cut = streams.all_end_within(PROMISED_SECONDS)
    after = connections.ask("/estates/jobs")
    connections.close()
    demo.forget("paramedic")

    assert before == {200}
    assert cut
    assert set(streams.codes) <= {1008, 1006}  # told why, where a frame had ended
    assert after == {303}


def test_a_suspended_agreement_ends_everybodys_access_under_it_at_the_next_request(
    demo: Demo, agreements: Path
) -> None:
    """And coming back takes two people, as it loosens."""
    before = agreements.read_text()
    start = before.index('id = "nwas-premises"')
    streams = LiveStreams(demo, demo.visitor("paramedic").cookies)
    another = open_socket(demo, demo.visitor("firefighter").cookies)
    connections = Connections(demo, demo.visitor("paramedic").cookies)
    open_before = connections.ask("/estates/jobs")
    agreements.write_text(before[:start] + before[start:].replace('"in-force"', '"suspended"'))
    change_policy(demo, agreements.parent)
    cut = streams.all_end_within(PROMISED_SECONDS)
    suspended = connections.ask("/estates/jobs")
    agreements.write_text(before)
    told = change_policy(demo, agreements.parent)
    waiting = connections.ask("/estates/jobs")
    another.send("still there?")
    approve_policy(demo, told)
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
    """Apply a folder as one officer; gives what was said of the new version, if there is one."""
    reason = ("--reason", "a test")
    told = gateway(demo, "policy", "apply", "--operator", "p.lyall", *reason, str(directory))
    return told[told.rindex("version ") :] if "nothing differs" not in told else ""


def approve_policy(demo: Demo, told: str) -> None:
    """Approve, as another officer, the version of which `change_policy` told."""
    number = told.partition("version ")[2].split()[0]
    gateway(demo, "policy", "approve", "--operator", "h.oldroyd", number)
