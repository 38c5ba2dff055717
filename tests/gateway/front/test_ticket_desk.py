"""Signing in with a ticket through a whole worker: from the button to the record, over HTTP."""

from __future__ import annotations

import asyncio
import base64
import re
import stat
import sys
from pathlib import Path
from typing import cast
from urllib.parse import urlencode

import pytest

from gateway.audit.entry import Outcome
from gateway.audit.recorder import Recorder
from gateway.errors import DirectoryMisconfigured, SignInRefused
from gateway.front.assembly import Assembly
from gateway.front.sign_in_desk import RecordedSignIn
from gateway.front.ticket_desk import RecordedTickets, ticket_acceptor
from gateway.identity.desktops.kerberos_sign_in import KerberosSignIn
from gateway.identity.desktops.tickets import KerberosSettings
from gateway.settings import Settings
from gateway.throttle import RefusalThrottle
from tests.doubles.desktop import GATE, Desktop
from tests.doubles.raw_client import RawClient
from tests.doubles.samba import BASE, DOMAIN, REALM, SERVICE_NAME
from tests.doubles.scripted_upstream import ScriptedUpstream
from tests.gateway.backoffice.gate import OK, answering
from tests.gateway.front.conftest import SettingsMaker
from tests.gateway.front.test_assembly import Gate, gate
from tests.gateway.front.test_sign_in_desk import NotingRecorder
from tests.gateway.identity.desks import Desk, ScriptedDirectory
from tests.gateway.identity.parts import AT, FIRE, Parts, new_parts
from tests.gateway.stand import field_of, status_of
from tests.gateway.visits import new_visit, request

PROJECT = Path(__file__).parents[3]
PAGE = f"/-/sign-in/{FIRE}"
SEND = f"/-/sign-in/kerberos/{FIRE}"
ORIGIN = "Origin: http://localhost:8080\r\nSec-Fetch-Site: same-origin\r\n"
LDAP = '{ kind = "ldap", uris = ["ldaps://127.0.0.1:6362"], ca_file = "ca.pem", base = "dc=fire" }'


def domain_table(desktop: Desktop, keytab: Path | None = None) -> str:
    domain = desktop.domain
    kerberos = (
        f'{{ keytab_file = "{keytab or desktop.keytab_file}", service = "{GATE}", '
        f'realms = ["{REALM}"] }}'
    )
    return (
        f'{{ kind = "active-directory", uris = ["{domain.ldaps_uri}"], '
        f'ca_file = "{domain.ca_file}", base = "{BASE}", domain = "{DOMAIN}", '
        f'bind_dn = "{SERVICE_NAME}", bind_password_file = "{domain.bind_password_file}", '
        f"kerberos = {kerberos} }}"
    )


@pytest.fixture
def settings(desktop: Desktop, make_settings: SettingsMaker) -> Settings:
    """A gateway whose fire service has a domain, and tickets of it."""
    return make_settings((LDAP, domain_table(desktop)))


class Browser:
    """A browser that has opened the sign-in page; it says what it is told to."""

    def __init__(self, one: Gate) -> None:
        self.one = one
        self.cookie = ""
        self.form = ""

    async def open(self) -> Browser:
        page = await self.one.ask(PAGE)
        token = re.search(rb'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        self.cookie = field_of(page, "Set-Cookie").partition(";")[0]
        self.form = urlencode({"csrf_token": token[1].decode(), "next": "/-/me"})
        return self

    async def press(self, authorization: str = "", more: str = ORIGIN) -> bytes:
        streams = await asyncio.open_connection(*self.one.address)
        client = RawClient(*streams, host="localhost:8080")
        self.one.clients.append(client)
        shown = f"Authorization: {authorization}\r\n" if authorization else ""
        await client.say(
            f"POST {SEND} HTTP/1.1\r\nHost: localhost:8080\r\nCookie: {self.cookie}\r\n{more}"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(self.form)}\r\n{shown}\r\n{self.form}".encode()
        )
        return await client.answer()


@pytest.mark.directory
async def test_a_desktop_signs_in_over_http_and_its_ticket_is_kept_nowhere(
    desktop: Desktop, settings: Settings, capfd: pytest.CaptureFixture[str]
) -> None:
    desktop.domain.add_person("rhona", employeeID="7201")
    context, token = desktop.show(desktop.sign_in("rhona"))
    text = base64.b64encode(token).decode()
    async with gate(settings) as one:
        browser = await Browser(one).open()
        asked = await browser.press()
        signed_in = await browser.press(f"Negotiate {text}")
        session = next(
            line.partition(": ")[2].partition(";")[0]
            for line in signed_in.decode("latin-1").split("\r\n")
            if line.startswith("Set-Cookie: gateway-localhost=")
        )
        me = await one.ask("/-/portal", f"Cookie: {session}\r\nAuthorization: Negotiate {text}\r\n")
        again = await (await Browser(one).open()).press(f"Negotiate {text}")

    assert (status_of(asked), field_of(asked, "WWW-Authenticate")) == (401, "Negotiate")
    assert b"This computer did not sign you in" in asked
    assert (status_of(signed_in), field_of(signed_in, "Location")) == (303, "/-/me")
    with desktop.configured():
        context.step(base64.b64decode(field_of(signed_in, "WWW-Authenticate").split(" ")[1]))
    assert context.complete
    assert status_of(me) == 200
    assert b"Rhona" in me
    assert status_of(again) == 403
    assert field_of(again, "WWW-Authenticate") == ""
    folder = settings.gateway.state_directory / "kerberos"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    told = capfd.readouterr()
    assert "Request is a replay" in told.err
    everything = told.out + told.err + again.decode() + me.decode()
    kept = b"".join(each.read_bytes() for each in settings.record.directory.rglob("*.*"))
    for place in (everything.encode(), kept):
        assert text[200:260].encode() not in place


@pytest.mark.directory
async def test_another_site_and_too_large_a_ticket_come_no_further(
    desktop: Desktop, settings: Settings
) -> None:
    del desktop
    async with gate(settings) as one:
        browser = await Browser(one).open()
        foreign = await browser.press("Negotiate YA==", "Origin: https://evil.example\r\n")
        silent = await browser.press("Negotiate YA==", "")
        broken = await browser.press("Negotiate YA==")
        large = await browser.press("Negotiate " + "A" * 70_000)

    assert [status_of(each) for each in (foreign, silent, broken, large)] == [403, 403, 403, 431]


async def test_a_ticket_never_reaches_the_back_office(make_settings: SettingsMaker) -> None:
    async with ScriptedUpstream(answering(OK)) as upstream:
        url = ("http://127.0.0.1:9000", f"http://127.0.0.1:{upstream.port}")
        async with gate(make_settings(url)) as one:
            cookie = one.signed_in()
            await one.ask(
                "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", f"{cookie}Authorization: Negotiate YIIabc\r\n"
            )
        (exchange,) = upstream.exchanges

    assert b"YIIabc" not in exchange.received
    assert b"authorization" not in exchange.received.lower()


@pytest.mark.directory
async def test_a_keytab_without_the_key_is_told_at_the_start(
    desktop: Desktop, make_settings: SettingsMaker, tmp_path: Path
) -> None:
    keytab = tmp_path / "empty.keytab"
    keytab.write_bytes(b"\x05\x02")
    keytab.chmod(0o600)
    settings = make_settings((LDAP, domain_table(desktop, keytab)))

    with (
        pytest.raises(DirectoryMisconfigured, match="holds no key of `HTTP/gate"),
        Assembly(settings, asyncio.get_running_loop()),
    ):
        pytest.fail("it was opened")


def test_without_the_library_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    monkeypatch.delitem(sys.modules, "gateway.identity.desktops.kerberos", raising=False)
    settings = KerberosSettings(
        keytab_file=tmp_path / "k", service=GATE, realms=(REALM,), replay_folder=tmp_path
    )

    with pytest.raises(DirectoryMisconfigured, match=r"pip install 'vetted-gateway\[kerberos\]'"):
        ticket_acceptor(settings)


def test_nothing_of_kerberos_is_loaded_where_nobody_takes_tickets() -> None:
    """The extra may be missing there: so nobody imports it while the modules are loaded."""
    at_once = re.compile(r"^(from|import) gateway\.identity\.desktops\.kerberos\b", re.MULTILINE)
    sources = {path: path.read_text() for path in (PROJECT / "gateway").rglob("*.py")}

    assert [path.name for path, text in sources.items() if at_once.search(text)] == []
    assert [
        path.name for path, text in sources.items() if "identity.desktops.kerberos import" in text
    ] == ["ticket_desk.py"]


def refused_desk(parts: Parts, recorder: NotingRecorder) -> RecordedTickets:
    doors = Desk(parts, ScriptedDirectory(), ScriptedDirectory())
    desk = RecordedSignIn(
        sign_in=doors.sign_in,
        sessions=parts.sessions,
        recorder=cast("Recorder", recorder),
        throttle=RefusalThrottle(),
        clock=lambda: AT,
    )
    return RecordedTickets(tickets=KerberosSignIn(doors={}, sign_in=doors.sign_in), desk=desk)


def test_failures_of_one_source_are_recorded_one_by_one_to_a_bound(tmp_path: Path) -> None:
    recorder = NotingRecorder()
    with new_parts(tmp_path) as parts:
        desk = refused_desk(parts, recorder)
        for _ in range(25):
            with pytest.raises(SignInRefused):
                desk.sign_in(FIRE, "Negotiate x", visit=new_visit(request("POST")), replaces=None)

    assert len(recorder.drafts) == 20
    draft = recorder.drafts[0]
    assert (draft.outcome, draft.organisation) == (Outcome.DENY, FIRE)
