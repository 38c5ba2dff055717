"""The checks of a provider's tokens, stricter than the libraries' own.

A token is read in one way only: compact serialisation, strict base64url, JSON without repeated
names, a signature by a key of that very provider under an algorithm of the settings. Then every
claim is held against what was asked for. What a token says of its own key (`jwk`, `jku`, `x5u`,
`x5c`) is not read but refused.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError

from gateway.errors import IdentityError
from gateway.identity.providers.provider_documents import PublicKey
from gateway.identity.providers.strict_json import StrictJsonError, read_object

MAX_TOKEN_BYTES: Final = 16 * 1024
LEEWAY_SECONDS: Final = 30
"""How far the provider's clock and ours may be apart."""
MAX_AGE_SECONDS: Final = 300
"""How long ago a token may have been made: it is made for the request that fetches it."""

_LATEST: Final = 2**53
_MAX_ID: Final = 255
_COMPACT: Final = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER_REFUSED: Final = frozenset(
    {"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk", "p2c", "p2s"}
)
_LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"

KeyFinder = Callable[[str], PublicKey | None]


class TokenRefused(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """A token does not hold; the message says which check, and quotes nothing of it."""


class _Registry(jws.JWSRegistry):
    """The library's registry, for tokens of our size whose header was checked here."""

    max_header_length = MAX_TOKEN_BYTES
    max_payload_length = MAX_TOKEN_BYTES
    max_signature_length = MAX_TOKEN_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A token whose signature holds; its claims are not checked yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read_signed(
    token: object, find_key: KeyFinder, *, algorithms: Collection[str], types: Collection[str]
) -> SignedToken:
    """Read a token and check its signature.

    Args:
        token: as it came.
        find_key: gives a key of the provider by its `kid`; may block.
        algorithms: those of the settings.
        types: values of `typ` that are accepted, in lower case; a token without `typ` is too.

    Raises:
        TokenRefused: if anything is not as it must be.
        DirectoryUnavailable: from `find_key`.
    """
    if not isinstance(token, str) or len(token) > MAX_TOKEN_BYTES:
        raise TokenRefused("token: missing, or too long")
    if not _COMPACT.fullmatch(token):
        raise TokenRefused("token: not in compact form")
    parts = token.split(".")
    header, claims = (_part(parts[index]) for index in (0, 1))
    _bytes_of(parts[2])
    algorithm, kid = header.get("alg"), header.get("kid")
    if _HEADER_REFUSED & header.keys():
        raise TokenRefused("token: its header brings keys or conditions of its own")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise TokenRefused("token: signed with an algorithm that is not accepted")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower().removeprefix("application/") not in types:
        raise TokenRefused("token: of another type")
    if not isinstance(kid, str) or not kid:
        raise TokenRefused("token: does not name its key")
    key = find_key(kid)
    if key is None or not key.fits(algorithm):
        raise TokenRefused("token: signed with a key that the provider does not have")
    registry = _Registry(algorithms=[algorithm], strict_check_header=False)
    try:
        jws.deserialize_compact(token, key.key, registry=registry)
    except (JoseError, ValueError, TypeError) as error:
        raise TokenRefused("token: the signature does not hold") from error
    return SignedToken(header=header, claims=claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an ID token must say.

    Attributes:
        issuer: of the settings.
        client_id: ours.
        nonce: what was sent with the request; None for a token that no browser was sent for.
        max_age_seconds: how long ago the person may have signed in; None for any time.
    """

    issuer: str
    client_id: str
    nonce: str | None
    max_age_seconds: int | None = None


def check_id_claims(claims: Mapping[str, Any], expected: Expected, *, now: int) -> None:
    """Check the claims of an ID token (OpenID Connect Core section 3.1.3.7, and beyond).

    Args:
        claims: of a token whose signature holds.
        expected: what they must say.
        now: seconds since 1970 UTC.

    Raises:
        TokenRefused: at the first that does not hold.
    """
    _check_parties(claims, expected.issuer, expected.client_id)
    _text(claims, "sub")
    if "azp" in claims and claims["azp"] != expected.client_id:
        raise TokenRefused("token: `azp` is another client")
    nonce = claims.get("nonce")
    if expected.nonce is not None and (
        not isinstance(nonce, str)
        or not hmac.compare_digest(nonce.encode("utf-8", "replace"), expected.nonce.encode())
    ):
        raise TokenRefused("token: `nonce` is not that of this sign-in")
    _check_times(claims, now)
    if "auth_time" in claims and _time(claims, "auth_time") > now + LEEWAY_SECONDS:
        raise TokenRefused("token: `auth_time` is in the future")
    if (
        expected.max_age_seconds is not None
        and now - _time(claims, "auth_time") > expected.max_age_seconds + LEEWAY_SECONDS
    ):
        raise TokenRefused("token: `auth_time` is too long ago")
    for name in ("acr", "sid", "at_hash"):
        if name in claims:
            _text(claims, name)
    words = claims.get("amr", [])
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise TokenRefused("token: `amr` is not a list of words")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutClaims:
    """Whose sessions a logout token ends: of one session of the provider, or of a person."""

    jti: str
    subject: str | None
    session: str | None
    expires_at: int


def check_logout_claims(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, now: int
) -> LogoutClaims:
    """Check the claims of a logout token (OpenID Connect Back-Channel Logout section 2.6).

    Raises:
        TokenRefused: at the first that does not hold.
    """
    _check_parties(claims, issuer, client_id)
    _check_times(claims, now)
    if "nonce" in claims:
        raise TokenRefused("token: an ID token in place of a logout token")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(_LOGOUT_EVENT), dict):
        raise TokenRefused("token: is not about signing out")
    subject = _text(claims, "sub") if "sub" in claims else None
    session = _text(claims, "sid") if "sid" in claims else None
    if subject is None and session is None:
        raise TokenRefused("token: says neither who nor which session")
    return LogoutClaims(
        jti=_text(claims, "jti"),
        subject=subject,
        session=session,
        expires_at=_time(claims, "exp"),
    )


def _check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    if claims.get("iss") != issuer:
        raise TokenRefused("token: `iss` is another issuer")
    # Nobody else may be an audience: whoever it was made for too could show it to us.
    if claims.get("aud") not in (client_id, [client_id]):
        raise TokenRefused("token: `aud` is not ours alone")


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    if issued > now + LEEWAY_SECONDS:
        raise TokenRefused("token: `iat` is in the future")
    if issued < now - MAX_AGE_SECONDS:
        raise TokenRefused("token: `iat` is too long ago")
    if expires <= now - LEEWAY_SECONDS:
        raise TokenRefused("token: `exp` has passed")
    if "nbf" in claims and _time(claims, "nbf") > now + LEEWAY_SECONDS:
        raise TokenRefused("token: `nbf` is in the future")


def _time(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 < value < _LATEST:
        message = f"token: `{name}` is missing, or no whole number of seconds"
        raise TokenRefused(message)
    return value


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= _MAX_ID
        or not value.isprintable()
        or not value.strip()
    ):
        message = f"token: `{name}` is missing, or no text of its kind"
        raise TokenRefused(message)
    return value


def _part(part: str) -> Mapping[str, Any]:
    try:
        return read_object(_bytes_of(part))
    except StrictJsonError as error:
        message = f"token: a part of it is {error}"
        raise TokenRefused(message) from error


def _bytes_of(part: str) -> bytes:
    """Decode base64url that has one spelling only: no padding, no bits left over."""
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenRefused("token: not base64url") from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode("ascii") != part:
        raise TokenRefused("token: base64url with a second spelling")
    return decoded
