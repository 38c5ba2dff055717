"""The gate as it is measured: everything on, and nginx as its back office.

It is the demo of three organisations with their real directories, of which one process differs:
the back office. Somebody signs in as a person would, and the load carries that session's cookie.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

from typing_extensions import override

from deploy.demo.stack import Stack
from deploy.demo.visitor import Visitor
from tests.benchmarks.load import Asked, WrongAnswersError
from tests.benchmarks.servers import LdapAccess

ORGANISATION = "cheshire-fire"
USERNAME = "firefighter"
# Own payslip: OFFICIAL, for staff screened by their employer, under an agreement and a rule.
TARGET = "/OA_HTML/OA.jsp?OAFunc=XX_PAYSLIP"
ACCEPT = "text/html"


@dataclass(slots=True, kw_only=True)
class GateStack(Stack):
    """The demo with another back office.

    Attributes:
        back_office: command line of what answers behind the gate.
    """

    back_office: list[str] = field(default_factory=list)

    @override
    def _back_office_command(self) -> list[str]:
        return self.back_office

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
        cookies = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        return Asked(
            title="gate",
            port=self.places.port,
            target=TARGET,
            headers={"Host": f"localhost:{self.places.port}", "Accept": ACCEPT, "Cookie": cookies},
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
