"""A worker put together from settings: everything real but the back office, on a free port."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.backoffice.drained_instances import set_drained
from gateway.bulletin import Bulletin, BulletinReader
from gateway.errors import KeysError, StoreError
from gateway.front import assembly
from gateway.front.assembly import Assembly
from gateway.front.clock import clock, wall_us
from gateway.front.from_settings import session_rules
from gateway.front.policy_in_force import PolicyInForce
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import SessionTokens
from gateway.identity.staff import remember
from gateway.keys import KeyRing
from gateway.policy_versions import PolicyVersions
from gateway.settings import Settings
from gateway.store.engine import open_store, reading, writing
from gateway.store.schema import instant
from gateway.wire.connection import Connection
from policies.errors import PolicyFileError
from policies.policy_files import PolicyFiles
from tests.doubles.front_proxies import SECRET
from tests.doubles.raw_client import RawClient
from tests.doubles.scripted_upstream import ScriptedUpstream
from tests.doubles.waiting import until
from tests.gateway.backoffice.gate import OK, answering
from tests.gateway.front.conftest import SettingsMaker
from tests.gateway.proxied import asking_fields
from tests.gateway.stand import field_of, status_of
from tests.policies.people import FIRE, LIBRARY, copied_set, grant
from tests.vetting.exports import row, to_csv
from vetting.levels import LevelOrder
from vetting.person import PersonKey
from vetting.register import Register

PERSON = PersonKey(organisation=FIRE, employee_number="40011")
SECOND = PersonKey(organisation=FIRE, employee_number="40002")


TOKEN = "a-token-of-a-program"
OTHERS = f"""
[[front_proxy]]
id = "front"
kind = "nginx"
networks = ["127.0.0.1/32"]
secret_file = "front.secret"

[[decisions.client]]
id = "rota"
token_sha256 = "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
organisations = ["{FIRE}"]

"""
QUESTION = {
    "subject": {"type": "staff", "id": f"{FIRE}/id-alice"},
    "resource": {"type": "function", "id": "pay.slip"},
    "action": {"name": "read"},
}


class Gate:
    """A listening worker, and somebody who is signed in."""

    def __init__(self, settings: Settings, address: tuple[str, int]) -> None:
        self.settings = settings
        self.address = address
        self.clients: list[RawClient] = []

    async def ask(self, path: str, more: str = "", *, accept: str = "text/html") -> bytes:
        streams = await asyncio.open_connection(*self.address)
        client = RawClient(*streams, host="localhost:8080")
        self.clients.append(client)
        return await client.get(path, more=f"Accept: {accept}\r\n{more}")

    async def post(self, path: str, token: str, said: object) -> bytes:
        """Post JSON as a program does."""
        body = orjson.dumps(said)
        client = RawClient(*await asyncio.open_connection(*self.address), host="localhost:8080")
        self.clients.append(client)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost:8080\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        await client.say(head.encode() + body)
        return await client.answer()

    async def push(self, key: Ed25519PrivateKey, export: str) -> bytes:
        """Send an export as the unit's server does."""
        body = export.encode()
        client = RawClient(*await asyncio.open_connection(*self.address), host="localhost:8080")
        self.clients.append(client)
        signature = base64.b64encode(key.sign(body)).decode()
        head = (
            f"POST /-/api/vetting/feed/unit HTTP/1.1\r\nHost: localhost:8080\r\n"
            f"Feed-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        await client.say(head.encode() + body)
        return await client.answer()

    def signed_in(self, *, again: bool = False) -> str:
        """Open a session as another worker would, for somebody with DBS Basic; gives its cookie."""
        store = open_store(self.settings.store_url)
        bulletin = Bulletin(self.settings.gateway.state_directory)
        sessions = Sessions(
            store,
            bulletin,
            session_rules(self.settings),
            SessionTokens(KeyRing.open(self.settings.keys.directory).session_secret),
        )
        person = DirectoryPerson(
            directory_id="id-alice", username="alice", name="Alice", employee_number="40011"
        )
        with writing(store) as connection:
            if not again:
                Register(LevelOrder.shipped(), accepted=frozenset()).grant(
                    connection, PERSON, grant("DBSB"), by="test", at=clock()
                )
            staff = remember(connection, FIRE, person, clock())
            token, _ = sessions.open(
                connection,
                staff_id=staff.staff_id,
                organisation=FIRE,
                directory=FIRE,
                factors=frozenset({"password"}),
                at=clock(),
            )
        bulletin.ring()
        bulletin.close()
        store.dispose()
        return f"Cookie: gateway-localhost={token}\r\n"


@contextlib.asynccontextmanager
async def gate(settings: Settings) -> AsyncIterator[Gate]:
    loop = asyncio.get_running_loop()
    with Assembly(settings, loop) as assembly:
        server = await loop.create_server(lambda: Connection(assembly.front, loop), "127.0.0.1", 0)
        made = Gate(settings, server.sockets[0].getsockname())
        try:
            yield made
        finally:
            server.close()
            for client in made.clients:
                client.writer.close()
            await assembly.front.drain(1)


async def test_machines_are_told_health_readiness_and_keys(
    make_settings: SettingsMaker, tmp_path: Path
) -> None:
    (tmp_path / "front.secret").write_text(SECRET)
    (tmp_path / "front.secret").chmod(0o600)
    settings = make_settings(("[[upstream]]", OTHERS + "[[upstream]]"))
    async with gate(settings) as one:
        health, ready = await one.ask("/-/health"), await one.ask("/-/ready")
        keys = await one.ask("/.well-known/jwks.json")
        places = await one.ask("/.well-known/authzen-configuration")
        asking = asking_fields().replace("Host: gate", "Host: localhost:8080")
        asked = await one.ask("/-/forward-auth", asking + one.signed_in())
        decided = await one.post("/-/access/v1/evaluation", TOKEN, QUESTION)

    assert (status_of(asked), status_of(places)) == (200, 200)
    assert field_of(asked, "Gateway-Assertion")
    assert decided.endswith(b'{"decision":true}')

    assert [status_of(each) for each in (health, ready, keys)] == [200, 200, 200]
    assert orjson.loads(ready.partition(b"\r\n\r\n")[2])["parts"] == {
        "record": "ok",
        "bulletin": "ok",
    }
    assert b'"kid"' in keys


async def test_pages_are_there_for_everybody_and_for_those_signed_in(
    make_settings: SettingsMaker,
) -> None:
    async with gate(make_settings()) as one:
        sign_in = await one.ask("/-/sign-in")
        stranger = await one.ask("/-/portal")
        portal = await one.ask("/-/portal", one.signed_in())

    assert status_of(sign_in) == 200
    assert b"Cheshire Fire and Rescue Service" in sign_in
    assert (status_of(stranger), field_of(stranger, "Location")) == (303, "/-/sign-in")
    assert status_of(portal) == 200
    assert b'data-function="pay.slip"' in portal


async def test_what_is_permitted_reaches_the_system_with_who_is_asking(
    make_settings: SettingsMaker,
) -> None:
    async with ScriptedUpstream(answering(OK)) as upstream:
        url = ("http://127.0.0.1:9000", f"http://127.0.0.1:{upstream.port}")
        async with gate(make_settings(url)) as one:
            cookie = one.signed_in()
            answer = await one.ask("/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP", cookie)
            refused = await one.ask("/OA_HTML/OA.jsp?OAFunc=XX_PAYADJ", cookie)

        assert answer.endswith(b"ok")
        assert status_of(refused) == 404
        (exchange,) = upstream.exchanges
        assert exchange.received.startswith(b"GET /OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP HTTP/1.1\r\n")
        assert re.search(rb"\r\nGateway-Assertion: [\w.-]{100,}\r\n", exchange.received)
        assert b"gateway-localhost" not in exchange.received


async def test_a_store_that_fails_shows_in_readiness_and_the_log(
    make_settings: SettingsMaker, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = make_settings()
    async with gate(settings) as one:
        store = open_store(settings.store_url)
        with writing(store) as connection:
            connection.exec_driver_sql("ALTER TABLE bulletin RENAME TO gone")
        store.dispose()
        await asyncio.sleep(0.6)
        answer = await one.ask("/-/health")

    assert status_of(answer) == 200
    assert '"read failed"' in capfd.readouterr().err


@pytest.mark.parametrize(
    ("breaks", "error"),
    [("keys", KeysError), ("policy", PolicyFileError), ("state", StoreError)],
)
async def test_a_worker_that_lacks_something_opens_nothing(
    make_settings: SettingsMaker, breaks: str, error: type[Exception]
) -> None:
    changes = [(str(LIBRARY), str(LIBRARY.parent))] if breaks == "policy" else []
    settings = make_settings(*changes, keys=breaks != "keys", store=breaks != "state")
    if breaks == "state":
        settings.gateway.state_directory.rmdir()

    with pytest.raises(error), Assembly(settings, asyncio.get_running_loop()):
        pytest.fail("it was opened")


def put_in_force(settings: Settings, directory: Path) -> None:
    """Put another policy set in force, as a command of two people would."""
    store, bulletin = open_store(settings.store_url), Bulletin(settings.gateway.state_directory)
    versions = PolicyVersions(store, bulletin)
    files = PolicyFiles.read(directory)
    digest = files.load().digest
    number = versions.propose(
        files, digest, base=1, loosens=True, reason="", by="a", at=clock()
    ).number
    versions.put_in_force(number, by="b", at=clock())
    bulletin.close()
    store.dispose()


async def test_a_set_that_comes_into_force_while_a_worker_starts_is_its_own_too(
    make_settings: SettingsMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is announced before this worker began to read the bulletin: nobody tells it again."""
    settings, made = make_settings(), list[PolicyInForce]()
    edited = copied_set(tmp_path / "edited")
    begin = BulletinReader.start

    class Watched(PolicyInForce):
        def __init__(self, versions: PolicyVersions) -> None:
            super().__init__(versions)
            made.append(self)

    def late(reader: BulletinReader) -> None:
        put_in_force(settings, edited)
        begin(reader)

    monkeypatch.setattr(assembly, "PolicyInForce", Watched)
    monkeypatch.setattr(BulletinReader, "start", late)
    with Assembly(settings, asyncio.get_running_loop()):
        assert [each.number for each in made] == [2]


async def test_what_an_operator_drains_is_drained_in_a_worker_that_runs(
    make_settings: SettingsMaker,
) -> None:
    settings = make_settings()
    with Assembly(settings, asyncio.get_running_loop()) as started:
        (system,) = started.front._upstreams
        store, bulletin = open_store(settings.store_url), Bulletin(settings.gateway.state_directory)
        url = system.instances[0].url
        with writing(store) as connection:
            set_drained(connection, bulletin, "ebs", url, drained=True, at=clock())
        bulletin.ring()
        await until(lambda: system.only is None)
        bulletin.close()
        store.dispose()

        assert system.state == "away"


async def test_once_a_set_is_in_force_the_files_change_nothing_not_even_broken(
    make_settings: SettingsMaker, tmp_path: Path
) -> None:
    edited = copied_set(tmp_path / "edited")
    settings = make_settings((str(LIBRARY), str(edited)))
    with Assembly(settings, asyncio.get_running_loop()):
        pass
    (edited / "rules.toml").write_text("rule = 1")

    with Assembly(settings, asyncio.get_running_loop()) as started:
        assert started.front is not None


def test_the_clock_is_one_and_knows_its_zone() -> None:
    assert instant(1_800_000_000_000_001) == datetime(2027, 1, 15, 8, 0, 0, 1, tzinfo=UTC)
    assert abs(clock().timestamp() - wall_us() / 1_000_000) < 1


async def test_a_vetting_unit_sends_its_export_and_everybody_sees_it_at_once(
    make_settings: SettingsMaker, tmp_path: Path
) -> None:
    """The real import, in a process of its own."""
    key = Ed25519PrivateKey.generate()
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "unit.pem").write_bytes(pem)
    feed = '[[vetting.feed]]\nid = "unit"\ntitle = "Unit"\ngranting_bodies = ["cheshire-police"]\n'
    feed += 'public_key_file = "unit.pem"\n\n[[organisation]]'
    settings = make_settings(("[[organisation]]", feed))
    async with gate(settings) as one:
        forged = await one.push(Ed25519PrivateKey.generate(), to_csv(row(1)))
        taken = await one.push(key, to_csv(row(1), row(2)))

    assert [status_of(each) for each in (forged, taken)] == [401, 200]
    told, report = (orjson.loads(each.partition(b"\r\n\r\n")[2]) for each in (forged, taken))
    assert told.keys() == {"refused", "reference"}
    assert (report["new"], report["made"], report["source"]) == (2, 2, "signed")
    store = open_store(settings.store_url)
    with reading(store) as connection:
        register = Register(LevelOrder.shipped(), accepted=frozenset({"cheshire-police"}))
        assert register.clearance_of(connection, SECOND).grants
    store.dispose()
