"""The gate as it is measured: everything on, and nginx as its back office.

It is the demo of three organisations with their real directories, of which one process differs:
the back office. Somebody signs in as a person would, and the load carries that session's cookie.
Where that is what is measured, its disk syncs slower, or a listed proxy may ask it.
"""

from __future__ import annotations

import base64
import sys
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from typing_extensions import override

from deploy.demo.processes import Child
from deploy.demo.stack import Stack, gateway_command
from deploy.demo.staff import StaffMember
from deploy.demo.visitor import Visitor
from tests.benchmarks.load import Asked, WrongAnswersError
from tests.benchmarks.servers import LdapAccess

ORGANISATION = "cheshire-fire"
USERNAME = "firefighter"
# Own payslip: OFFICIAL, for staff screened by their employer, under an agreement and a rule.
TARGET = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
ACCEPT = "text/html"
PROXY_SECRET = "0123456789abcdef0123456789abcdef"
CLIENT = "192.0.2.10"  # whose request the proxy holds

FRONT_PROXY = """
[[front_proxy]]
id = "bench"
kind = "nginx"
networks = ["127.0.0.1/32"]
secret_file = "{secret_file}"
"""


@dataclass(slots=True, kw_only=True)
class GateStack(Stack):
    """The demo with another back office.

    Attributes:
        back_office: command line of what answers behind the gate.
        slow_disk: whether every sync takes a millisecond longer.
        asked_by_proxy: whether a proxy on this machine may ask.
    """

    back_office: list[str] = field(default_factory=list)
    slow_disk: bool = False
    asked_by_proxy: bool = False

    @override
    def _back_office_command(self) -> list[str]:
        return self.back_office

    @override
    def _make_children(self) -> list[Child]:
        children = Stack._make_children(self)
        if self.slow_disk:
            own = gateway_command()
            for child in children:
                if child.command[: len(own)] == own:
                    slow = [sys.executable, "-m", "tests.benchmarks.slow_disk"]
                    child.command = [*slow, *child.command[len(own) :]]
        return children

    @override
    def _prepare_gateway(self, staff: tuple[StaffMember, ...], at: datetime) -> None:
        Stack._prepare_gateway(self, staff, at)
        if self.asked_by_proxy:
            secret_file = self.places.folder / "front-proxy.secret"
            secret_file.touch(0o600)
            secret_file.write_text(PROXY_SECRET, "ascii")
            with self.places.settings_file.open("a", encoding="utf-8") as settings:
                settings.write(FRONT_PROXY.format(secret_file=secret_file))

    @property
    def gate_pids(self) -> tuple[int, ...]:
        """Give the processes of the gate: that of the workers and the sequencer."""
        return tuple(
            child.pid for child in self.children if child.title in {"the gateway", "the sequencer"}
        )

    @property
    def checkpoint(self) -> Path:
        """Give the file with the signed head of the record."""
        return self.places.record / "log" / "checkpoint"

    def signed_in(self) -> Asked:
        """Sign somebody in, and give what the load asks for with their session.

        Raises:
            WrongAnswersError: if sign-in is refused.
        """
        visitor = Visitor(port=self.places.port)
        page = visitor.sign_in(ORGANISATION, USERNAME, self.accounts.password)
        if page.status != 303 or not visitor.cookies:
            message = f"the gate: sign-in answered {page.status}"
            raise WrongAnswersError(message)
        cookies = visitor.cookie_field
        return Asked(
            title="gate",
            port=self.places.port,
            target=TARGET,
            headers={"Host": f"localhost:{self.places.port}", "Accept": ACCEPT, "Cookie": cookies},
        )

    def held_by_proxy(self) -> Asked:
        """Give what a proxy asks that holds the request of `signed_in`, in the way of nginx."""
        held = self.signed_in()
        return Asked(
            title="gate, forward auth",
            port=held.port,
            target="/-/forward-auth",
            headers={
                **held.headers,
                "Gateway-Proxy-Secret": PROXY_SECRET,
                "X-Forwarded-Method": "GET",
                "X-Forwarded-Uri": held.target,
                "X-Forwarded-Host": held.headers["Host"],
                "X-Forwarded-Proto": "http",
                "X-Forwarded-For": CLIENT,
            },
        )

    @property
    def ldap(self) -> LdapAccess:
        """Give the directory in which that person is found, for another server to ask."""
        directory = next(
            one for one in self.places.directories if one.organisation.id == ORGANISATION
        )
        return LdapAccess(
            uri=directory.uri,
            base=directory.organisation.base,
            attribute=directory.organisation.attributes["username"],
            bind_dn=directory.organisation.bind_dn,
            bind_password=directory.bind_password_file.read_text("ascii").strip(),
            ca_file=directory.ca_file,
        )


def basic(username: str, password: str) -> str:
    """Write the field with which a server that keeps no sessions is told who asks (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
