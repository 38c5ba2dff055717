"""Who is asking: believed only from the gateway's signed assertion, whatever else a request says.

An EdDSA JWT in the field `Gateway-Assertion`. In order: the signature under a key that the gateway
publishes, then `iss`, `aud`, `exp`, `nbf` and a life of at most a minute, then the claims.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

FIELD = "gateway-assertion"
LIFETIME_SECONDS = 60
LEEWAY_SECONDS = 5  # two clocks on one network
KEYS_SECONDS = 300  # how long fetched keys are taken for current
REFETCH_SECONDS = 2  # an unknown key asks again, but not for every forged token
REMEMBERED = 4096  # assertions come again for half of their life
FETCH_TIMEOUT_SECONDS = 3.0


class AssertionRefusedError(Exception):
    """The assertion is missing, wrong or too old; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """The person the gateway vouches for."""

    staff_id: str
    organisation: str
    employee_number: str
    name: str


class AssertionVerifier:
    """Checks assertions; holds the gateway's public keys for a while. Safe for threads."""

    def __init__(
        self, *, keys_url: str, issuer: str, audience: str, clock: Callable[[], float]
    ) -> None:
        """Say whom to believe.

        Args:
            keys_url: the gateway's JSON Web Key Set.
            issuer: the gateway's origin, as it names itself.
            audience: what this system is called.
            clock: seconds since the epoch.
        """
        self._keys_url = keys_url
        self._clock = clock
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            jti={"essential": True},
        )
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = 0.0
        self._verified: OrderedDict[str, tuple[float, Asker]] = OrderedDict()

    def verify(self, token: str | None) -> Asker:
        """Give the person an assertion names.

        Raises:
            AssertionRefusedError: if there is none, or it is not to be believed.
        """
        if not token:
            message = "no assertion"
            raise AssertionRefusedError(message)
        with self._lock:
            known = self._verified.get(token)
        if known is not None and self._clock() < known[0] + LEEWAY_SECONDS:
            return known[1]
        claims = self._signed_claims(token)
        self._check(claims)
        asker = Asker(
            staff_id=claims["sub"],
            organisation=_text(claims, "org"),
            employee_number=_text(claims, "employee_number"),
            name=_text(claims, "name"),
        )
        with self._lock:
            self._verified[token] = (float(claims["exp"]), asker)
            while len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return asker

    def _signed_claims(self, token: str) -> dict[str, Any]:
        for fresh in (False, True):
            keys = self._public_keys(fresh=fresh)
            if keys is None:
                continue
            try:
                return dict(jwt.decode(token, keys, algorithms=["EdDSA"]).claims)
            except (JoseError, ValueError):
                continue  # once more with keys fetched now: the gateway may have a new one
        message = "not signed by the gateway"
        raise AssertionRefusedError(message)

    def _check(self, claims: dict[str, Any]) -> None:
        try:
            self._claims.validate(claims)
            life = claims["exp"] - claims["iat"]
        except (JoseError, TypeError) as error:
            message = f"claims not believed: {error}"
            raise AssertionRefusedError(message) from error
        if not 0 < life <= LIFETIME_SECONDS:
            message = f"lives for {life} seconds"
            raise AssertionRefusedError(message)

    def _public_keys(self, *, fresh: bool) -> KeySet | None:
        with self._lock:
            age = self._clock() - self._fetched_at
            wanted = age > REFETCH_SECONDS if fresh else self._keys is None or age > KEYS_SECONDS
            if wanted:
                fetched = self._fetch()
                self._keys = fetched or self._keys
                self._fetched_at = self._clock()
            return self._keys

    def _fetch(self) -> KeySet | None:
        try:
            with urllib.request.urlopen(  # noqa: S310 - the address is ours, from the command line
                self._keys_url, timeout=FETCH_TIMEOUT_SECONDS
            ) as answer:
                document = answer.read(65_536)
            return KeySet.import_key_set(json.loads(document))
        except (OSError, ValueError, JoseError):
            return None


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        message = f"claim `{name}` is missing"
        raise AssertionRefusedError(message)
    return value
