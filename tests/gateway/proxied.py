"""A gate that other proxies ask: who they are, what they send, who tells them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from joserfc.jwk import KeySet, OKPKey

from gateway.api.forward_auth import FrontProxy
from gateway.backoffice.assertion import AssertionMint
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.kept_cookies import KeptCookies
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.backoffice.websocket import WebSockets
from gateway.front.forward_act import ForwardAct
from gateway.front.told_identity import SystemProfile, ToldFields
from gateway.proxy_asking import ProxyKind
from tests.doubles.front_proxies import SECRET
from tests.gateway.backoffice.systems import system_at
from tests.gateway.stand import COOKIE, OWN_PAYSLIP, Stand, stand

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from tests.gateway.pages.world import World

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"})
CLIENT = "192.0.2.7"


def listed(
    kind: ProxyKind = ProxyKind.NGINX, *, network: str = "127.0.0.1/32", host: str = ""
) -> FrontProxy:
    """List a proxy as the settings do."""
    return FrontProxy(
        id="front", kind=kind, networks=(ip_network(network),), secret=SECRET, host=host
    )


def asking_fields(
    path: str = OWN_PAYSLIP, *, method: str = "GET", secret: str = SECRET, more: str = ""
) -> str:
    """Write the fields with which a proxy asks about a request."""
    return (
        f"Gateway-Proxy-Secret: {secret}\r\nX-Forwarded-Method: {method}\r\n"
        f"X-Forwarded-Uri: {path}\r\nX-Forwarded-Host: gate\r\nX-Forwarded-Proto: http\r\n"
        f"X-Forwarded-For: {CLIENT}\r\n{more}"
    )


async def asked(
    gate: Stand,
    path: str = OWN_PAYSLIP,
    *,
    token: str | None = None,
    method: str = "GET",
    more: str = "",
) -> bytes:
    """Have a listed proxy ask about a request."""
    fields = asking_fields(path, method=method, more=more)
    return await gate.ask("/-/forward-auth", token=token, more=fields)


def cookie_of(token: str) -> str:
    """Write the cookies that a browser sends, ours among others."""
    return f"Cookie: theme=dark; {COOKIE}={token}; {COOKIE}-form=x; basket=3\r\n"


@contextlib.asynccontextmanager
async def proxied_stand(
    folder: Path, world: World, keys: KeyRing, proxy: FrontProxy, *, port: int = 0
) -> AsyncIterator[Stand]:
    """Open a gate that a proxy may ask about a system it keeps itself."""
    async with stand(folder, world, keys, front_proxies=(proxy,), port=port) as gate:
        address = UpstreamAddress(
            host="127.0.0.1",
            port=9,
            tls=None,
            connect_seconds=1,
            first_byte_seconds=1,
            idle_seconds=1,
            max_connections=1,
        )
        system = system_at(("http://office", address))
        gate.front._pipeline._acts["ebs"] = ForwardAct(
            profile=SystemProfile(
                id="ebs",
                audience="ebs-audience",
                fields=ToldFields(claims={"EBS-Employee-Number": "employee_number"}),
            ),
            forwarder=Forwarder(system),
            websockets=WebSockets(system, idle_seconds=1, at_most=1),
            mint=AssertionMint(
                issuer="http://gate",
                key=KEY,
                public_keys=KeySet([KEY]),
                clock=lambda: 1_800_000_000,
            ),
            cookies=KeptCookies(gate.parts.store, gate.parts.bulletin),
            transactions=gate.transactions,
            body_bytes=10,
            own_cookie=COOKIE,
            duty_of=lambda _visit, _grant: None,
        )
        yield gate
