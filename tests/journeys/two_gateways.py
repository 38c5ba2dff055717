"""Two gateways on one database, four workers each, as on two machines: no memory between them."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil
import trustme
from sqlalchemy import Engine

from deploy.demo.places import free_ports
from gateway.bulletin import Bulletin
from gateway.front.from_settings import session_rules
from gateway.identity.directories.directory import DirectoryPerson
from gateway.identity.factors.factor_seal import FactorSeal
from gateway.identity.providers.provider_claims import provider_directory_id
from gateway.identity.sessions.session import Session
from gateway.identity.sessions.sessions import Sessions
from gateway.identity.sessions.tokens import SessionTokens
from gateway.identity.signing_in.sign_in import Vouched
from gateway.identity.signing_in.stages import SignInStages
from gateway.identity.staff import remember
from gateway.keys import KeyRing
from gateway.settings import Settings, load_settings
from gateway.store.engine import open_store, writing
from gateway.store.migration import migrate
from tests.doubles.token_issuer import TokenIssuer, mint
from tests.gateway.cli.place import LIBRARY, TEXT

WORKERS = 4
STARTED_SECONDS = 60.0
PROVIDER = """
[[organisation]]
id = "nwas"
name = "North West Ambulance Service"
kind = "ambulance"
help_contact = "ICT help"
second_factor = "at-sign-in"

[[organisation.directory]]
kind = "oidc"
name = "NWAS"
issuer = "{issuer}"
client_id = "gateway"
client_authentication = "none"
"""


@dataclass(slots=True, kw_only=True)
class Gateway:
    """One gateway that serves, with connections that stay open at each of its workers."""

    settings: Settings
    port: int
    process: subprocess.Popen[bytes]
    output: Path  # what it has said so far
    connections: list[http.client.HTTPConnection] = field(default_factory=list)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTED_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection), contextlib.suppress(OSError):
                connection.request("GET", "/-/ready", headers={"Host": f"localhost:{self.port}"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 200:
                    return
            time.sleep(0.05)
        raise AssertionError(
            f"the gateway has not started (ended: {self.process.poll()}); it said:\n"
            f"{self.output.read_text()}"
        )

    @property
    def workers(self) -> list[int]:
        """Ids of the processes that serve."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def reach_every_worker(self) -> None:
        """Connect until each worker has a connection in hand."""
        pids = self.workers
        held: set[int] = set()
        deadline = time.monotonic() + STARTED_SECONDS
        while len(held) < WORKERS and time.monotonic() < deadline:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", "/-/health", headers={"Host": f"localhost:{self.port}"})
            connection.getresponse().read()
            own = connection.sock.getsockname()[1]
            for pid in pids:
                ends = psutil.Process(pid).net_connections("tcp4")
                if own in [getattr(one.raddr, "port", None) for one in ends]:
                    held.add(pid)
            self.connections.append(connection)
        assert len(held) == WORKERS

    def statuses(self, token: str, *, path: str = "/-/me", cookie: str = "") -> set[int]:
        """Ask for one's own sessions, or something else, at every worker."""
        met = set()
        for connection in self.connections:
            connection.request(
                "GET",
                path,
                headers={
                    "Host": f"localhost:{self.port}",
                    "Cookie": f"gateway-localhost{cookie}={token}",
                    "Accept": "text/html",
                },
            )
            answer = connection.getresponse()
            answer.read()
            met.add(answer.status)
        return met


@dataclass(slots=True, kw_only=True)
class TwoGateways:
    """Both, and the store they share, as the first one's machine sees it."""

    here: Gateway
    there: Gateway
    issuer: TokenIssuer
    sessions: Sessions
    store: Engine

    def sign_in(self, name: str, number: str) -> tuple[str, Session]:
        at = datetime.now(UTC)  # noqa: TID251 -- the gateways live now
        person = DirectoryPerson(
            directory_id=f"id-{name}", username=name, name=name, employee_number=number
        )
        with writing(self.store) as connection:
            staff = remember(connection, "cheshire-fire", person, at)
            return self.sessions.open(
                connection,
                staff_id=staff.staff_id,
                organisation="cheshire-fire",
                directory="cheshire-fire",
                factors=frozenset({"password"}),
                at=at,
            )

    def sign_in_at_provider(self, subject: str, sid: str) -> tuple[str, str]:
        """Sign somebody in through the provider, twice; gives a session's token and a stage's.

        The second sign-in still waits for its second factor.
        """
        at = datetime.now(UTC)  # noqa: TID251 -- the gateways live now
        person = DirectoryPerson(
            directory_id=provider_directory_id(self.issuer.url, subject),
            username=subject,
            name=subject,
            employee_number=subject,
        )
        vouched = Vouched(
            organisation="nwas",
            directory="nwas",
            person=person,
            factors=frozenset({"provider"}),
            source="127.0.0.1",
            provider_session=sid,
        )
        with writing(self.store) as connection:
            staff = remember(connection, "nwas", person, at, directory="nwas")
            token, _ = self.sessions.open(
                connection,
                staff_id=staff.staff_id,
                organisation="nwas",
                directory="nwas",
                factors=vouched.factors,
                provider_session=sid,
                at=at,
            )
            keys = KeyRing.open(self.here.settings.keys.directory)
            stages = SignInStages(self.store, FactorSeal(keys.second_factor_keys))
            return token, stages.begin(connection, staff, vouched, at)

    def sign_out_at_provider(self, sid: str) -> int:
        """Have the provider tell the first gateway that a session of its own is over."""
        now = int(datetime.now(UTC).timestamp())  # noqa: TID251 -- the gateways live now
        token = mint(
            {
                "iss": self.issuer.url,
                "aud": "gateway",
                "iat": now,
                "exp": now + 120,
                "jti": f"over-{sid}",
                "sid": sid,
                "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
            }
        )
        connection = http.client.HTTPConnection("127.0.0.1", self.here.port, timeout=10)
        with contextlib.closing(connection):
            connection.request(
                "POST",
                "/-/oidc/nwas/back-channel",
                body=f"logout_token={token}",
                headers={
                    "Host": f"localhost:{self.here.port}",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
            )
            return connection.getresponse().status


@contextlib.contextmanager
def two_gateways(folder: Path) -> Iterator[TwoGateways]:
    """Start both, and a provider whose every word is the test's."""
    with TokenIssuer() as issuer, _two_gateways(folder, issuer) as made:
        yield made


@contextlib.contextmanager
def _two_gateways(folder: Path, issuer: TokenIssuer) -> Iterator[TwoGateways]:
    trustme.CA().cert_pem.write_to_path(folder / "ca.pem")
    gateways = []
    for name, port in zip(("here", "there"), free_ports(2), strict=True):
        text = TEXT.format(policy=LIBRARY) + PROVIDER.format(issuer=issuer.url)
        text = text.replace('origin = "http://localhost:8080"', (
            f'origin = "http://localhost:{port}"\nlisten = "127.0.0.1:{port}"\n'
            f"workers = {WORKERS}\ndrain_seconds = 0.5"
        ))  # fmt: skip
        text = text.replace('state_directory = "state"', f'state_directory = "state-{name}"')
        text = text.replace('directory = "record"', f'directory = "record-{name}"')
        config = folder / f"{name}.toml"
        config.write_text(text)
        gateways.append((config, port))
    settings = [load_settings(config) for config, _ in gateways]
    for each in settings:
        each.gateway.state_directory.mkdir()
    KeyRing.init(settings[0].keys.directory)
    store = open_store(settings[0].store_url)
    migrate(store)
    # One database, as on a shared disk; the counter in shared memory stays each gateway's own.
    shared = settings[1].gateway.state_directory / "gateway.sqlite"
    shared.symlink_to(settings[0].gateway.state_directory / "gateway.sqlite")
    program = [sys.executable, "-c", "from gateway.cli.main import main; main()"]
    running = []
    for each, (config, port) in zip(settings, gateways, strict=True):
        output = config.with_suffix(".out")
        with output.open("wb") as out:
            process = subprocess.Popen(
                [*program, "serve", "--config", str(config)],
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        running.append(Gateway(settings=each, port=port, process=process, output=output))
    bulletin = Bulletin(settings[0].gateway.state_directory)
    try:
        for gateway in running:
            gateway.wait_until_ready()
            gateway.reach_every_worker()
        yield TwoGateways(
            here=running[0],
            there=running[1],
            issuer=issuer,
            store=store,
            sessions=Sessions(
                store,
                bulletin,
                session_rules(settings[0]),
                SessionTokens(KeyRing.open(settings[0].keys.directory).session_secret),
            ),
        )
    finally:
        for gateway in running:
            for connection in gateway.connections:
                connection.close()
            gateway.process.terminate()
        for gateway in running:
            gateway.process.wait(20)
        bulletin.close()
        store.dispose()
