"""What is taken away is gone at the next request, in every worker; what is given back is there."""

from __future__ import annotations

import http.client
import subprocess

from deploy.demo.places import PROJECT
from deploy.demo.stack import gateway_command
from deploy.demo.visitor import Visitor
from tests.journeys.demo_fixture import Demo

SEARCH_ALL = "/OA_HTML/OA.jsp?OAFunc=XX_PERSEARCH"
CONNECTIONS = 12


def gateway(demo: Demo, *arguments: str) -> str:
    """Run the command line on the running demo."""
    config = ("--config", str(demo.settings_file))
    done = subprocess.run(
        [*gateway_command(), *arguments[:2], *config, *arguments[2:]],
        capture_output=True, text=True, check=False, cwd=PROJECT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


class Connections:
    """Connections that stay open, so that workers have everything of this person in memory."""

    def __init__(self, demo: Demo, visitor: Visitor) -> None:
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        host = f"localhost:{demo.places.port}"
        self._head = {"Host": host, "Cookie": cookie, "Accept": "text/html"}
        self._open = [
            http.client.HTTPConnection("127.0.0.1", demo.places.port) for _ in range(CONNECTIONS)
        ]

    def ask(self, target: str) -> set[int]:
        """Ask on every connection; gives the statuses met."""
        met = set()
        for connection in self._open:
            connection.request("GET", target, headers=self._head)
            answer = connection.getresponse()
            answer.read()
            met.add(answer.status)
        return met

    def close(self) -> None:
        for connection in self._open:
            connection.close()


def test_a_suspended_grant_counts_no_more_at_the_next_request(demo: Demo) -> None:
    """And counts again when a second person has approved that it is restored."""
    grant = "demo-role-fire-hr-2"
    connections = Connections(demo, demo.visitor("fire-hr"))
    before = connections.ask(SEARCH_ALL)
    gateway(demo, "vetting", "suspend", "--operator", "p.lyall", grant)
    suspended = connections.ask(SEARCH_ALL)
    told = gateway(demo, "vetting", "restore", "--operator", "p.lyall", grant)
    proposed = connections.ask(SEARCH_ALL)
    proposal = told.split()[-1]
    gateway(demo, "vetting", "approve", "--operator", "h.oldroyd", proposal)
    restored = connections.ask(SEARCH_ALL)
    connections.close()

    assert before == {200}
    assert suspended == {403}
    assert proposed == {403}
    assert restored == {200}


def test_an_officer_ends_sessions_at_once(demo: Demo) -> None:
    visitor = demo.signed_in("paramedic")
    connections = Connections(demo, visitor)
    before = connections.ask("/estates/jobs")
    gateway(demo, "session", "end", "--operator", "h.oldroyd", "--person", "nwas/700021")
    after = connections.ask("/estates/jobs")
    connections.close()
    demo.forget("paramedic")

    assert before == {200}
    assert after == {303}
