"""The act that forwards: who is asking, the session's cookies, and a bound for what is sent."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from joserfc.jwk import KeySet, OKPKey

from gateway.answer_duties import AnswerDuty
from gateway.backoffice.assertion import AssertionMint
from gateway.backoffice.canonical import CanonicalTarget
from gateway.backoffice.cookie_jar import CookieJar, KeptCookie
from gateway.backoffice.forward import Forwarded, Outbound
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.kept_cookies import KeptCookies
from gateway.backoffice.kept_transactions import KeptTransactions
from gateway.backoffice.passed_cookies import PassedCookies
from gateway.backoffice.upstream_address import UpstreamAddress
from gateway.backoffice.websocket import WebSockets
from gateway.front.forward_act import ForwardAct
from gateway.front.told_identity import SystemProfile, ToldFields
from gateway.identity.sessions.live_session import LiveSession
from gateway.proxy_asking import ProxyAsking, ProxyKind
from gateway.transactions import Transactions
from gateway.visit import Grant, Visit
from gateway.wire.answers import give, plain
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Script, ScriptedUpstream
from tests.gateway.backoffice.gate import OK, answering
from tests.gateway.backoffice.systems import system_at
from tests.gateway.backoffice.websockets import UPGRADE
from tests.gateway.identity.parts import AT, Parts, new_parts, us
from tests.gateway.visits import REFERENCE, new_visit, request
from tests.gateway.wire.bench import bench
from tests.policies.people import cheshire

KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"})


def granted(share: int) -> Grant:
    """Give leave to a function that takes a part of the bodies that the gateway takes."""
    function = SimpleNamespace(body_limit=lambda most: most // share)
    match = SimpleNamespace(function=function)
    return cast("Grant", SimpleNamespace(match=match, ready=None))


GRANT, SMALL_BODIES = granted(1), granted(2)
CATALOGUE = cheshire().catalogue
OPENED = "/OA_HTML/OA.jsp?OAFunc=XX_SIT&_ti=640290175"


class Office:
    """A gate that forwards what one person asks."""

    def __init__(self, parts: Parts, upstream: ScriptedUpstream, **names: str) -> None:
        self.parts = parts
        self.upstream = upstream
        self.results: list[Forwarded] = []
        token, _ = parts.sign_in()
        live = parts.cache.load(token, at=AT)
        assert live is not None
        self.live: LiveSession = live
        self.jars = KeptCookies(parts.store, parts.bulletin)
        self.act = self._act(names)
        self.grant: Grant | None = GRANT
        self.proxied = False  # another proxy holds what is asked
        self.at_us = us(AT)
        self.targets: dict[bytes, CanonicalTarget | None] = {}

    def _act(self, names: Mapping[str, str]) -> ForwardAct:
        address = UpstreamAddress(
            host="127.0.0.1",
            port=self.upstream.port,
            tls=None,
            connect_seconds=1,
            first_byte_seconds=1,
            idle_seconds=1,
            max_connections=2,
        )
        self.system = system_at((f"http://127.0.0.1:{self.upstream.port}", address))
        return ForwardAct(
            profile=SystemProfile(
                id="ebs",
                audience="ebs-audience",
                fields=ToldFields(
                    claims={name.replace("_", "-"): claim for name, claim in names.items()}
                ),
            ),
            forwarder=Forwarder(self.system),
            websockets=WebSockets(self.system, idle_seconds=1, at_most=1),
            mint=AssertionMint(
                issuer="http://gate",
                key=KEY,
                public_keys=KeySet([KEY]),
                clock=lambda: 1_800_000_000,
            ),
            cookies=self.jars,
            transactions=Transactions(KeptTransactions(self.parts.store), lambda: CATALOGUE),
            body_bytes=10,
            own_cookie="gateway-localhost",
            duty_of=lambda _visit, _grant: None,
        )

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        visit = new_visit(incoming, connection, live=self.live, at_us=self.at_us)
        # One and the same for requests that are the same, as a precedent gives it.
        visit.target = self.targets.setdefault(incoming.head.target, visit.target)
        if self.proxied:
            visit.asking = ProxyAsking(
                proxy="front",
                kind=ProxyKind.NGINX,
                ip="192.0.2.1",
                incoming=incoming,
                raw=incoming.head.target,
                origin=b"http://gate",
            )
        result = await self.act(visit, self.grant)
        self.results.append(result)
        if not result.answered:
            give(plain(result.status, result.code, REFERENCE), incoming, connection)


@contextlib.asynccontextmanager
async def office(
    folder: Path, script: Script, **names: str
) -> AsyncIterator[tuple[Office, RawClient]]:
    with new_parts(folder) as parts:
        async with ScriptedUpstream(script) as upstream:
            made = Office(parts, upstream, **names)
            async with bench(made.serve) as gate:
                yield made, await gate.client()
            made.system.close()
            await asyncio.sleep(0.01)


async def test_the_system_is_told_who_asks_in_the_ways_it_expects(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK), EBS_User="username", EBS_Org="organisation") as (
        one,
        client,
    ):
        answer = await client.get("/x", more="EBS-User: forged\r\n")

        sent = one.upstream.exchanges[0].received
        assert answer.endswith(b"ok")
        assert b"\r\nEBS-User: alice\r\n" in sent
        assert b"\r\nEBS-Org: cheshire-fire\r\n" in sent
        assert sent.count(b"\r\nGateway-Assertion: ey") == 1
        assert b"forged" not in sent
        assert one.results == [Forwarded(status=200, code="", answered=True)]


async def test_without_further_names_there_is_the_assertion_alone(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        await client.get("/x")

        assert b"EBS-User" not in one.upstream.exchanges[0].received


async def test_what_the_system_sets_comes_back_to_it_and_not_to_the_browser(
    tmp_path: Path,
) -> None:
    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=1; Path=/\r\nContent-Length: 2\r\n\r\nok"
    async with office(tmp_path, answering(said, OK)) as (one, client):
        first = await client.get("/x", more="Cookie: JSESSIONID=planted\r\n")
        await client.get("/y")

        sent = one.upstream.exchanges[0].received
        assert b"Set-Cookie" not in first
        assert b"planted" not in sent
        assert sent.count(b"\r\nCookie: JSESSIONID=1\r\n") == 1
        assert one.jars.load(one.live.session.hash, "ebs").header_for("/", 0) == b"JSESSIONID=1"


async def test_where_cookies_are_passed_the_browser_has_them_and_only_this_sign_in_brings_them(
    tmp_path: Path,
) -> None:
    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=1; Path=/\r\nContent-Length: 2\r\n\r\nok"
    async with office(tmp_path, answering(said, OK, OK)) as (one, client):
        one.act._passed = PassedCookies("ebs", secure=True, secret=b"s" * 32)
        first = await client.get("/x")
        name = first.partition(b"Set-Cookie: ")[2].partition(b";")[0].decode()
        more = f"Cookie: gateway-localhost=mine; {name}; ebs.JSESSIONID=planted\r\n"
        await client.get("/y", more=more)
        session = replace(one.live.session, started_at_us=one.live.session.started_at_us + 1)
        one.live = replace(one.live, session=session)
        await client.get("/z", more=more)

        sent = [each + b"\r\n" for each in one.upstream.exchanges[0].received.split(b"\r\n\r\n")]
        assert b"\r\nSet-Cookie: ebs.JSESSIONID=1" in first
        assert b"\r\nCookie: JSESSIONID=1\r\n" in sent[1]
        assert b"Cookie" not in sent[0]
        assert b"Cookie" not in sent[2]
        assert one.jars.load(one.live.session.hash, "ebs").cookies == ()


async def test_the_page_a_redirect_leads_to_is_known_before_the_browser_is_led(
    tmp_path: Path,
) -> None:
    """The next request may arrive in another worker, at once."""
    said = f"HTTP/1.1 302 Found\r\nLocation: {OPENED}\r\nContent-Length: 0\r\n\r\n".encode()
    async with office(tmp_path, answering(said)) as (one, client):
        match = CATALOGUE.match("GET", "/OA_HTML/OA.jsp", (("OAFunc", "XX_SIT"),))
        one.grant = cast("Grant", SimpleNamespace(match=match, ready=None))
        answer = await client.get("/OA_HTML/OA.jsp?OAFunc=XX_SIT")
        another_worker = KeptTransactions(one.parts.store)

        assert f"\r\nLocation: {OPENED}\r\n".encode() in answer
        assert another_worker.load(one.live.session.hash, "ebs", "640290175") == "hr.sit"


@pytest.mark.parametrize("granted", [True, False])
async def test_a_resource_may_be_kept_by_the_browser(tmp_path: Path, granted: bool) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        one.grant = GRANT if granted else None
        answer = await client.get("/style.css")

        assert (b"Cache-Control: private, no-store" in answer) is granted


async def test_a_body_beyond_the_limit_is_not_begun(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        await client.say(b"POST /x HTTP/1.1\r\nHost: gate\r\nContent-Length: 11\r\n\r\n")
        answer = await client.answer()

        assert b" 413 " in answer
        assert one.results[0].code == "body-too-large"
        assert one.upstream.exchanges == []


@pytest.mark.parametrize(
    ("framed", "status"),
    [
        ("Content-Length: 5\r\n\r\nabcde", b" 200 "),
        ("Content-Length: 6\r\n\r\n", b" 413 "),
        ("Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", b" 200 "),
        ("Transfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n", b" 413 "),
    ],
)
async def test_a_function_may_take_smaller_bodies_than_the_gateway(
    tmp_path: Path, framed: str, status: bytes
) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        one.grant = SMALL_BODIES
        await client.say(f"POST /x HTTP/1.1\r\nHost: gate\r\n{framed}".encode())
        answer = await asyncio.wait_for(client.answer(), 5)

        assert status in answer


async def test_what_a_proxy_would_be_answered_is_refused_where_something_is_owed_to_answers(
    tmp_path: Path,
) -> None:
    """A menu, or a marking that nobody here sees: for the style sheets of such a system too."""
    async with office(tmp_path, answering(OK)) as (one, client):
        one.proxied = True
        told = await client.get("/x")
        one.act._duty_of = lambda _visit, _grant: cast("AnswerDuty", object())
        refused = [await client.get(path) for path in ("/x", "/style.css")]

        assert told.startswith(b"HTTP/1.1 200 ")
        assert all(each.startswith(b"HTTP/1.1 403 ") for each in refused)
        assert [each.code for each in one.results] == ["", "answer-unseen", "answer-unseen"]
        assert one.upstream.exchanges == []


async def test_an_upgrade_goes_by_way_of_what_is_owed_to_its_answer(tmp_path: Path) -> None:
    class Duty:
        async def upgrade(self, *_: object) -> Forwarded:
            await asyncio.sleep(0)
            return Forwarded(status=403, code="marking-missing", answered=False)

    async with office(tmp_path, answering(OK)) as (one, client):
        one.act._duty_of = lambda _visit, _grant: cast("AnswerDuty", Duty())
        await client.say(UPGRADE % b"")
        answer = await client.answer()

        assert answer.startswith(b"HTTP/1.1 403 ")
        assert one.results == [Forwarded(status=403, code="marking-missing", answered=False)]
        assert one.upstream.exchanges == []


async def test_a_visit_without_a_session_is_a_fault_of_the_program(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK)) as (one, _):
        for visit in (new_visit(request()), new_visit(request(), live=one.live, targeted=False)):
            with pytest.raises(ValueError, match="without session or target"):
                await one.act(visit, GRANT)


def _ready(one: Office) -> SimpleNamespace:
    """Have the act leave what it makes for the next request that is the same."""
    ready = SimpleNamespace(prepared=None)
    one.grant = cast("Grant", SimpleNamespace(match=GRANT.match, ready=ready))
    return ready


def _sent(one: Office) -> list[bytes]:
    return one.upstream.exchanges[0].received.split(b"\r\n\r\n")[:-1]


async def test_what_comes_again_is_told_alike_without_being_made_anew(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK, OK, OK)) as (one, client):
        _ready(one)
        await client.get("/x")
        one.act._identity = lambda *_: []
        await client.get("/x")
        one.grant = GRANT
        await client.get("/x")

        first, second, third = _sent(one)
        assert b"\r\nGateway-Assertion: ey" in first
        assert second == first
        assert b"Gateway-Assertion" not in third


def _in_half_a_minute(one: Office, ready: SimpleNamespace) -> None:  # noqa: ARG001
    ready.prepared.until_us = us(AT)


def _given_up(one: Office, ready: SimpleNamespace) -> None:  # noqa: ARG001
    one.act._mint.changes += 1


def _by_another(one: Office, ready: SimpleNamespace) -> None:
    _, *others = ready.prepared.made_of
    ready.prepared.made_of = (one._act({}), *others)


def _for_another(one: Office, ready: SimpleNamespace) -> None:  # noqa: ARG001
    one.live = replace(one.live)


def _at_another_target(one: Office, ready: SimpleNamespace) -> None:  # noqa: ARG001
    act, live, target, changes = ready.prepared.made_of
    ready.prepared.made_of = (act, live, replace(target, path="/y"), changes)


def _with_another_jar(one: Office, ready: SimpleNamespace) -> None:  # noqa: ARG001
    key = one.live.session.hash, "ebs"
    one.jars._jars[key] = CookieJar((KeptCookie(name="a", value="b", path="/", expires_at=None),))


def _when_the_jar_is_not_at_hand(one: Office, ready: SimpleNamespace) -> None:  # noqa: ARG001
    one.jars._jars.clear()


@pytest.mark.parametrize(
    "happens",
    [
        _in_half_a_minute,
        _given_up,
        _by_another,
        _for_another,
        _at_another_target,
        _with_another_jar,
        _when_the_jar_is_not_at_hand,
    ],
)
async def test_what_has_changed_is_told_anew(
    tmp_path: Path, happens: Callable[[Office, SimpleNamespace], None]
) -> None:
    async with office(tmp_path, answering(OK, OK)) as (one, client):
        ready = _ready(one)
        await client.get("/x")
        happens(one, ready)
        one.act._identity = lambda *_: [(b"Told", b"anew")]
        await client.get("/x")

        assert b"\r\nTold: anew" in _sent(one)[1]


async def test_a_cookie_that_comes_meanwhile_or_ends_is_told_at_once(tmp_path: Path) -> None:
    said = b"HTTP/1.1 200 OK\r\nSet-Cookie: %b; Path=/\r\nContent-Length: 2\r\n\r\nok"
    ending = said % b"a=1; Max-Age=5"
    async with office(tmp_path, answering(OK, ending, OK, OK, OK)) as (one, client):
        ready = _ready(one)
        for _ in range(3):
            await client.get("/x")
        until_us = ready.prepared.until_us
        await client.get("/x")
        ready.prepared = None
        one.at_us = us(AT) + 5_000_000
        await client.get("/x")

        assert [b"\r\nCookie: a=1" in each for each in _sent(one)] == [False] * 2 + [True] * 2 + [
            False
        ]
        assert until_us == us(AT) + 5_000_000


async def test_what_differs_from_request_to_request_is_never_left_for_the_next(
    tmp_path: Path,
) -> None:
    """Names of a function, cookies of the browser, duties to answers."""
    async with office(tmp_path, answering(OK), EBS_User="username") as (one, client):
        ready = _ready(one)
        await client.get("/x")
        assert ready.prepared is None
    (tmp_path / "else").mkdir()
    async with office(tmp_path / "else", answering(OK, OK)) as (one, client):
        ready = _ready(one)

        class Duty:
            def __init__(self, visit: Visit) -> None:
                self.visit = visit

            def forward(self, forwarder: Forwarder, outbound: Outbound) -> Awaitable[Forwarded]:
                return forwarder.forward(self.visit, outbound)

        one.act._duty_of = lambda visit, _grant: cast("AnswerDuty", Duty(visit))
        await client.get("/x")
        assert ready.prepared is None
        one.act._duty_of = lambda _visit, _grant: None
        await client.get("/x")
        assert ready.prepared is not None


async def test_cookies_that_the_browser_brings_are_never_left_for_the_next(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        ready = _ready(one)
        one.act._passed = PassedCookies("ebs", secure=True, secret=b"s" * 32)
        await client.get("/x", more="Cookie: gateway-localhost=mine\r\n")
        assert ready.prepared is None


async def test_what_a_proxy_is_told_again_is_not_made_anew_while_its_client_sends_the_same(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        one.proxied, ready = True, _ready(one)
        mine = "Cookie: gateway-localhost=mine; theirs=1\r\n"
        first = await client.get("/x", more=mine)
        one.act._identity = lambda *_: [(b"Told", b"anew")]
        second = await client.get("/x", more=mine)
        third = await client.get("/x", more="Cookie: gateway-localhost=mine; theirs=2\r\n")
        until_us = ready.prepared.until_us

        assert b"\r\nGateway-Assertion: ey" in first
        assert b"\r\nCookie: theirs=1\r\n" in first
        assert second == first
        assert b"\r\nTold: anew\r\nCookie: theirs=2\r\n" in third
        assert until_us == 1_800_000_030 * 1_000_000  # as the assertion


async def test_what_a_proxy_is_told_of_an_answer_that_nobody_sees_is_never_left(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, answering(OK)) as (one, client):
        one.proxied, ready = True, _ready(one)
        one.act._duty_of = lambda _visit, _grant: cast("AnswerDuty", object())
        refused = [await client.get("/x") for _ in range(2)]

        assert all(each.startswith(b"HTTP/1.1 403 ") for each in refused)
        assert ready.prepared is None


async def test_nothing_is_told_again_from_before_the_clock_went_back(tmp_path: Path) -> None:
    async with office(tmp_path, answering(OK, OK)) as (one, client):
        _ready(one)
        one.act._mint._clock = lambda: one.at_us / 1_000_000
        one.at_us = us(AT) + 40_000_000
        await client.get("/x")
        one.at_us = us(AT)
        await client.get("/x")
        first, second = _sent(one)
        assert first != second
