"""Who is asking, said to the back office in a way it can check: a short-lived signed assertion.

An EdDSA JWT (RFC 7519, RFC 8037). Claims: `iss` our origin, `aud` the system, `sub` the staff id,
`org`, `employee_number`, `name`, `iat`, `nbf`, `exp` (60 s), `jti`; `account` where the system has
accounts. Signing costs about 50 us, so an assertion is used again for the same session and system
for half of its life. One that is bound is made for each request, with `request`: the SHA-256 of
method, one space, path and query as the system gets them, in base64url.
"""

import base64
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import KeySet, OKPKey

from gateway.backoffice.assertion_keys import SigningSet
from gateway.errors import KeysError
from policies.question import Subject

LIFETIME_SECONDS: Final = 60
_REUSE_SECONDS: Final = LIFETIME_SECONDS // 2
_LOOK_SECONDS: Final = 5.0
_CACHE_SIZE: Final = 8192  # sessions of one worker within 30 s; about 8 MB at the most


class AssertionMint:
    """Makes assertions under the current key, and publishes the public keys.

    Attributes:
        changes: how often all that had been signed was given up, as nobody could check it any more.
    """

    def __init__(
        self,
        *,
        issuer: str,
        key: OKPKey,
        public_keys: KeySet,
        clock: Callable[[], float],
        capacity: int = _CACHE_SIZE,
        follow: Callable[[float], SigningSet | None] | None = None,
    ) -> None:
        """Hold the keys.

        Args:
            issuer: our origin.
            key: the private key that signs, with its `kid`.
            public_keys: every key a system may still meet, this one included.
            clock: seconds since the epoch.
            capacity: the most assertions kept for use again.
            follow: gives the keys that hold at an instant, where they are others; asked every 5 s,
                before something is signed or published.
        """
        self.changes = 0
        self._follow = follow
        self._look_at = 0.0
        self._issuer = issuer
        self._use(key)
        self._public = public_keys
        self._clock = clock
        self._capacity = capacity
        self._cache: OrderedDict[tuple[str, str, str], tuple[float, bytes]] = OrderedDict()

    def assertion_for(
        self, subject: Subject, session: str, audience: str, account: str = ""
    ) -> bytes:
        """Give an assertion valid for 29 s at the least.

        Args:
            subject: who is asking.
            session: the session's hashed id; an assertion never outlives its reuse in another one.
            audience: the system it is for.
            account: who they are there; empty where that is not asked.
        """
        now = self._clock()
        cached = self._cache.get((audience, session, account))
        if cached is not None and 0 <= now - cached[0] < _REUSE_SECONDS:
            return cached[1]
        token = self._sign(subject, audience, account, now)
        self._cache[audience, session, account] = (now, token)
        self._cache.move_to_end((audience, session, account))
        self._forget_old(now)
        return token

    def used_until(self, session: str, audience: str, account: str = "") -> float:
        """Tell up to when the assertion of a session is used again, in seconds since the epoch.

        Args:
            session: as for `assertion_for`, which gave one before.
            audience: the same.
            account: the same.
        """
        cached = self._cache.get((audience, session, account))
        return 0 if cached is None else cached[0] + _REUSE_SECONDS

    def bound_assertion(
        self, subject: Subject, audience: str, account: str, method: str, target: bytes
    ) -> bytes:
        """Give an assertion that holds for one request alone; it is never used again.

        Args:
            subject: who is asking.
            audience: the system it is for.
            account: who they are there; empty where that is not asked.
            method: of the request, as the system sees it.
            target: path and query, as the system sees them.
        """
        seen = hashlib.sha256(method.encode("ascii") + b" " + target).digest()
        request = _encoded(seen).decode("ascii")
        return self._sign(subject, audience, account, self._clock(), request)

    def _forget_old(self, now: float) -> None:
        """Forget what is not used again, or more than there is room for; the oldest come first."""
        while len(self._cache) > self._capacity or not (
            0 <= now - next(iter(self._cache.values()))[0] < _REUSE_SECONDS
        ):
            self._cache.popitem(last=False)

    def _sign(
        self, subject: Subject, audience: str, account: str, now: float, request: str = ""
    ) -> bytes:
        if now >= self._look_at:
            self._follow_keys(now)
        issued = int(now)
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": audience,
            "sub": subject.staff_id,
            "org": subject.organisation,
            "employee_number": subject.employee_number,
            "name": subject.name,
            "iat": issued,
            "nbf": issued,
            "exp": issued + LIFETIME_SECONDS,
            "jti": secrets.token_urlsafe(12),
        }
        if account:
            claims["account"] = account
        if request:
            claims["request"] = request
        signed = self._opening + _encoded(orjson.dumps(claims))
        return signed + b"." + _encoded(self._private.sign(signed))

    def jwks(self) -> dict[str, object]:
        """Give the public keys as a JSON Web Key Set (RFC 7517)."""
        now = self._clock()
        if now >= self._look_at:
            self._follow_keys(now)
        return {**self._public.as_dict(private=False)}

    def _follow_keys(self, now: float) -> None:
        """Use other keys where those in use have been rotated."""
        found = None if self._follow is None else self._follow(now)
        self._look_at = now + _LOOK_SECONDS
        if found is None:
            return
        # Nobody can check any more what a key signed that is published no longer.
        if self._kid not in {each.kid for each in found.public.keys}:
            self._cache.clear()
            self.changes += 1
        self._public = found.public
        self._use(found.key)

    def _use(self, key: OKPKey) -> None:
        """Sign with a key from now on; the head of its assertions (RFC 7515) is always the same."""
        private = key.private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise KeysError("keys: assertions are signed with an Ed25519 key")
        self._kid, self._private = key.kid, private
        head = {"alg": "EdDSA", "kid": key.kid, "typ": "JWT"}
        self._opening = _encoded(orjson.dumps(head)) + b"."


def _encoded(said: bytes) -> bytes:
    return base64.urlsafe_b64encode(said).rstrip(b"=")
