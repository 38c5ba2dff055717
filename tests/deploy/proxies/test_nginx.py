"""nginx with the configuration of deploy/proxies: it asks, obeys, and cannot be fooled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.keys import KeyRing
from gateway.proxy_asking import ProxyKind
from tests.deploy.proxies.every_proxy import (
    BROWSER,
    FORM,
    ask_permitted,
    assert_claims_are_overwritten,
    assert_refusals_are_the_gates,
)
from tests.doubles.front_proxies import ProxiedOffice, nginx
from tests.gateway.conftest import front_world, record_keys
from tests.gateway.pages.world import World
from tests.gateway.proxied import asking_fields, cookie_of, listed, proxied_stand
from tests.gateway.stand import OWN_PAYSLIP, Stand, field_of, status_of

__all__ = ["front_world", "record_keys"]

Front = tuple[Stand, ProxiedOffice]


@pytest.fixture
async def front(tmp_path: Path, front_world: World, record_keys: KeyRing) -> AsyncIterator[Front]:
    async with (
        proxied_stand(tmp_path, front_world, record_keys, listed(ProxyKind.NGINX)) as gate,
        nginx(tmp_path, gate.address[1]) as office,
    ):
        yield gate, office


async def test_the_whole_of_it(front: Front) -> None:
    """One nginx for all of it: starting one for each question would cost more than they do."""
    gate, office = front
    token = gate.firefighter()
    signed_in = BROWSER + cookie_of(token)

    # whoever is signed in and permitted reaches the back office, which is told who asks
    answer = await ask_permitted(gate, office, signed_in)
    assert answer.endswith(b"office")
    assert field_of(answer, "Gateway-Reference") == gate.drafts[0].reference
    assert gate.drafts[0].ip == "127.0.0.1"

    await assert_claims_are_overwritten(gate, office, signed_in)
    await assert_refusals_are_the_gates(gate, office, signed_in)
    assert status_of(await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}{FORM}")) == 400
    chunked = "Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
    assert status_of(await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{signed_in}{chunked}")) == 400

    # the gate's own pages are reached, and nobody asks it through them
    own = await office.ask(f"GET /-/portal HTTP/1.1\r\n{BROWSER}\r\n")
    assert field_of(own, "Location") == "/-/sign-in"
    through = f"GET /-/forward-auth HTTP/1.1\r\n{signed_in}{asking_fields()}\r\n"
    assert status_of(await office.ask(through)) == 403
    assert gate.drafts[-1].code == "proxy-unlisted"
    assert status_of(await office.ask(f"GET /gateway-asked HTTP/1.1\r\n{signed_in}\r\n")) == 404

    assert office.heads == []


async def test_nothing_passes_while_the_gate_cannot_record(front: Front) -> None:
    gate, office = front
    token = gate.firefighter()
    gate.recorder.close()
    answer = await office.ask(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{BROWSER}{cookie_of(token)}\r\n")

    assert status_of(answer) == 503
    assert office.heads == []
