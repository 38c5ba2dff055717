"""What is open at a system's own host: four things, and the way to the rest."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.front.host_routes import HostOpenRoutes
from gateway.system_hosts import CONTINUE, SystemHost
from gateway.visit import Visit
from tests.structure.test_routes import OPEN_DOCUMENTS, OPEN_PAGES

HOST = SystemHost(system="fleet", origin="https://fleet.gate", main="https://gate")
NOTHING: Any = None


async def sign_on(visit: Visit) -> None:
    """Stand for signing on."""


ROUTES = HostOpenRoutes(NOTHING, HOST, sign_on)
# What is open there, written down a second time: a change to it is a change to this.
OPEN = {
    "/-/sign-on": sign_on,
    "/-/sign-out": ROUTES._page,
    "/-/static/0/gateway.css": ROUTES._page,
    "/-/health": ROUTES._health,
}


@pytest.mark.parametrize("path", sorted(OPEN))
def test_few_things_are_open_at_a_host(path: str) -> None:
    assert ROUTES.find(path) == OPEN[path]


@pytest.mark.parametrize(
    "path",
    sorted(
        {"/-", "/-/", "/-/portal", "/-/sign-on/fleet", "/-/sign-out/x", "/-/static", "/-/healthy"}
        | {path for path in OPEN_PAGES | OPEN_DOCUMENTS if path.startswith("/-/")}
        - {"/-/sign-out", "/-/static/<digest>/<path:name>", "/-/health"}
    ),
)
def test_every_other_page_of_the_gateway_is_elsewhere(path: str) -> None:
    assert ROUTES.find(path) == ROUTES._elsewhere


@pytest.mark.parametrize("path", ["/", "/home", "/-x", CONTINUE, "/.well-known/jwks.json"])
def test_what_is_the_systems_is_not_open(path: str) -> None:
    assert ROUTES.find(path) is None
