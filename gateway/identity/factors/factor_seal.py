"""Secrets of second factors, sealed at rest: a copy of the database, or its owner, proves nothing.

AES-256-GCM under a key derived from the newest `second-factor` key of the ring; older keys still
open what they sealed. Each sealed text belongs to one context (what it is, and whose), which is
authenticated with it, so that nobody can move one to another row.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import IdentityError

_NONCE_BYTES = 12


class SealBroken(IdentityError):  # noqa: N818  # named for what happened, as its family is
    """A sealed text was changed, moved, or sealed under a key that is no longer there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What is derived from one key of the ring."""

    kid: str
    cipher: AESGCM = field(repr=False)
    mac: bytes = field(repr=False)

    @classmethod
    def of(cls, key: bytes) -> _Key:
        def derived(purpose: bytes) -> bytes:
            return hmac.new(key, b"gateway second factor 1: " + purpose, hashlib.sha256).digest()

        kid = derived(b"name").hex()[:8]
        return cls(kid=kid, cipher=AESGCM(derived(b"seal")), mac=derived(b"mac"))


class FactorSeal:
    """Seals, opens and hashes. Threads may share it."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take the keys of the ring, newest first.

        Raises:
            ValueError: there is none.
        """
        if not keys:
            message = "second factor: no key to seal with"
            raise ValueError(message)
        self._keys = tuple(_Key.of(key) for key in keys)

    def seal(self, plain: bytes, *, context: str) -> str:
        """Seal under the newest key.

        Args:
            plain: what nobody may read.
            context: what it is and whose; `open` must be told the same.
        """
        key, nonce = self._keys[0], secrets.token_bytes(_NONCE_BYTES)
        sealed = key.cipher.encrypt(nonce, plain, context.encode())
        return f"{key.kid}.{base64.urlsafe_b64encode(nonce + sealed).decode('ascii')}"

    def open(self, sealed: str, *, context: str) -> bytes:
        """Open what was sealed in this context.

        Raises:
            SealBroken: it was not, or not under a key that is still there.
        """
        kid, _, text = sealed.partition(".")
        for key in self._keys:
            if key.kid != kid:
                continue
            try:
                raw = base64.urlsafe_b64decode(text)
                return key.cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.encode())
            except (InvalidTag, ValueError, binascii.Error):
                break  # not chained: the text is nobody's business
        message = "second factor: a sealed secret cannot be opened"
        raise SealBroken(message) from None

    def macs(self, text: str, *, context: str) -> tuple[str, ...]:
        """Give the keyed hashes of a text in a context: under the newest key first."""
        said = f"{context}\0{text}".encode()
        return tuple(hmac.new(key.mac, said, hashlib.sha256).hexdigest() for key in self._keys)
