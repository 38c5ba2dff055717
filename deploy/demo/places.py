"""Where everything of one demo lies, and on which ports of the loopback it listens."""

from __future__ import annotations

import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path

from deploy.demo.backoffice.application import SIGN_OUT_PATH
from deploy.demo.directory import Directory
from deploy.demo.openid_provider import OpenIdProvider
from deploy.demo.organisations import DemoOrganisation
from deploy.demo.scenario import Scenario, load_scenario

PROJECT = Path(__file__).resolve().parents[2]
# Below the range from which Linux takes ports for connections (32768 and up).
_PORTS = range(15_000, 32_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """The folder and the ports of one demo.

    Attributes:
        folder: everything the demo keeps; absolute.
        port: of the gateway.
        back_office_port: of the back office.
        server_ports: of directories and providers, in the order of the organisations.
        with_providers: whether there are OpenID providers; without, everybody's password is typed
            here and judged by a directory.
        scenario: which shared service it plays.
        tls: whether the gateway is reached over TLS, by itself.
    """

    folder: Path
    port: int
    back_office_port: int
    server_ports: tuple[int, ...]
    with_providers: bool = True
    scenario: Scenario = field(default_factory=load_scenario)
    tls: bool = False

    @classmethod
    def choose(
        cls,
        folder: Path,
        port: int | None,
        *,
        scenario: Scenario | None = None,
        with_providers: bool = True,
        tls: bool = False,
    ) -> Places:
        """Choose free ports; that of the gateway may be given.

        Args:
            folder: of the demo.
            port: of the gateway; None for a free one.
            scenario: which; None for the first one there was.
            with_providers: whether there are OpenID providers.
            tls: whether the gateway is reached over TLS.
        """
        scenario = scenario or load_scenario()
        free = free_ports(len(scenario.organisations) + 2)
        return cls(
            folder=folder.resolve(),
            port=port or free[0],
            back_office_port=free[1],
            server_ports=free[2:],
            with_providers=with_providers,
            scenario=scenario,
            tls=tls,
        )

    @property
    def origin(self) -> str:
        """Give the address by which staff reach the gateway."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    @property
    def certificates(self) -> Path:
        """Give the folder with the gateway's certificate and its authority's."""
        return self.folder / "tls"

    @property
    def ca_file(self) -> Path | None:
        """Give the authority that the gateway's certificate is of; None without TLS."""
        return self.certificates / "ca.pem" if self.tls else None

    @property
    def back_office(self) -> str:
        """Give the address of the back office."""
        return f"http://127.0.0.1:{self.back_office_port}"

    @property
    def settings_file(self) -> Path:
        """Give the gateway's settings file."""
        return self.folder / "gateway.toml"

    @property
    def state(self) -> Path:
        """Give the folder of the gateway's database."""
        return self.folder / "state"

    @property
    def keys(self) -> Path:
        """Give the folder of the keys."""
        return self.folder / "keys"

    @property
    def record(self) -> Path:
        """Give the folder of the record."""
        return self.folder / "record"

    @property
    def logs(self) -> Path:
        """Give the folder with what the processes say."""
        return self.folder / "logs"

    @property
    def back_office_store(self) -> Path:
        """Give the folder of the back office's store."""
        return self.folder / "backoffice"

    @property
    def people(self) -> Path:
        """Give the file with everybody the back office has records of."""
        return self.folder / "people.json"

    @property
    def requests_seen(self) -> Path:
        """Give the file in which the back office notes what reached it."""
        return self.back_office_store / "requests.log"

    def reached_back_office(self) -> list[str]:
        """Give a line for each request the back office has met: method, target, status, asker.

        Sign-outs are left out: the gateway calls them by itself, some time after a session's end.
        """
        lines = self.requests_seen.read_text("utf-8").splitlines()
        return [line for line in lines if f" {SIGN_OUT_PATH} " not in line]

    @property
    def directories(self) -> tuple[Directory, ...]:
        """Give the directories."""
        return tuple(
            Directory(
                organisation=organisation,
                folder=self.folder / "directories" / organisation.id,
                port=port,
            )
            for organisation, port in self._served()
            if not self._has_provider(organisation)
        )

    @property
    def providers(self) -> tuple[OpenIdProvider, ...]:
        """Give the OpenID providers."""
        return tuple(
            OpenIdProvider(
                id=organisation.id,
                name=organisation.provider,
                folder=self.folder / "providers" / organisation.id,
                port=port,
                gateway=self.origin,
            )
            for organisation, port in self._served()
            if self._has_provider(organisation)
        )

    def _served(self) -> zip[tuple[DemoOrganisation, int]]:
        return zip(self.scenario.organisations, self.server_ports, strict=True)

    def _has_provider(self, organisation: DemoOrganisation) -> bool:
        return self.with_providers and bool(organisation.provider)


def free_ports(count: int) -> tuple[int, ...]:
    """Find ports of the loopback that nobody listens on, all different.

    They are below those the system gives to connections, and drawn by chance: until its server has
    started nothing holds a port, and what the system gives away next would be it.
    """
    found: list[int] = []
    while len(found) < count:
        port = _PORTS.start + secrets.randbelow(len(_PORTS))
        if port not in found and port_is_free(port):
            found.append(port)
    return tuple(found)


def port_is_free(port: int) -> bool:
    """Tell whether the gateway could listen on a port of the loopback."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
