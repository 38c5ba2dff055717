"""What tests of sign-in through providers put together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from deploy.demo.openid_provider import CLIENT_ID, SCOPES
from deploy.demo.provider_browser import ProviderBrowser
from gateway.identity.providers.oidc_directory import Secrets
from gateway.identity.providers.provider_settings import ProviderSettings
from tests.doubles.provider import PASSWORD, RunningProvider
from tests.doubles.token_issuer import TokenIssuer

SECRETS = Secrets(state="s" * 43, nonce="n" * 43, verifier="v" * 43)


def now() -> datetime:
    """Give the present instant: a real provider is its own clock."""
    return datetime.now(UTC)  # noqa: TID251


def settings_of(running: RunningProvider, **changes: Any) -> ProviderSettings:
    """Give the settings of a real provider."""
    provider = running.provider
    usual: dict[str, Any] = {
        "id": provider.id,
        "organisation": "nwas",
        "name": provider.name,
        "issuer": provider.issuer,
        "client_id": CLIENT_ID,
        "client_secret_file": provider.secret_file,
        "redirect_uri": f"{provider.gateway}/-/oidc/{provider.id}/callback",
        "signed_out_uri": f"{provider.gateway}/-/sign-out",
        "scopes": SCOPES,
    }
    return ProviderSettings(**{**usual, **changes})


def settings_at(issuer: TokenIssuer, **changes: Any) -> ProviderSettings:
    """Give the settings of an issuer that does as it is told."""
    usual: dict[str, Any] = {
        "id": "nwas",
        "organisation": "nwas",
        "name": "NWAS",
        "issuer": issuer.url,
        "client_id": "gateway",
        "client_authentication": "none",
        "redirect_uri": "http://localhost:8080/-/oidc/nwas/callback",
        "signed_out_uri": "http://localhost:8080/-/sign-out",
        "budget_seconds": 3.0,
    }
    return ProviderSettings(**{**usual, **changes})


def sign_in_at(
    url: str,
    username: str = "jo.hartley",
    password: str = PASSWORD,
    browser: ProviderBrowser | None = None,
) -> dict[str, list[str]]:
    """Sign in at a provider and give what it puts into the address it sends one back to."""
    back = (browser or ProviderBrowser()).sign_in(url, username, password)
    return parse_qs(urlsplit(back).query, keep_blank_values=True)


def secret_file(folder: Path) -> Path:
    """Write a client's secret, of which no provider knows."""
    file = folder / "client-secret"
    file.write_text("s3cret")
    file.chmod(0o600)
    return file
