"""Seals the references of the vetting register at rest.

The key comes from a `DataKeys`: the key ring today, a key management service where one is wanted.
Sealing is AES-SIV over reference and grant id: the same reference of the same grant gives the same
text under one key, so an import that says nothing new changes nothing; of two grants it gives two
texts, so nobody sees from the database that they share a file, or moves a reference to another row.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import KeysError
from vetting.references import SEALED, checked_reference

if TYPE_CHECKING:
    from collections.abc import Sequence

_PURPOSE = b"gateway vetting reference 1"
_SIV_KEY_BYTES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DataKey:
    """A key for data, and the name by which a sealed text says which one it needs."""

    kid: str
    secret: bytes = field(repr=False)


class DataKeys(Protocol):
    """Where keys for data come from."""

    def current(self) -> DataKey:
        """Give the key to seal with now.

        Raises:
            KeysError: there is none, or it cannot be had now.
        """
        ...

    def find(self, kid: str) -> DataKey | None:
        """Give an older key; None when it has been destroyed."""
        ...


class RingDataKeys:
    """The `register` keys of a key ring, newest first."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Take the secrets.

        Raises:
            KeysError: there is none.
        """
        if not secrets:
            message = "keys: there is no `register` key; run `gateway keys init`"
            raise KeysError(message)
        self._keys = {key.kid: key for key in (_named(each) for each in secrets)}
        self._current = _named(secrets[0])

    def current(self) -> DataKey:
        """Give the newest key."""
        return self._current

    def find(self, kid: str) -> DataKey | None:
        """Give the key of this name."""
        return self._keys.get(kid)


class RegisterSeal:
    """Seals and opens references. Threads may share it."""

    def __init__(self, keys: DataKeys) -> None:
        """Use these keys."""
        self._keys = keys
        self._ciphers: dict[str, AESSIV] = {}  # by kid; a double entry does no harm

    def seal(self, reference: str, *, grant_id: str) -> str:
        """Seal a reference for one grant; the empty one stays empty.

        Raises:
            RegisterError: it is no reference.
            KeysError: there is no key.
        """
        if not checked_reference(reference):
            return ""
        key = self._keys.current()
        sealed = self._cipher(key).encrypt(reference.encode(), _bound(grant_id))
        return f"v1.{key.kid}.{base64.urlsafe_b64encode(sealed).rstrip(b'=').decode()}"

    def open(self, sealed: str, *, grant_id: str) -> str | None:
        """Open a reference; None when its key is gone, or it was changed or moved."""
        if not SEALED.fullmatch(sealed):
            return None
        _, kid, text = sealed.split(".")
        key = self._keys.find(kid)
        if key is None:
            return None
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            return self._cipher(key).decrypt(raw, _bound(grant_id)).decode()
        except (InvalidTag, binascii.Error, ValueError):
            return None

    def _cipher(self, key: DataKey) -> AESSIV:
        cipher = self._ciphers.get(key.kid)
        if cipher is None:
            derived = HKDF(SHA512(), _SIV_KEY_BYTES, None, _PURPOSE).derive(key.secret)
            self._ciphers[key.kid] = cipher = AESSIV(derived)
        return cipher


def _bound(grant_id: str) -> list[bytes]:
    return [_PURPOSE, grant_id.encode()]


def _named(secret: bytes) -> DataKey:
    return DataKey(kid=hashlib.sha256(_PURPOSE + secret).hexdigest()[:8], secret=secret)
