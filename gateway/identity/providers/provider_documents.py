"""A provider's discovery document and public keys: fetched seldom, checked, used for a while.

1. One thread at a time fetches a document; others wait for it, within their own time.
2. A document is asked for at most once in `REFETCH_SECONDS`, whether that succeeded or not, however
   many tokens with unknown keys come in: nobody can make us flood a provider.
3. Keys are used for `KEYS_SECONDS`, so that a withdrawn one is refused within that time. A key that
   is not among them is looked for once more, at once if the second rule allows it.
4. What cannot be fetched is not replaced by what was once true: nobody signs in then.

Every worker fetches for itself.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey

from gateway.errors import DirectoryMisconfigured, DirectoryUnavailable
from gateway.identity.providers.provider_http import ProviderHttp
from gateway.identity.providers.provider_settings import ProviderSettings

REFETCH_SECONDS: Final = 10.0
KEYS_SECONDS: Final = 60.0
DISCOVERY_SECONDS: Final = 3600.0
MAX_KEYS: Final = 50
RSA_BITS: Final = range(2048, 8193)

# The kind of key an algorithm is used with, and for elliptic curves which one.
KEY_OF: Final = {
    "RS256": ("RSA", None), "RS384": ("RSA", None), "RS512": ("RSA", None),
    "PS256": ("RSA", None), "PS384": ("RSA", None), "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"), "ES384": ("EC", "P-384"), "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}  # fmt: skip
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KINDS: Final[Mapping[str, type[RSAKey] | type[ECKey] | type[OKPKey]]] = {
    "RSA": RSAKey, "EC": ECKey, "OKP": OKPKey,
}  # fmt: skip

Document = TypeVar("Document")
Seconds = Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """What a provider's discovery document says of it.

    Attributes:
        names_itself: whether it promises its issuer with every answer (RFC 9207).
    """

    authorization: str
    token: str
    keys: str
    userinfo: str | None
    end_session: str | None
    names_itself: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key with which a provider may sign; `algorithm` where the provider ties it to one."""

    key: Key
    kind: str
    curve: str | None
    algorithm: str | None

    def fits(self, algorithm: str) -> bool:
        """Tell whether a signature of this algorithm may be checked with it."""
        kind, curve = KEY_OF.get(algorithm, ("", None))
        return (kind, curve) == (self.kind, self.curve) and self.algorithm in {None, algorithm}


class _Kept(Generic[Document]):
    """One document."""

    def __init__(
        self, fetch: Callable[[float], Document], *, lasts_seconds: float, monotonic: Seconds
    ) -> None:
        self._fetch = fetch
        self._lasts_seconds = lasts_seconds
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._held: tuple[float, Document] | None = None  # when it was asked for, what came
        self._asked_at: float | None = None

    def get(self, deadline: float) -> Document:
        held = self._held
        if held is not None and self._monotonic() - held[0] < self._lasts_seconds:
            return held[1]
        return self._get_newer(deadline, self._monotonic() - self._lasts_seconds)

    def get_again(self, deadline: float) -> Document:
        """Give what was fetched after this call began, or within the throttle's time before."""
        return self._get_newer(deadline, self._monotonic())

    def _get_newer(self, deadline: float, than: float) -> Document:
        if not self._lock.acquire(timeout=max(0.0, deadline - self._monotonic())):
            message = "provider: another sign-in has waited for its documents all the time"
            raise DirectoryUnavailable(message)
        try:
            now, held = self._monotonic(), self._held
            if held is not None and held[0] > than:
                return held[1]
            if self._asked_at is not None and now - self._asked_at < REFETCH_SECONDS:
                if held is not None and now - held[0] < self._lasts_seconds:
                    return held[1]
                message = "provider: was asked in vain a moment ago, and is not asked again yet"
                raise DirectoryUnavailable(message)
            self._asked_at = now
            document = self._fetch(deadline)
            self._held = (now, document)
            return document
        finally:
            self._lock.release()


class ProviderDocuments:
    """The documents of one provider. Safe for several threads."""

    def __init__(
        self,
        settings: ProviderSettings,
        http: ProviderHttp,
        *,
        monotonic: Seconds = time.monotonic,
    ) -> None:
        """Fetch nothing yet."""
        self._settings = settings
        self._http = http
        self._discovery = _Kept(
            self._fetch_discovery, lasts_seconds=DISCOVERY_SECONDS, monotonic=monotonic
        )
        self._keys = _Kept(self._fetch_keys, lasts_seconds=KEYS_SECONDS, monotonic=monotonic)

    def endpoints(self, deadline: float) -> Endpoints:
        """Give where the provider is asked for what (blocks).

        Raises:
            DirectoryUnavailable: it does not answer.
            DirectoryMisconfigured: it says it is another, or is not what we need.
        """
        return self._discovery.get(deadline)

    def key(self, kid: str, deadline: float) -> PublicKey | None:
        """Find one of the provider's keys (blocks); None if it has none of that name.

        Raises:
            DirectoryUnavailable: the keys cannot be had.
        """
        found = self._keys.get(deadline).get(kid)
        return found if found is not None else self._keys.get_again(deadline).get(kid)

    def _fetch_discovery(self, deadline: float) -> Endpoints:
        issuer = self._settings.issuer
        url = issuer.rstrip("/") + "/.well-known/openid-configuration"
        said = self._http.get_object(url, deadline)
        if said.get("issuer") != issuer:
            message = f"provider: `{url}` says it is `{str(said.get('issuer'))[:200]}`"
            raise DirectoryMisconfigured(message)
        methods = said.get("code_challenge_methods_supported")
        if isinstance(methods, list) and "S256" not in methods:
            message = f"provider: `{issuer}` does not take PKCE with S256"
            raise DirectoryMisconfigured(message)
        return Endpoints(
            authorization=self._endpoint(said, "authorization_endpoint"),
            token=self._endpoint(said, "token_endpoint"),
            keys=self._endpoint(said, "jwks_uri"),
            userinfo=self._optional(said, "userinfo_endpoint"),
            end_session=self._optional(said, "end_session_endpoint"),
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _fetch_keys(self, deadline: float) -> Mapping[str, PublicKey]:
        return read_keys(self._http.get_object(self.endpoints(deadline).keys, deadline))

    def _optional(self, said: Mapping[str, Any], name: str) -> str | None:
        return self._endpoint(said, name) if name in said else None

    def _endpoint(self, said: Mapping[str, Any], name: str) -> str:
        """Give an endpoint, at a host that the settings name and over the issuer's scheme."""
        url = said.get(name)
        issuer = urlsplit(self._settings.issuer)
        try:
            split = urlsplit(url) if isinstance(url, str) else None
            at = None if split is None else (split.hostname, split.port)
        except ValueError:
            split, at = None, None
        hosts = {issuer.hostname, *self._settings.hosts}
        if (
            split is None
            or at is None
            or split.scheme != issuer.scheme
            or at[0] not in hosts
            or (at[0] == issuer.hostname and at[1] != issuer.port)
            or "@" in split.netloc
            or split.fragment
            or not str(url).isascii()
            or any(character.isspace() for character in str(url))
        ):
            message = (
                f"provider: the {name} of `{self._settings.issuer}` is not at its own host;"
                " if it is right, name its host in `hosts`"
            )
            raise DirectoryMisconfigured(message)
        return str(url)


def read_keys(document: Mapping[str, Any]) -> Mapping[str, PublicKey]:
    """Read the keys of a JWKS that can check signatures, by `kid`; the others are left out.

    A name that comes twice, symmetric keys and keys with a private part are left out too.

    Raises:
        DirectoryUnavailable: if the document is no JWKS, or none of its keys can be used.
    """
    listed = document.get("keys")
    if not isinstance(listed, list) or len(listed) > MAX_KEYS:
        message = "provider: what should hold its keys does not"
        raise DirectoryUnavailable(message)
    found: dict[str, PublicKey | None] = {}
    for each in listed:
        kid = each.get("kid") if isinstance(each, dict) else None
        if isinstance(kid, str) and kid:
            found[kid] = None if kid in found else _public_key(each)
    usable = {kid: key for kid, key in found.items() if key is not None}
    if not usable:
        message = "provider: none of its keys can be used"
        raise DirectoryUnavailable(message)
    return usable


def _public_key(said: Mapping[str, Any]) -> PublicKey | None:
    kind, curve, algorithm = said.get("kty"), said.get("crv"), said.get("alg")
    operations = said.get("key_ops", ["verify"])
    if (
        not isinstance(kind, str)
        or kind not in _KINDS
        or said.get("use", "sig") != "sig"
        or not isinstance(operations, list)
        or "verify" not in operations
        or _PRIVATE & said.keys()
        or (algorithm is not None and algorithm not in KEY_OF)
        or (kind == "RSA" and _bits(said.get("n")) not in RSA_BITS)
    ):
        return None
    try:
        key = _KINDS[kind].import_key(
            {name: said[name] for name in ("kty", "crv", "x", "y", "n", "e") if name in said}
        )
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return PublicKey(
        key=key, kind=kind, curve=None if kind == "RSA" else curve, algorithm=algorithm
    )


def _bits(number: object) -> int:
    """Give the size of a number in base64url; 0 for what is none."""
    try:
        decoded = base64.urlsafe_b64decode(f"{number}==") if isinstance(number, str) else b""
    except ValueError:
        return 0
    return int.from_bytes(decoded, "big").bit_length()
