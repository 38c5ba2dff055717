"""Several servers of one directory, asked in turn within one budget of time.

A server that cannot be reached, or falls silent, is followed by the next one within the budget, and
is tried last for the next half minute. What a server has judged is final: it is not asked again
elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from gateway.errors import DirectoryUnavailable
from gateway.identity.directories.directory import DirectoryUntrusted
from gateway.identity.directories.directory_channel import Server

Answer = TypeVar("Answer")

AVOID_SECONDS = 30.0
"""How long a server that failed is tried last, so that a dead one does not slow every sign-in."""

SHARE_SECONDS = 0.5
"""The least time given to a server while others remain; less would fail healthy busy ones."""


class Failover:
    """The servers of one directory. Safe to use from several threads at once."""

    def __init__(
        self, servers: tuple[Server, ...], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Take the servers in the order to try them."""
        self.servers = servers
        self._monotonic = monotonic
        # Server to when it may be tried in its turn again. Replaced whole, never edited.
        self._avoided: Mapping[Server, float] = {}

    def ask(self, budget_seconds: float, question: Callable[[Server, float], Answer]) -> Answer:
        """Ask the servers in turn until one answers.

        Args:
            budget_seconds: for all of them together.
            question: asks one server until a deadline; only `DirectoryUnavailable` leads to the
                next one.

        Raises:
            DirectoryUnavailable: if none answered. An impostor in a directory's place is worse
                news than a dead server: it is told first.
        """
        deadline = self._monotonic() + budget_seconds
        in_turn = self._in_turn()
        failures: list[DirectoryUnavailable] = []
        for index, server in enumerate(in_turn):
            try:
                answer = question(server, self.share(deadline, len(in_turn) - index))
            except DirectoryUnavailable as error:
                failures.append(error)
                self._avoid(server)
            else:
                self._readmit(server)
                return answer
        failures.sort(key=lambda error: not isinstance(error, DirectoryUntrusted))
        raise failures[0]

    def share(self, deadline: float, servers_left: int) -> float:
        """Share out the time that is left, so that one silent server leaves some for the next."""
        now = self._monotonic()
        share = (deadline - now) / servers_left
        return min(deadline, now + max(share, SHARE_SECONDS))

    def _in_turn(self) -> tuple[Server, ...]:
        now, avoided = self._monotonic(), self._avoided
        return tuple(sorted(self.servers, key=lambda server: avoided.get(server, 0.0) > now))

    def _avoid(self, server: Server) -> None:
        self._avoided = {**self._avoided, server: self._monotonic() + AVOID_SECONDS}

    def _readmit(self, server: Server) -> None:
        if server in self._avoided:
            self._avoided = {each: at for each, at in self._avoided.items() if each != server}
