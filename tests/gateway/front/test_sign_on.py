"""Signing on at a system's own host: with one's own session, in one's own browser, once."""

from __future__ import annotations

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from gateway.audit.entry import Kind, Outcome
from gateway.identity.sessions.host_tickets import HostTickets, browser_of
from gateway.identity.sessions.host_tokens import HostTokens
from gateway.pages.local_path import local_path
from gateway.store.engine import writing
from gateway.system_hosts import SystemHost
from tests.gateway.identity.parts import AT
from tests.gateway.proxied import asking_fields, listed
from tests.gateway.stand import COOKIE, OWN_PAYSLIP, Done, Opened, Stand, field_of, stand, status_of

if TYPE_CHECKING:
    from gateway.keys import KeyRing
    from tests.gateway.pages.world import World

EBS = SystemHost(system="ebs", origin="http://ebs.gate", main="http://gate")
SECRET_COOKIE = f"{COOKIE}-sign-on"
TWICE = f"{SECRET_COOKIE}=a; {SECRET_COOKIE}=b"


@pytest.fixture
def opened(tmp_path: Path, front_world: World, record_keys: KeyRing) -> Opened:
    def make(**given: Any) -> AbstractAsyncContextManager[Stand]:
        return stand(tmp_path, front_world, record_keys, host=EBS, **given)

    return make


def set_cookies(answer: bytes) -> dict[str, str]:
    """Give the cookies that an answer sets, by name."""
    return dict(re.findall(r"Set-Cookie: ([^=]+)=([^;]*);", answer.decode("latin-1")))


class Browser:
    """Keeps cookies for each host, and follows no redirect by itself."""

    def __init__(self, gate: Stand, token: str = "") -> None:
        self.gate = gate
        self.cookies: dict[str, dict[str, str]] = {"gate": {}, "ebs.gate": {}}
        if token:
            self.cookies["gate"][COOKIE] = token

    async def get(self, address: str, more: str = "", method: str = "GET") -> bytes:
        host, _, path = address.removeprefix("http://").partition("/")
        kept = self.cookies[host]
        cookie = "; ".join(f"{name}={value}" for name, value in kept.items())
        field = f"Cookie: {cookie}\r\n" if cookie else ""
        answer = await self.gate.ask("/" + path, host=host, more=field + more, method=method)
        kept |= set_cookies(answer)
        self.cookies[host] = {name: value for name, value in kept.items() if value}
        return answer

    async def ticket(self, address: str = f"http://ebs.gate{OWN_PAYSLIP}") -> str:
        """Go as far as the address that takes the ticket to the host."""
        begin = field_of(await self.get(address), "Location")
        ask = field_of(await self.get("http://ebs.gate" + begin), "Location")
        return field_of(await self.get(ask), "Location")


async def test_who_is_signed_in_is_served_at_the_systems_host(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        first = await browser.get(f"http://ebs.gate{OWN_PAYSLIP}")
        assert status_of(first) == 303
        landed = await browser.get(await browser.ticket())

        assert (status_of(landed), field_of(landed, "Location")) == (303, OWN_PAYSLIP)
        assert list(browser.cookies["ebs.gate"]) == [COOKIE]
        assert browser.cookies["ebs.gate"][COOKIE] != browser.cookies["gate"][COOKIE]
        assert (await browser.get(f"http://ebs.gate{OWN_PAYSLIP}")).endswith(b"done")
        signed_on = next(each for each in gate.drafts if each.code == "signed-on-at-host")
        assert (signed_on.kind, signed_on.outcome) == (Kind.SIGNIN, Outcome.PERMIT)
        assert (signed_on.system, signed_on.staff_id) == ("ebs", "cheshire-fire/id-alice")
        permitted = next(each for each in gate.drafts if each.function == "pay.slip")
        assert permitted.target == "//ebs.gate/OA_HTML/OA.jsp?OAFunc"


async def test_a_systems_functions_are_at_its_host_alone(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        await browser.get(await browser.ticket())

        assert status_of(await browser.get(f"http://gate{OWN_PAYSLIP}")) == 404
        assert status_of(await browser.get("http://ebs.gate/no/such")) == 404
        assert status_of(await browser.get("http://ebs.gate/")) == 404
        assert (await gate.ask("/", host="fleet.gate"))[:12] == b"HTTP/1.1 400"


async def test_a_ticket_that_was_used_opens_nothing(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        took = await browser.ticket()
        kept = dict(browser.cookies["ebs.gate"])
        await browser.get(took)
        thief = Browser(gate)
        thief.cookies["ebs.gate"] = kept  # even with the browser's own secret
        answer = await thief.get(took)

        assert status_of(answer) == 403
        assert b"begun in another browser, was used already" in answer
        assert COOKIE not in thief.cookies["ebs.gate"]
        assert gate.drafts[-1].code == "sign-on-over"


async def test_nobody_is_signed_on_by_a_link_with_somebody_elses_ticket(opened: Opened) -> None:
    """Login CSRF: the victim would then fill in forms in the attacker's name."""
    async with opened() as gate:
        attacker, victim = Browser(gate, gate.firefighter()), Browser(gate)
        took = await attacker.ticket()
        begun = field_of(await victim.get("http://ebs.gate/-/sign-on"), "Location")
        assert begun.startswith("http://gate/-/sign-on/ebs?to=Lw.")
        answer = await victim.get(took)

        assert status_of(answer) == 403
        assert COOKIE not in victim.cookies["ebs.gate"]


async def test_without_a_cookie_of_the_host_nothing_is_taken(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        took = await browser.ticket()
        browser.cookies["ebs.gate"].clear()

        assert status_of(await browser.get(took)) == 403


async def test_a_ticket_is_of_no_use_after_half_a_minute(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        took = await browser.ticket()
        gate.at_us += 30_000_000

        assert status_of(await browser.get(took)) == 403


async def test_a_ticket_for_another_host_is_refused(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, token := gate.firefighter())
        await browser.get("http://ebs.gate/-/sign-on")
        secret = browser.cookies["ebs.gate"][SECRET_COOKIE]
        tickets = HostTickets(gate.parts.store, bytes(32))
        other = tickets.give(token, system="fleet", browser=browser_of(secret), at=AT)

        assert status_of(await browser.get(EBS.take("/", other))) == 403


async def test_a_session_that_ended_is_over_at_every_host(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        await browser.get(took := await browser.ticket())
        assert (await browser.get(f"http://ebs.gate{OWN_PAYSLIP}")).endswith(b"done")
        assert took
        live = next(iter(gate.parts.cache._live.values()))
        gate.parts.sessions.end(live.session.hash, at=AT)

        assert status_of(await browser.get(f"http://ebs.gate{OWN_PAYSLIP}")) == 303
        assert status_of(await browser.get(f"http://gate{OWN_PAYSLIP}")) == 303


async def test_a_ticket_of_a_session_that_ended_leads_to_sign_in(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, token := gate.firefighter())
        took = await browser.ticket()
        session = gate.parts.sessions.find(token, at=AT)
        assert session is not None
        gate.parts.sessions.end(session.hash, at=AT)
        answer = await browser.get(took)

        assert field_of(answer, "Location") == EBS.begin(OWN_PAYSLIP)
        assert COOKIE not in browser.cookies["ebs.gate"]
        asked = await browser.get(
            field_of(await browser.get("http://ebs.gate/-/sign-on"), "Location")
        )
        assert field_of(asked, "Location").startswith("/-/sign-in?next=/-/sign-on/ebs%3Fto%3DLw.")


async def test_a_session_that_ends_just_then_gets_no_ticket(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened() as gate:
        browser = Browser(gate, token := gate.firefighter())
        ask = field_of(await browser.get("http://ebs.gate/-/sign-on"), "Location")
        give = HostTickets.give

        def late(self: HostTickets, *args: Any, **given: Any) -> str:
            session = gate.parts.sessions.find(token, at=AT)
            assert session is not None
            gate.parts.sessions.end(session.hash, at=AT)
            return give(self, *args, **given)

        monkeypatch.setattr(HostTickets, "give", late)

        assert field_of(await browser.get(ask), "Location").startswith("/-/sign-in?next=")


async def test_a_new_token_after_a_second_factor_ends_those_of_hosts(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, token := gate.firefighter())
        await browser.get(await browser.ticket())
        session = gate.parts.sessions.find(token, at=AT)
        assert session is not None
        with writing(gate.parts.store) as connection:
            stronger, _ = gate.parts.sessions.strengthen(
                connection, session.hash, factors=frozenset({"second-factor"}), at=AT
            )
        gate.parts.bulletin.ring()

        assert status_of(await browser.get(f"http://ebs.gate{OWN_PAYSLIP}")) == 303
        browser.cookies["gate"][COOKIE] = stronger
        await browser.get(await browser.ticket())
        assert (await browser.get(f"http://ebs.gate{OWN_PAYSLIP}")).endswith(b"done")


async def test_a_token_of_one_host_is_worth_nothing_at_another(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, token := gate.firefighter())
        await browser.get(await browser.ticket())
        at_host = browser.cookies["ebs.gate"][COOKIE]

        for host, cookie in (
            ("ebs.gate", token),
            ("gate", at_host),
            ("ebs.gate", HostTokens(bytes(32), "fleet.gate").seal(token)),
        ):
            path = OWN_PAYSLIP if host == "ebs.gate" else "/-/portal"
            answer = await gate.ask(path, token=cookie, host=host)
            assert status_of(answer) == 303, (host, cookie)


async def test_two_tabs_may_sign_on_at_once(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        one, two = await browser.ticket(), await browser.ticket("http://ebs.gate/OA_HTML/x")
        first, second = await browser.get(one), await browser.get(two)

        assert field_of(first, "Location") == OWN_PAYSLIP
        assert field_of(second, "Location") == "/OA_HTML/x"


@pytest.mark.parametrize(
    ("to", "leads"),
    [
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/%2e%2e/", "/"),
        ("/-/sign-on?to=L2E", "/"),
        ("/-/step-up/continue", "/-/step-up/continue"),
        ("/a?b=%2F", "/a?b=%2F"),
    ],
)
async def test_it_leads_to_a_path_of_the_host_and_nowhere_else(
    opened: Opened, to: str, leads: str
) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        straight = await browser.get("http://gate" + EBS.way_back(to))
        begun = field_of(await browser.get("http://ebs.gate" + EBS.begin(to)), "Location")
        landed = await browser.get(field_of(await browser.get(begun), "Location"))

        assert field_of(straight, "Location") == f"http://ebs.gate{leads}"
        assert field_of(landed, "Location") == leads


async def test_a_long_address_is_found_again_and_one_that_is_too_long_is_told_so(
    opened: Opened,
) -> None:
    """Neither ends silently on the host's first page."""
    async with opened() as gate:
        stranger, browser = Browser(gate), Browser(gate, gate.firefighter())
        long, longer = (f"/OA_HTML/x?a={'b' * size}" for size in (5_500, 6_500))
        landed = await browser.get(await browser.ticket(f"http://ebs.gate{long}"))
        begun = field_of(await stranger.get(f"http://ebs.gate{long}"), "Location")
        asked = field_of(await stranger.get(f"http://ebs.gate{begun}"), "Location")
        signs_in = field_of(await stranger.get(asked), "Location")
        ((_, back),) = parse_qsl(signs_in.partition("?")[2])
        told = await Browser(gate).get(f"http://ebs.gate{longer}")
        (sign_in,) = re.findall(rb'href="(/-/sign-on[^"]*)">Sign in<', told)

        assert field_of(landed, "Location") == long
        assert local_path(back) == back
        assert field_of(await browser.get(f"http://gate{back}"), "Location").startswith(
            EBS.take(long, "")
        )
        assert status_of(told) == 401
        assert b"too long for us to bring you back" in told
        assert sign_in.decode() == EBS.begin("/")
        assert gate.drafts[-1].code == "address-too-long"


async def test_at_the_gateways_own_host_a_too_long_address_is_told_so_too(opened: Opened) -> None:
    async with opened() as gate:
        led, told = [await gate.ask(f"/-/audit?a={'b' * size}") for size in (7_000, 7_900)]

        assert field_of(led, "Location").startswith("/-/sign-in?next=/-/audit")
        assert b"too long for us to bring you back" in told
        assert b'href="/-/sign-in">Sign in<' in told


@pytest.mark.parametrize(
    ("address", "more", "status"),
    [
        ("http://gate/-/sign-on/nowhere?to=Lw", "", 404),
        ("http://gate/-/sign-on/ebs?to=Lw.x", "", 400),
        ("http://gate/-/sign-on/ebs?to=!", "", 400),
        ("http://gate/-/sign-on/ebs?to=Lw&to=Lw", "", 400),
        ("http://gate/-/sign-on/ebs?other=Lw", "", 400),
        ("http://ebs.gate/-/sign-on?to=!", "", 400),
        ("http://ebs.gate/-/sign-on?to=Lw", f"Cookie: {TWICE}\r\n", 400),
        (f"http://gate/-/sign-on/ebs?to=Lw.{browser_of('x')}", "Sec-Fetch-Mode: cors\r\n", 403),
    ],
)
async def test_what_is_odd_is_refused(opened: Opened, address: str, more: str, status: int) -> None:
    async with opened() as gate:
        browser = Browser(gate) if "Cookie" in more else Browser(gate, gate.firefighter())

        assert status_of(await browser.get(address, more)) == status


async def test_no_form_signs_on(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        took = await browser.ticket()
        for address, origin in ((took, "http://ebs.gate"), (EBS.ask("/", "x"), "http://gate")):
            more = f"Origin: {origin}\r\n"
            assert status_of(await browser.get(address, more, "POST")) == 405


async def test_the_gateways_pages_are_at_its_own_origin(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate)

        portal = await browser.get("http://ebs.gate/-/portal?q=a")
        assert field_of(portal, "Location") == "http://gate/-/portal?q=a"
        sent = await browser.get("http://ebs.gate/-/sign-in", "Origin: http://ebs.gate\r\n", "POST")
        assert status_of(sent) == 404
        assert status_of(await browser.get("http://ebs.gate/-/health")) == 200


async def test_forms_of_a_neighbouring_host_are_foreign(opened: Opened) -> None:
    """Hosts below one domain are the same site to a browser, which would send its cookies."""
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        await browser.get(await browser.ticket())
        for more in (
            "Origin: http://gate\r\nSec-Fetch-Site: same-site\r\n",
            "Origin: http://fleet.gate\r\n",
            "",
        ):
            answer = await browser.get(f"http://ebs.gate{OWN_PAYSLIP}", more, "POST")
            assert status_of(answer) == 403
            assert gate.drafts[-1].code in {"origin-foreign", "origin-missing"}


async def test_another_proxy_asks_by_the_host_of_the_request(opened: Opened) -> None:
    async with opened(front_proxies=(listed(),)) as gate:
        browser = Browser(gate, gate.firefighter())
        await browser.get(await browser.ticket())
        cookie = f"Cookie: {COOKIE}={browser.cookies['ebs.gate'][COOKIE]}\r\n"
        fields = asking_fields().replace("X-Forwarded-Host: gate", "X-Forwarded-Host: ebs.gate")
        gate.act.does = lambda _: Done(status=502, answered=False)
        await gate.ask("/-/forward-auth", more=cookie + fields)
        at_main = await gate.ask("/-/forward-auth", more=cookie + asking_fields())
        begins = await gate.ask("/-/forward-auth", more=fields)

        permitted = next(each for each in gate.drafts if each.function == "pay.slip")
        assert permitted.outcome is Outcome.PERMIT
        assert permitted.target == "//ebs.gate/OA_HTML/OA.jsp?OAFunc"
        assert field_of(at_main, "Gateway-Location").startswith("http://gate/-/sign-in")
        assert field_of(begins, "Gateway-Location") == "http://ebs.gate" + EBS.begin(OWN_PAYSLIP)


async def test_whose_ticket_cannot_be_recorded_is_not_signed_on(opened: Opened) -> None:
    async with opened() as gate:
        browser = Browser(gate, gate.firefighter())
        took = await browser.ticket()
        gate.recorder.close()

        assert status_of(await browser.get(took)) == 503
        assert COOKIE not in browser.cookies["ebs.gate"]
