"""Caddy, Envoy and Traefik with the configurations of deploy/proxies; nginx is beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.demo.places import free_ports
from gateway.keys import KeyRing
from gateway.proxy_asking import ProxyKind
from tests.deploy.proxies.every_proxy import (
    BROWSER,
    FORM,
    ask_permitted,
    assert_claims_are_overwritten,
    assert_refusals_are_the_gates,
)
from tests.doubles.front_proxies import ProxiedOffice, caddy, envoy, traefik
from tests.gateway.conftest import front_world, record_keys
from tests.gateway.pages.world import World
from tests.gateway.proxied import CLIENT, asking_fields, cookie_of, listed, proxied_stand
from tests.gateway.stand import OWN_PAYSLIP, Stand, field_of, status_of

__all__ = ["front_world", "record_keys"]

Front = tuple[Stand, ProxiedOffice]
KINDS = {
    caddy: ProxyKind.FORWARD_AUTH,
    envoy: ProxyKind.EXT_AUTHZ,
    traefik: ProxyKind.FORWARD_AUTH,
}


@pytest.fixture(params=list(KINDS))
async def front(
    request: pytest.FixtureRequest, tmp_path: Path, front_world: World, record_keys: KeyRing
) -> AsyncIterator[Front]:
    port = free_ports(1)[0]
    asks_as = f"127.0.0.1:{port}" if request.param is traefik else ""
    proxy = listed(KINDS[request.param], host=asks_as)
    async with (
        proxied_stand(tmp_path, front_world, record_keys, proxy, port=port) as gate,
        request.param(tmp_path, gate.address[1]) as office,
    ):
        gate.drafts.clear()  # of who asked whether it is there
        yield gate, office


async def test_the_whole_of_it(front: Front) -> None:
    """One start of each for all of it: starting costs more than the questions do."""
    gate, office = front
    signed_in = BROWSER + cookie_of(gate.firefighter())

    # whoever is signed in and permitted reaches the back office, which is told who asks
    await ask_permitted(gate, office, signed_in)
    assert gate.drafts[0].ip != CLIENT

    await assert_claims_are_overwritten(gate, office, signed_in)
    await assert_refusals_are_the_gates(gate, office, signed_in)
    upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n"
    answer = await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}{upgrade}\r\n")
    assert status_of(answer) in {400, 403, 404}  # Traefik has no way for it

    # the gate's own pages are reached, and nobody asks it through them
    own = await office.ask(f"GET /-/portal HTTP/1.1\r\n{BROWSER}\r\n")
    assert field_of(own, "Location") == "/-/sign-in"
    through = f"GET /-/forward-auth{OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}{asking_fields()}\r\n"
    assert status_of(await office.ask(through)) == 403
    assert gate.drafts[-1].code == "proxy-unlisted"

    # nor is a body where there should be none; Traefik cannot keep it out, as its file says
    chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
    for more in (FORM, chunked) if office.keeps_bodies_out else ():
        answer = await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}{more}")
        assert status_of(answer) == 400
    assert office.heads == []

    gate.recorder.close()
    answer = await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}\r\n")
    assert status_of(answer) == 503
    assert office.heads == []
