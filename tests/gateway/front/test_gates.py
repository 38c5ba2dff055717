"""Two systems at hosts of their own, through a whole worker: the same path means two things."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.async_api import async_playwright

from deploy.demo.second_factor import ADD_APP, AuthenticatorApp
from gateway.settings import Settings
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import Exchange, ScriptedUpstream
from tests.gateway.front.conftest import SettingsMaker
from tests.gateway.front.test_assembly import Gate, gate
from tests.gateway.stand import field_of, status_of
from tests.policies.people import LIBRARY, SHARED, copied_set

CHROMIUM = Path("/usr/bin/chromium")
MAIN, FLEET, KIT = "localhost:8080", "fleet.localhost:8080", "kit.localhost:8080"
FUNCTION = """
[[function]]
id = "{id}"
title = "{id}"
area = "things"
classification = "OFFICIAL"
regime = "GP"
floor = "BASE"
scope = "own"
system = "{system}"
entry = "/home"
{more}
match = [{{ methods = ["GET", "POST"], path = "{path}", bodies = ["form"] }}]
"""
ADDED = (
    'own_host = ["fleet"]\n',  # of the other the settings alone say that it has a host
    FUNCTION.format(id="fleet.home", system="fleet", path="/home", more=""),
    FUNCTION.format(id="kit.home", system="kit", path="/home", more=""),
    FUNCTION.format(
        id="kit.pay", system="kit", path="/pay", more='obligations = ["step-up"]'
    ).replace('entry = "/home"\n', ""),
)
IDS = '"fleet.home", "kit.home", "kit.pay", "pay.slip"'
SYSTEM = """
[[upstream]]
id = "{id}"
url = "http://127.0.0.1:{port}"
audience = "{id}"
paths = ["/"]
resources = ["/style.css"]
public_host = "{id}.localhost"
"""


class System:
    """A system that says who it is, sets a cookie by a common name, and keeps what it was sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[bytes] = []
        self.sent: list[bytes] = []
        self.more = b""
        self.page = b""

    async def __call__(self, exchange: Exchange) -> None:
        while True:
            self.asked.append(head := await exchange.head())
            length = re.search(rb"(?i)content-length: (\d+)", head)
            self.sent.append(await exchange.reader.readexactly(int(length[1]) if length else 0))
            name = self.name.encode()
            body, kind = (self.page, b"html") if self.page else (name, b"plain")
            await exchange.say(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/%b\r\nSet-Cookie: SID=%b; Path=/\r\n%b"
                b"Content-Length: %d\r\n\r\n%b" % (kind, name, self.more, len(body), body)
            )


@dataclass
class Browser:
    """Keeps cookies for each host as browsers do, and follows redirects with GET."""

    gate: Gate
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    met: list[str] = field(default_factory=list)

    async def ask(self, host: str, path: str, *, form: str | None = None) -> bytes:
        kept = self.cookies.setdefault(host, {})
        client = RawClient(*await asyncio.open_connection(*self.gate.address), host=host)
        self.gate.clients.append(client)
        cookies = "; ".join(f"{name}={value}" for name, value in kept.items())
        more = f"Accept: text/html\r\nCookie: {cookies}\r\n"
        if form is None:
            answer = await client.get(path, more=more)
        else:
            head = (
                f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{more}"
                "Content-Type: application/x-www-form-urlencoded\r\n"
                f"Content-Length: {len(form)}\r\n\r\n{form}"
            )
            await client.say(head.encode())
            answer = await client.answer()
        for name, value in re.findall(r"Set-Cookie: ([^=]+)=([^;]*)", answer.decode("latin-1")):
            kept[name] = value
            if not value:
                del kept[name]
        return answer

    async def open(self, host: str, path: str, *, form: str | None = None) -> bytes:
        """Ask, and go where one is led; what was met on the way is kept."""
        self.met = [f"{host}{path}"]
        answer = await self.ask(host, path, form=form)
        while status_of(answer) == 303:
            there = field_of(answer, "Location")
            if not there.startswith("/"):
                host, _, path = there.removeprefix("http://").partition("/")
                there = f"/{path}"
            self.met.append(f"{host}{there}")
            assert len(self.met) < 12, self.met
            answer = await self.ask(host, there)
        return answer


def body_of(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


@dataclass
class Place:
    """A worker with two systems at hosts of their own, and somebody signed in at the gateway's."""

    gate: Gate
    browser: Browser
    fleet: System
    kit: System


@pytest.fixture
async def place(make_settings: SettingsMaker, tmp_path: Path) -> AsyncIterator[Place]:
    fleet, kit = System("fleet"), System("kit")
    async with ScriptedUpstream(fleet) as one, ScriptedUpstream(kit) as two:
        settings = with_hosts(make_settings, tmp_path, fleet=one.port, kit=two.port)
        async with gate(settings) as opened:
            name, _, token = opened.signed_in().strip().removeprefix("Cookie: ").partition("=")
            browser = Browser(opened, {MAIN: {name: token}})
            yield Place(opened, browser, fleet, kit)


def with_hosts(make_settings: SettingsMaker, folder: Path, **ports: int) -> Settings:
    """Set a gateway up whose policy set has functions of these systems."""
    edited = copied_set(folder / "edited")
    catalogue = edited / "catalogue.toml"
    catalogue.write_text(ADDED[0] + catalogue.read_text() + "".join(ADDED[1:]))
    for rules in (edited / "agreements.toml", shared_of(edited) / "rules.toml"):
        rules.write_text(rules.read_text().replace('"pay.slip"', IDS))
    systems = "".join(SYSTEM.format(id=name, port=port) for name, port in ports.items())
    return make_settings(
        (str(LIBRARY), str(edited)), ('paths = ["/"]\n', f'paths = ["/"]\n{systems}')
    )


def shared_of(edited: Path) -> Path:
    root = Path(str(edited).removesuffix(str(LIBRARY.relative_to(LIBRARY.parents[3]))))
    return root / SHARED.relative_to(LIBRARY.parents[3])


async def test_the_same_path_is_another_systems_at_each_host(place: Place) -> None:
    browser = place.browser
    stranger = await browser.ask("other.localhost:8080", "/home")
    assert (status_of(stranger), place.fleet.asked, place.kit.asked) == (400, [], [])

    fleet, kit = await browser.open(FLEET, "/home"), await browser.open(KIT, "/home")
    here = await browser.open(MAIN, "/home")
    again = await browser.open(FLEET, "/home?again=1")

    assert (body_of(fleet), body_of(kit)) == (b"fleet", b"kit")
    assert status_of(here) == 404
    assert (body_of(again), len(browser.met)) == (b"fleet", 1)
    # Each has its own jar, whatever it calls its cookies, and none is in the browser.
    assert b"\r\nCookie: SID=fleet\r\n" in place.fleet.asked[-1]
    assert all(b"SID=kit" not in each for each in place.fleet.asked)
    assert all(b"SID=fleet" not in each for each in place.kit.asked)
    assert all("SID" not in kept for kept in browser.cookies.values())
    # Each is told by which name it was reached.
    assert b"\r\nX-Forwarded-Host: fleet.localhost:8080\r\n" in place.fleet.asked[-1]
    assert b"\r\nX-Forwarded-Proto: http\r\n" in place.kit.asked[-1]
    # The session is one, its cookies are three.
    tokens = {browser.cookies[host]["gateway-localhost"] for host in (MAIN, FLEET, KIT)}
    assert len(tokens) == 3
    assert body_of(await browser.ask(KIT, "/style.css")) == b"kit"
    assert status_of(await browser.ask(MAIN, "/style.css")) == 404


async def test_signing_out_at_one_host_is_signing_out_everywhere(place: Place) -> None:
    browser = place.browser
    await browser.open(FLEET, "/home")
    await browser.open(KIT, "/home")
    page = await browser.open(KIT, "/-/sign-out")
    token = re.search(rb'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    # It is the form of this host alone.
    foreign = await browser.ask(FLEET, "/-/sign-out", form=f"csrf_token={token[1].decode()}")
    assert status_of(foreign) == 400
    assert body_of(await browser.ask(FLEET, "/home")) == b"fleet"

    out = await browser.open(KIT, "/-/sign-out", form=f"csrf_token={token[1].decode()}")

    assert browser.met == [f"{KIT}/-/sign-out", f"{KIT}/-/sign-out"]
    assert b"signed out" in out
    assert "gateway-localhost" not in browser.cookies[KIT]
    for host in (FLEET, KIT, MAIN):
        path = "/-/portal" if host == MAIN else "/home"
        await browser.open(host, path)
        assert browser.met[-1].startswith(f"{MAIN}/-/sign-in")
    assert (len(place.fleet.asked), len(place.kit.asked)) == (2, 1)


async def test_tiles_lead_to_the_host_of_their_system(place: Place) -> None:
    portal = (await place.browser.open(MAIN, "/-/portal")).decode()

    tiles = dict(re.findall(r'data-function="([^"]+)"[^>]*>\s*<a[^>]*href="([^"]+)"', portal))
    hrefs = set(re.findall(r'href="([^"]+)"', html.unescape(portal)))
    assert {f"http://{FLEET}/home", f"http://{KIT}/home"} <= hrefs
    assert tiles.get("fleet.home", f"http://{FLEET}/home") == f"http://{FLEET}/home"
    assert f"form-action 'self' http://{FLEET} http://{KIT} http://{MAIN};" in portal


async def test_a_second_factor_is_asked_for_at_the_gateway_and_leads_back(place: Place) -> None:
    browser = place.browser
    await browser.open(KIT, "/home")
    asked = await browser.ask(KIT, "/pay?x=1")
    there = field_of(asked, "Location")

    assert there.startswith(f"http://{MAIN}/-/step-up?next=/-/sign-on/kit%3Fto%3D")
    back = there.partition("next=")[2].replace("%3F", "?").replace("%3D", "=")
    assert field_of(await browser.ask(MAIN, back), "Location") == f"http://{KIT}/pay?x=1"

    # A form waits, and is shown at the host it was sent to: no other origin may send one there.
    kept = field_of(await browser.ask(KIT, "/pay", form="amount=1"), "Location")
    back = kept.partition("next=")[2].replace("%3F", "?").replace("%3D", "=")
    there = field_of(await browser.ask(MAIN, back), "Location")
    assert there == f"http://{KIT}/-/step-up/continue"
    at_main = await browser.ask(MAIN, "/-/step-up/continue")
    at_kit, at_fleet = [await browser.ask(h, "/-/step-up/continue") for h in (KIT, FLEET)]
    assert field_of(at_main, "Location").startswith("/-/sign-on/kit?to=")
    assert field_of(at_kit, "Location").startswith("/-/step-up?next=")  # nothing was shown yet
    assert status_of(at_fleet) == 303


PAY = """<!doctype html><meta charset="utf-8"><title>Pay</title>
<link rel="icon" href="data:,"><form method="post" action="/pay">
<input name="amount"><textarea name="note"></textarea><input name="note" value="two">
<button>Pay</button></form>"""
NOTE = "für <b> \"&' +%\nline two"


async def enrolled(browser: Browser) -> AuthenticatorApp:
    """Add an authenticator app for whoever is signed in at the gateway."""
    page = (await browser.ask(MAIN, ADD_APP)).decode()
    secret = re.search(r"data-secret>([A-Z2-7 ]+)<", page)
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert secret is not None
    assert token is not None
    app = AuthenticatorApp(secret=secret[1].replace(" ", ""))
    form = {"csrf_token": token[1], "next": "/-/portal", "name": "Phone", "code": app.code()}
    assert status_of(await browser.ask(MAIN, ADD_APP, form=urlencode(form))) == 200
    return app


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
async def test_a_form_at_a_systems_host_is_sent_once_after_a_second_factor(place: Place) -> None:
    """In a browser, which holds on to cookies, origins and `form-action` as none of ours does."""
    app = await enrolled(place.browser)
    cookie = place.gate.signed_in(again=True)
    name, _, token = cookie.strip().removeprefix("Cookie: ").partition("=")
    place.kit.page = PAY.encode()
    host, port = place.gate.address
    complaints: list[str] = []
    async with async_playwright() as playwright:
        options = ["--no-sandbox", f"--host-resolver-rules=MAP *:8080 {host}:{port}"]
        chromium = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=options)
        context = await chromium.new_context()
        await context.add_cookies([{"name": name, "value": token, "url": f"http://{MAIN}"}])
        page = await context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: complaints.append(message.text))
        await page.goto(f"http://{KIT}/home")
        await page.fill("[name=amount]", "12.50")
        await page.fill("textarea", NOTE)
        await page.click("text=Pay")
        asked_at, before = page.url, list(place.kit.sent)
        await page.fill("#code", app.code())
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"http://{KIT}/-/step-up/continue")
        waiting = list(place.kit.sent)
        await page.click("text=Send what you had filled in")
        await page.wait_for_url(f"http://{KIT}/pay")
        await page.goto(f"http://{KIT}/-/step-up/continue")
        told = await page.text_content("h1")
        await chromium.close()

    assert asked_at.startswith(f"http://{MAIN}/-/step-up?next=/-/sign-on/kit")
    assert before == waiting == [b""]  # of the page alone
    (sent,) = [each for each in place.kit.sent if each]
    assert parse_qsl(sent.decode(), keep_blank_values=True, strict_parsing=True) == [
        ("amount", "12.50"),
        ("note", NOTE.replace("\n", "\r\n")),
        ("note", "two"),
    ]
    assert told == "Nothing waits to be sent"
    assert complaints == []


async def test_a_redirect_to_another_host_of_ours_is_passed_on_whole(place: Place) -> None:
    browser = place.browser
    await browser.open(FLEET, "/home")
    for said, told in (
        (f"http://{KIT}/home?x", f"http://{KIT}/home?x"),
        (f"http://{FLEET}/home?x", "/home?x"),
        (f"http://{MAIN}/-/portal", f"http://{MAIN}/-/portal"),
        ("http://evil.example/", ""),
    ):
        place.fleet.more = f"Location: {said}\r\n".encode()
        assert field_of(await browser.ask(FLEET, "/home"), "Location") == told, said
