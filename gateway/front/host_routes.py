"""What is open without a session at a system's own host: the few things that are needed there.

Signing on, signing out, what pages load, and whether we live. Every other page of the gateway is at
its own origin, where this leads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway.api.health import HEALTH_PATH, health
from gateway.refused import Refused
from gateway.system_hosts import CONTINUE, SIGN_ON
from gateway.wire.answers import see_other

if TYPE_CHECKING:
    from gateway.acts import OpenAct
    from gateway.front.pages_bridge import PageResult, PagesBridge
    from gateway.system_hosts import SystemHost
    from gateway.visit import Visit

PAGES_AT_HOSTS: Final = frozenset({"/-/sign-out"})
STATIC_AT_HOSTS: Final = "/-/static/"
_READING: Final = frozenset({"GET", "HEAD"})


class HostOpenRoutes:
    """Finds the act of an open route at the host of one system. One a worker."""

    def __init__(self, pages: PagesBridge, host: SystemHost, sign_on: OpenAct) -> None:
        """Hold what they need.

        Args:
            pages: the Flask pages.
            host: whose they are.
            sign_on: signs on here.
        """
        self._pages = pages
        self._host = host
        self._sign_on = sign_on

    def find(self, path: str) -> OpenAct | None:
        """Give the act for a canonical path; None where the path is not open."""
        if path == SIGN_ON:
            return self._sign_on
        if path in PAGES_AT_HOSTS or path.startswith(STATIC_AT_HOSTS):
            return self._page
        if path == HEALTH_PATH:
            return self._health
        own = path == "/-" or path.startswith("/-/")
        return self._elsewhere if own and path != CONTINUE else None

    async def _page(self, visit: Visit) -> PageResult:
        return await self._pages.act(visit, None)

    async def _health(self, visit: Visit) -> None:
        if visit.method not in _READING:
            raise Refused(404, "function-unknown")
        visit.give(health())

    async def _elsewhere(self, visit: Visit) -> None:
        """Lead to the same page at the gateway's own origin."""
        if visit.target is None or visit.method not in _READING:
            raise Refused(404, "function-unknown")
        there = self._host.at_main(visit.target.sent.decode("ascii"))
        visit.give(see_other(there.encode("ascii"), visit.reference))
