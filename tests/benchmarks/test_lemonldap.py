"""Who signs in at the portal of LemonLDAP::NG gets the page, nobody else; all in one folder."""

from __future__ import annotations

import http.client
import json
import stat
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme

from deploy.demo.places import Places, free_ports
from tests.benchmarks import lemonldap as module
from tests.benchmarks.lemonldap import NEEDED, lemonldap, sign_in
from tests.benchmarks.load import WrongAnswersError
from tests.benchmarks.peers import demand_refusal
from tests.benchmarks.servers import LdapAccess, MissingProgramError, back_office, page
from tests.benchmarks.stand import Ground
from tests.doubles.slapd import PASSWORD, SERVICE_DN, SERVICE_PASSWORD, Slapd, person
from tests.doubles.waiting import wait_until

PERSON, OTHER = "lee", "pat"
installed = pytest.mark.skipif(
    not all(path.exists() for path in NEEDED),
    reason="LemonLDAP::NG is not installed; `make setup-bench BENCH=peers` brings it",
)


@dataclass(frozen=True, slots=True)
class Guarded:
    """LemonLDAP::NG before a page."""

    ground: Ground
    folder: Path
    port: int

    def get(self, cookie: str) -> tuple[int, bytes]:
        asked = self.ground.contenders["lemonldap"].asked
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            connection.request("GET", asked.target, headers={**asked.headers, "Cookie": cookie})
            answer = connection.getresponse()
            return answer.status, answer.read()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Run it with a directory of two people, of whom the rule lets one through."""
    own = tmp_path_factory.mktemp("lemonldap")
    with ExitStack() as stack:
        # That of pytest is closed to the account that it drops to.
        opened = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        opened.chmod(0o755)
        people = person(PERSON, "1") + person(OTHER, "2")
        slapd = stack.enter_context(Slapd(own / "slapd", trustme.CA(), people=people))
        places = Places.choose(own, None)
        ground = Ground(folder=own, open_folder=opened, places=places, stack=stack, say=print)
        ground.run("back-office", ground.upstream, back_office(own / "pages", ground.upstream))
        (port,) = free_ports(1)
        folder = opened / "lemonldap"
        made = lemonldap(folder, port, ground.upstream, _access(slapd), PERSON)
        beside = ground.run("lemonldap-uwsgi", made.socket, made.application)
        ground.put("lemonldap", "LemonLDAP::NG", port, made.front, (beside,))
        yield Guarded(ground, folder, port)


def _access(slapd: Slapd) -> LdapAccess:
    return LdapAccess(
        uri=slapd.ldaps_uri,
        base=slapd.base,
        attribute="uid",
        bind_dn=SERVICE_DN,
        bind_password=SERVICE_PASSWORD,
        ca_file=slapd.ca_file,
    )


@installed
def test_who_signs_in_with_a_password_gets_the_page_and_is_named_in_the_log(
    guarded: Guarded,
) -> None:
    status, body = guarded.get(sign_in(guarded.port, PERSON, PASSWORD))

    assert (status, body) == (200, page())
    log = guarded.folder / "access.log"  # a line is written once its answer has been sent
    wait_until(lambda: f" {PERSON} [" in log.read_text(), found=log.read_text)  # theirs alone


@installed
def test_a_stranger_is_sent_to_the_portal(guarded: Guarded) -> None:
    asked = guarded.ground.contenders["lemonldap"].asked

    demand_refusal(asked, page())
    assert guarded.get("lemonldap=" + "0" * 64)[0] == http.client.FOUND


@installed
def test_whom_the_rule_does_not_name_is_refused(guarded: Guarded) -> None:
    status, body = guarded.get(sign_in(guarded.port, OTHER, PASSWORD))

    assert status != http.client.OK
    assert body != page()


@installed
def test_a_wrong_password_signs_nobody_in(guarded: Guarded) -> None:
    with pytest.raises(WrongAnswersError, match=r"nobody is signed in \(message 5\)"):
        sign_in(guarded.port, PERSON, "wrong")


def test_what_is_not_installed_is_named_with_all_its_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEEDED", (tmp_path / "Portal.pm",))
    ldap = _directory(tmp_path)

    with pytest.raises(MissingProgramError, match=r"Portal\.pm.*apt-get install.*uwsgi-plugin"):
        lemonldap(tmp_path / "made", 1, 2, ldap, PERSON)
    assert not (tmp_path / "made").exists()


def test_all_that_it_keeps_lies_in_its_folder_and_its_password_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "NEEDED", ())
    monkeypatch.setattr(module, "program", lambda *_: "uwsgi")
    folder = tmp_path / "made"
    made = lemonldap(folder, 1, 2, _directory(tmp_path), PERSON)

    written = folder / "configuration" / "lmConf-1.json"
    told = json.loads(written.read_text())
    kept = [
        *told["globalStorageOptions"].values(),
        *told["persistentStorageOptions"].values(),
        told["localSessionStorageOptions"]["cache_root"],
    ]
    assert [each for each in kept if each.startswith("/") and str(folder) not in each] == []
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert made.socket.parent == folder
    assert told["locationRules"] == {"localhost": {"default": f"$uid eq '{PERSON}'"}}


def _directory(folder: Path) -> LdapAccess:
    ca_file = folder / "ca.pem"
    ca_file.write_text("authority")
    return LdapAccess(
        uri="ldaps://127.0.0.1:3",
        base="dc=fire",
        attribute="uid",
        bind_dn="cn=x",
        bind_password="y",
        ca_file=ca_file,
    )


def test_the_form_goes_back_with_its_token_and_gives_the_cookie() -> None:
    sent: list[str] = []

    class Portal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.give('<input type="hidden" name="token" value="a&amp;b" />')

        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.give("", "lemonldappdata=1; path=/", "lemonldap=0123; domain=localhost")

        def give(self, body: str, *cookies: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            for cookie in cookies:
                self.send_header("Set-Cookie", cookie)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Portal) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            cookie = sign_in(server.server_address[1], PERSON, "p&w")
        finally:
            server.shutdown()

    assert cookie == "lemonldap=0123"
    assert sent == ["user=lee&password=p%26w&token=a%26b"]
