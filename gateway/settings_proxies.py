"""The section about other proxies that may ask the gate whether a request of theirs may pass.

A frozen model, as in `gateway.settings_sections`; the description of a field is what a person is
told to do when the value does not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, Strict

from gateway.settings_sections import FilePath, Identifier, Section
from gateway.settings_zones import Network

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.settings_faults import FaultList

LEAST_SECRET_CHARACTERS: Final = 32
_HOST: Final = r"^[a-z0-9.-]+(:[0-9]{1,5})?$"


class FrontProxySection(Section):
    """A proxy that keeps a back office by itself and asks the gate about each request."""

    id: Identifier
    """Write a short name for it, such as `front-nginx`; it stands in the record."""
    kind: Literal["nginx", "forward-auth", "ext-authz"]
    """`nginx` (auth_request), `forward-auth` (Caddy, Traefik) or `ext-authz` (Envoy, over HTTP)."""
    networks: Annotated[tuple[Network, ...], Strict(strict=False), Field(min_length=1)]
    """Write the networks it asks from, such as `127.0.0.1/32`; nobody else may ask in its name."""
    secret_file: FilePath
    """Write the file with the secret it sends as `Gateway-Proxy-Secret`, 32 characters or more."""
    host: str | None = Field(default=None, pattern=_HOST)
    """The `Host` it asks with, where that is not the gateway's own, as Traefik does."""


def check_proxies(proxies: Iterable[tuple[int, FrontProxySection]], faults: FaultList) -> None:
    """Check that each has a secret of its own that nobody else reads."""
    seen: dict[str, str] = {}
    for index, proxy in proxies:
        where = ("front_proxy", index, "secret_file")
        if not faults.demand_readable(where, proxy.secret_file):
            continue
        faults.demand_private(where, proxy.secret_file)
        secret = read_secret(proxy)
        if len(secret) < LEAST_SECRET_CHARACTERS or not secret.isascii() or " " in secret:
            faults.add(
                where,
                f"the secret is not {LEAST_SECRET_CHARACTERS} characters of ASCII or more",
                f"run `openssl rand -hex 32 > {proxy.secret_file}`",
            )
        elif secret in seen:
            faults.add(where, f"is the secret of `{seen[secret]}` too", "give each its own")
        seen[secret] = proxy.id


def read_secret(proxy: FrontProxySection) -> str:
    """Read the secret of a proxy; outside whitespace does not count."""
    return proxy.secret_file.read_text("utf-8", errors="replace").strip()
