"""What is set for an OpenID provider, as the part that speaks OpenID Connect takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.errors import DirectoryMisconfigured

ClientAuthentication = Literal["client_secret_basic", "client_secret_post", "none"]

ALGORITHMS = ("RS256", "PS256", "ES256")
"""Accepted for signatures unless the settings say otherwise; symmetric ones never are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimNames:
    """What the provider calls what the gateway needs to know; an empty name is not asked for.

    INVARIANT: nothing here names vetting. Who somebody is, `sub` alone says; it has no name here.
    """

    employee_number: str = "employee_number"
    username: str = "preferred_username"
    name: str = "name"
    post: str = "posts"
    unit: str = "unit"
    mail: str = "email"
    groups: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What is set for one provider.

    Attributes:
        id: of this directory in the settings; part of our addresses at it.
        organisation: whose staff it vouches for.
        name: on the button that leads there.
        issuer: exactly as its discovery document and its tokens spell it.
        client_id: ours at this provider.
        redirect_uri: where it sends people back to.
        signed_out_uri: where it sends people after they have signed out there.
        client_secret_file: holds our secret; None for a client without one.
        client_authentication: how the secret is shown.
        ca_file: the authority of its certificate; None for those the system trusts.
        hosts: other hosts than the issuer's at which its endpoints may be.
        scopes: what is asked for, `openid` included.
        algorithms: accepted for signatures.
        claims: what it calls what we need to know.
        ask_userinfo: whether claims are fetched from its userinfo endpoint too.
        overage: what is done when it says that there are more groups than the token holds.
        trusted_amr: its words for a second factor that this organisation's staff need not repeat.
        trusted_acr: likewise.
        max_age_seconds: how long ago the person may have signed in there; None for any time.
        recheck: whether it is asked again, with a refresh token, if people are still there.
        session_seconds: how long a session of its people lasts at most; None for no such limit.
        sign_out_method: how its sign-out form is sent. One whose cookies do not come along with
            forms from elsewhere (`SameSite=Lax`) needs `get`; then the ID token is in the address.
        budget_seconds: for everything asked of it during one sign-in.
    """

    id: str
    organisation: str
    name: str
    issuer: str
    client_id: str
    redirect_uri: str
    signed_out_uri: str
    client_secret_file: Path | None = None
    client_authentication: ClientAuthentication = "client_secret_basic"
    ca_file: Path | None = None
    hosts: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    algorithms: tuple[str, ...] = ALGORITHMS
    claims: ClaimNames = field(default_factory=ClaimNames)
    ask_userinfo: bool = False
    overage: Literal["refuse", "userinfo"] = "refuse"
    trusted_amr: frozenset[str] = frozenset()
    trusted_acr: tuple[str, ...] = ()
    max_age_seconds: int | None = None
    recheck: bool = False
    session_seconds: int | None = None
    sign_out_method: Literal["get", "post"] = "get"
    budget_seconds: float = 5.0

    def client_secret(self) -> str | None:
        """Read our secret, at each use, so that a changed one needs no restart.

        Raises:
            DirectoryMisconfigured: if the file cannot be read; what is in it is not told.
        """
        if self.client_secret_file is None:
            return None
        try:
            secret = self.client_secret_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            message = f"provider: the secret of `{self.id}` cannot be read"
            raise DirectoryMisconfigured(message) from error
        if not secret:
            message = f"provider: the file with the secret of `{self.id}` is empty"
            raise DirectoryMisconfigured(message)
        return secret
