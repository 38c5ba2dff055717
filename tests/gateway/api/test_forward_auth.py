"""What another proxy asks goes the way of every request, and nobody else may ask."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from ipaddress import ip_network
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from joserfc import jwt

from gateway.api.forward_auth import (
    FORWARD_AUTH_PATH,
    SECRET_FIELD,
    ForwardAuth,
    FrontProxy,
    ProxyRefused,
)
from gateway.audit.entry import Outcome
from gateway.keys import KeyRing
from gateway.proxy_asking import ProxyKind
from gateway.wire.incoming import Incoming
from gateway.wire.request_head import RequestHead
from tests.doubles.front_proxies import SECRET
from tests.gateway.pages.world import World
from tests.gateway.proxied import (
    CLIENT,
    KEY,
    asked,
    asking_fields,
    cookie_of,
    listed,
    proxied_stand,
)
from tests.gateway.stand import OWN_PAYSLIP, Opened, Stand, field_of, status_of

FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
BROWSER = "Accept: text/html\r\n"


@pytest.fixture
def opened(tmp_path: Path, front_world: World, record_keys: KeyRing) -> Opened:
    def make(kind: ProxyKind = ProxyKind.NGINX, **given: str) -> AbstractAsyncContextManager[Stand]:
        return proxied_stand(tmp_path, front_world, record_keys, listed(kind, **given))

    return make


async def test_a_permitted_request_is_told_with_who_asks_once_it_is_recorded(
    opened: Opened,
) -> None:
    async with opened() as gate:
        answer = await asked(gate, more=cookie_of(gate.firefighter()))
        decision, result = gate.drafts

        assert status_of(answer) == 200
        claims = jwt.decode(field_of(answer, "Gateway-Assertion"), KEY, algorithms=["EdDSA"]).claims
        assert (claims["aud"], claims["employee_number"]) == ("ebs-audience", "40011")
        assert field_of(answer, "EBS-Employee-Number") == "40011"
        assert field_of(answer, "Cookie") == "theme=dark; basket=3"
        assert field_of(answer, "X-Request-ID") == decision.reference
        assert (decision.outcome, decision.function) == (Outcome.PERMIT, "pay.slip")
        assert (decision.ip, decision.method) == (CLIENT, "GET")
        assert decision.obligations[-1] == "told-to:front"
        assert (result.corr, result.status, result.bytes_out) == (decision.id, 0, 0)


async def test_the_record_tells_requests_here_from_those_a_proxy_holds(opened: Opened) -> None:
    """Entries that say the same are drafted once; these do not, whichever comes first."""
    async with opened() as gate:
        token = gate.firefighter()
        told, path = f"For: {CLIENT}", "/-/forward-auth"
        for fields in (asking_fields(), "", asking_fields().replace(told, "For: 192.0.2.8")):
            await gate.ask(path if fields else OWN_PAYSLIP, token=token, more=fields)
        said = [(each.ip, each.obligations) for each in gate.drafts if each.ip]

        assert said == [
            (CLIENT, ("told-to:front",)),
            ("127.0.0.1", ()),
            ("192.0.2.8", ("told-to:front",)),
        ]


async def test_a_question_leaves_the_connection_ready_for_the_next(opened: Opened) -> None:
    """A proxy keeps its connections; a HEAD it holds is asked about with another method."""
    async with opened(ProxyKind.FORWARD_AUTH) as gate:
        token, client = gate.firefighter(), await gate.client()
        for method, path in (("HEAD", OWN_PAYSLIP), ("HEAD", "/no/such/page"), ("GET", "/x/y")):
            fields = asking_fields(path, method=method) + BROWSER + cookie_of(token)
            answer = await client.get("/-/forward-auth", more=fields)
            assert status_of(answer) == (200 if path == OWN_PAYSLIP else 404)


@pytest.mark.parametrize(
    ("kind", "path", "accept", "status", "meant"),
    [
        (ProxyKind.NGINX, OWN_PAYSLIP, "text/html", 401, "303"),
        (ProxyKind.NGINX, OWN_PAYSLIP, "application/json", 401, "401"),
        (ProxyKind.NGINX, "/a//b", "text/html", 403, "400"),
        (ProxyKind.FORWARD_AUTH, OWN_PAYSLIP, "text/html", 303, ""),
        (ProxyKind.FORWARD_AUTH, OWN_PAYSLIP, "application/json", 401, ""),
        (ProxyKind.FORWARD_AUTH, "/a//b", "text/html", 400, ""),
    ],
)
async def test_whoever_is_not_signed_in_is_led_there_as_the_proxy_can(
    opened: Opened, kind: ProxyKind, path: str, accept: str, status: int, meant: str
) -> None:
    async with opened(kind) as gate:
        answer = await gate.ask("/-/forward-auth", more=asking_fields(path), accept=accept)

        assert status_of(answer) == status
        assert field_of(answer, "Gateway-Status") == meant
        where = field_of(answer, "Location") or field_of(answer, "Gateway-Location")
        sign_in = "http://gate/-/sign-in?next=/OA_HTML/OA.jsp%3FOAFunc%3DXX_PAYSLIP"
        assert where == (sign_in if meant == "303" or status == 303 else "")
        assert field_of(answer, "Gateway-Reference") == gate.drafts[0].reference


async def test_envoy_asks_with_the_request_itself_behind_our_path(opened: Opened) -> None:
    async with opened(ProxyKind.EXT_AUTHZ) as gate:
        token = gate.firefighter()
        smuggled = asking_fields("/no/such/page", method="DELETE")
        answer = await gate.ask(f"/-/forward-auth{OWN_PAYSLIP}", token=token, more=smuggled)
        refused = await gate.ask("/-/forward-auth/no/such", token=token, more=smuggled)

        assert (status_of(answer), status_of(refused)) == (200, 404)


@pytest.mark.parametrize(
    ("kind", "target", "old", "new", "status", "code"),
    [
        ("nginx", "/-/forward-auth", SECRET, "x" * 32, 403, "proxy-unlisted"),
        ("nginx", "/-/forward-auth", "Gateway-Proxy-Secret", "X-Secret", 403, "proxy-unlisted"),
        ("nginx", "/-/forward-auth/OA_HTML/x", "", "", 400, "proxy-target"),
        ("nginx", "/-/forward-auth?x", "", "", 400, "proxy-target"),
        ("ext-authz", "/-/forward-auth", "", "", 400, "proxy-target"),
        ("nginx", "/-/forward-auth", "Uri: /", "Uri: x/", 400, "proxy-target"),
        ("nginx", "/-/forward-auth", "Method: GET", "Method: BREW", 400, "proxy-method"),
        ("nginx", "/-/forward-auth", "Method: GET", "Method: GET, POST", 400, "proxy-method"),
        ("nginx", "/-/forward-auth", "Host: gate\r\nX-F", "Host: other\r\nX-F", 400, "proxy-host"),
        ("nginx", "/-/forward-auth", "Proto: http", "Proto: https", 400, "proxy-scheme"),
        ("nginx", "/-/forward-auth", f"For: {CLIENT}", "For: nobody", 400, "proxy-client"),
        ("nginx", "/-/forward-auth", "X-Forwarded-For", "X-Other", 400, "proxy-client"),
    ],
)  # fmt: skip
async def test_what_no_listed_proxy_asks_in_its_own_way_is_refused(
    opened: Opened, kind: str, target: str, old: str, new: str, status: int, code: str
) -> None:
    """A faulty question is never read as another one."""
    async with opened(ProxyKind(kind)) as gate:
        fields = asking_fields().replace(old, new)
        answer = await gate.ask(target, token=gate.firefighter(), more=fields)

        assert (status_of(answer), gate.drafts[-1].code) == (status, code)
        assert gate.engine.asked == []


async def test_the_secret_is_of_use_from_the_listed_network_alone(opened: Opened) -> None:
    async with opened(network="192.0.2.0/24") as gate:
        answer = await asked(gate, token=gate.firefighter())

        assert (status_of(answer), gate.drafts[-1].code) == (403, "proxy-unlisted")


def reader() -> ForwardAuth:
    networks = (ip_network("127.0.0.0/8"),)
    one = FrontProxy(id="front", kind=ProxyKind.NGINX, networks=networks, secret=SECRET)
    return ForwardAuth([one], origin="https://gate", hosts=frozenset({b"gate"}))


def question(target: bytes = FORWARD_AUTH_PATH) -> RequestHead:
    fields = "gateway-proxy-secret x-forwarded-method x-forwarded-uri x-forwarded-host"
    names = f"{fields} x-forwarded-proto x-forwarded-for host".encode().split()
    values = [SECRET.encode(), b"GET", b"/x", b"gate", b"https", CLIENT.encode(), b"gate"]
    headers = dict(zip(names, values, strict=True))
    return RequestHead("GET", target, headers, 0, True, False, False)


def test_a_question_asked_again_is_the_same_request_and_read_once() -> None:
    """What was worked out of its fields, the session among it, stays with it."""
    forward_auth, head = reader(), question()
    held, asking = forward_auth.read(Incoming(head, MagicMock()), "127.0.0.1")
    head.headers[SECRET_FIELD] = b"not read again"
    again = Incoming(head.for_target(head.target), MagicMock())
    held_again, asking_again = forward_auth.read(again, "127.0.0.1")

    assert held.head is held_again.head
    assert held is not held_again
    assert held_again.complete
    assert asking is not None
    assert asking_again is not None
    assert asking_again.incoming is again
    assert (asking_again.raw, asking_again.ip) == (asking.raw, asking.ip) == (b"/x", CLIENT)


@pytest.mark.parametrize(
    ("by_another", "peer_ip", "target"),
    [
        (True, "127.0.0.1", FORWARD_AUTH_PATH),
        (False, "127.0.0.2", FORWARD_AUTH_PATH),
        (False, "127.0.0.1", FORWARD_AUTH_PATH + b"/y"),
    ],
)
def test_another_question_is_read_for_itself(by_another: bool, peer_ip: str, target: bytes) -> None:
    forward_auth, head = reader(), question()
    forward_auth.read(Incoming(head, MagicMock()), "127.0.0.1")
    head.headers[SECRET_FIELD] = b"not the secret"
    another = Incoming(head.for_target(target), MagicMock())

    with pytest.raises(ProxyRefused, match="proxy-unlisted"):
        (reader() if by_another else forward_auth).read(another, peer_ip)


@pytest.mark.parametrize(
    ("peer_ip", "code"),
    [
        ("127.0.0.1", ""),
        ("::ffff:127.0.0.1", ""),
        ("192.0.2.1", "proxy-unlisted"),
        ("unknown", "proxy-unlisted"),
        ("", "proxy-unlisted"),
    ],
)
def test_an_address_counts_however_a_socket_or_a_front_tells_it(peer_ip: str, code: str) -> None:
    head = question()
    said = ""
    try:
        reader().read(Incoming(head, MagicMock()), peer_ip)
    except ProxyRefused as refused:
        said = refused.code

    assert said == code


async def test_a_question_has_no_body(opened: Opened) -> None:
    async with opened() as gate:
        answer = await gate.ask(
            "/-/forward-auth", token=gate.firefighter(), more=asking_fields(), body="x"
        )

        assert (status_of(answer), gate.drafts[-1].code) == (400, "proxy-body")


@pytest.mark.parametrize(("method", "code"), [("GET", "proxy-body"), ("POST", "body-unseen")])
async def test_envoy_shows_that_there_is_a_body(opened: Opened, method: str, code: str) -> None:
    """Only a request that may have one goes further; what is shown of it is not read."""
    async with opened(ProxyKind.EXT_AUTHZ) as gate:
        more = asking_fields() + FORM + "Origin: http://gate\r\n"
        target = "/-/forward-auth/OA_HTML/OA.jsp?OAFunc=XX_PERINFO"
        token = gate.firefighter()
        await gate.ask(target, token=token, method=method, more=more, body="x")

        assert gate.drafts[-1].code == code


@pytest.mark.parametrize(
    "path", ["/-/portal", "/-/sign-in", "/-/health", "/.well-known/jwks.json", "/-"]
)
async def test_the_gates_own_pages_are_left_to_no_proxy(opened: Opened, path: str) -> None:
    async with opened() as gate:
        answer = await asked(gate, path, token=gate.firefighter())

        assert (status_of(answer), field_of(answer, "Gateway-Status")) == (403, "400")
        assert gate.drafts[-1].code == "proxy-own-page"


async def test_what_the_gate_would_send_on_otherwise_is_refused(opened: Opened) -> None:
    """The proxy sends on what came; what was decided on is another spelling of it."""
    async with opened() as gate:
        answer = await asked(gate, "/OA_HTML/caf%c3%a9", token=gate.firefighter())

        assert (status_of(answer), gate.drafts[-1].code) == (403, "target-not-canonical")


@pytest.mark.parametrize("kind_of_body", [FORM, "Content-Type: application/octet-stream\r\n", ""])
async def test_what_depends_on_a_body_is_refused_here(opened: Opened, kind_of_body: str) -> None:
    """Only where the catalogue leaves the body unread may the proxy keep it."""
    async with opened() as gate:
        token = gate.firefighter()
        more = kind_of_body + "Origin: http://gate\r\n"
        path = "/OA_HTML/OA.jsp?OAFunc=XX_PERINFO"
        answer = await asked(gate, path, token=token, method="POST", more=more)

        assert (status_of(answer), gate.drafts[-1].code) == (403, "body-unseen")
        assert gate.drafts[-1].outcome == Outcome.DENY


async def test_another_sites_page_causes_nothing_through_a_proxy(opened: Opened) -> None:
    async with opened() as gate:
        more = "Origin: http://elsewhere\r\n"
        answer = await asked(gate, token=gate.firefighter(), method="POST", more=more)

        assert (status_of(answer), gate.drafts[-1].code) == (403, "origin-foreign")


async def test_the_last_address_told_is_the_one_the_proxy_saw(opened: Opened) -> None:
    async with opened() as gate:
        fields = asking_fields().replace(CLIENT, f"10.0.0.1, {CLIENT}")
        await gate.ask("/-/forward-auth", token=gate.firefighter(), more=fields)

        assert gate.drafts[0].ip == CLIENT


async def test_a_style_sheet_is_told_too(opened: Opened) -> None:
    async with opened() as gate:
        answer = await asked(gate, "/style.css", token=gate.firefighter())

        assert status_of(answer) == 200
        assert field_of(answer, "Gateway-Assertion")


async def test_a_host_for_questions_is_for_nothing_else(opened: Opened) -> None:
    """Traefik asks under the name of the gate's own address."""
    async with opened(ProxyKind.FORWARD_AUTH, host="inside:8080") as gate:
        client = await gate.client()
        token = gate.firefighter()
        fields = asking_fields() + BROWSER + cookie_of(token)
        said = f"Host: inside:8080\r\n{fields}\r\n"
        await client.say(f"GET /-/forward-auth HTTP/1.1\r\n{said}".encode())
        answer = await client.answer()
        await client.say(f"GET {OWN_PAYSLIP} HTTP/1.1\r\n{said}".encode())

        assert status_of(answer) == 200
        assert status_of(await client.answer()) == 400
        assert gate.drafts[-1].code == "host"


async def test_addresses_that_begin_alike_are_ordinary(opened: Opened) -> None:
    async with opened() as gate:
        answer = await gate.ask(
            "/-/forward-authority", token=gate.firefighter(), more=asking_fields()
        )

        assert status_of(answer) == 404
