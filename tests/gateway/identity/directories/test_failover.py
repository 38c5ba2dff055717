"""Several servers in turn within one budget: no flapping, no second judgement."""

from __future__ import annotations

import pytest

from gateway.errors import DirectoryUnavailable, WrongCredentials
from gateway.identity.directories.directory import DirectoryUntrusted
from gateway.identity.directories.directory_channel import Server
from gateway.identity.directories.failover import AVOID_SECONDS, SHARE_SECONDS, Failover

FIRST, SECOND = (Server.from_uri(f"ldaps://{name}.example") for name in ("first", "second"))


class Clock:
    """Seconds that go on when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Servers:
    """Two servers of which some are away, and who was asked until when."""

    def __init__(self, *away: Server) -> None:
        self.clock = Clock()
        self.failover = Failover((FIRST, SECOND), monotonic=self.clock)
        self.away = set(away)
        self.asked: list[Server] = []
        self.given: list[float] = []

    def ask(self, budget: float = 3.0) -> list[Server]:
        """Ask once; give who was asked."""
        self.asked, self.given = [], []
        self.failover.ask(budget, self._answer)
        return self.asked

    def _answer(self, server: Server, deadline: float) -> None:
        self.asked.append(server)
        self.given.append(deadline - self.clock.now)
        if server in self.away:
            self.clock.now = deadline
            raise DirectoryUnavailable(f"directory: {server.host} away")


def test_the_first_server_that_answers_is_the_only_one_asked() -> None:
    assert Servers().ask() == [FIRST]


def test_a_silent_server_leaves_time_for_the_next_within_the_budget() -> None:
    servers = Servers(FIRST)

    assert servers.ask(3.0) == [FIRST, SECOND]
    assert servers.given == [1.5, 1.5]


def test_a_healthy_server_is_given_a_least_share_but_never_beyond_the_budget() -> None:
    servers = Servers(FIRST)
    servers.ask(0.8)

    assert servers.given == [SHARE_SECONDS, pytest.approx(0.3)]


def test_a_server_that_failed_is_tried_last_for_a_while_and_then_first_again() -> None:
    """One retry on the next server, and no flapping between them."""
    servers = Servers(FIRST)
    servers.ask()
    servers.away.clear()

    assert [servers.ask() for _ in range(3)] == [[SECOND]] * 3
    servers.clock.now += AVOID_SECONDS
    assert servers.ask() == [FIRST]


def test_a_server_that_answers_although_avoided_is_readmitted() -> None:
    servers = Servers(FIRST, SECOND)
    with pytest.raises(DirectoryUnavailable):
        servers.ask()
    servers.away = {SECOND}

    assert servers.ask() == [FIRST]
    assert servers.ask() == [FIRST]


def test_what_a_server_has_judged_is_not_asked_again_elsewhere() -> None:
    asked: list[Server] = []

    def refuse(server: Server, _: float) -> None:
        asked.append(server)
        raise WrongCredentials("directory: refused")

    with pytest.raises(WrongCredentials):
        Failover((FIRST, SECOND)).ask(3.0, refuse)
    assert asked == [FIRST]


def test_an_impostor_is_told_before_a_dead_server() -> None:
    def answer(server: Server, _: float) -> None:
        raise DirectoryUntrusted("b") if server == SECOND else DirectoryUnavailable("a")

    with pytest.raises(DirectoryUntrusted):
        Failover((FIRST, SECOND)).ask(3.0, answer)
