"""Which key signs assertions and which are published, while keys are rotated under a running gate.

    made            published by every worker within 5 s
    330 s later     signs: whoever keeps the published keys for the five minutes they may knows it
    630 s later     the one before it is no longer published: its assertions are over

What each worker does follows from the files and the clock alone, so all do the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from joserfc.jwk import Key, KeySet, OKPKey

from gateway.errors import KeysError
from gateway.key_files import read_private
from gateway.keys import KeyPurpose, KeyRing

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_log = structlog.get_logger("upstream")
SIGNS_AFTER_SECONDS: Final = 330
STAYS_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningSet:
    """What signs, and what is published.

    Attributes:
        key: signs, with its `kid`.
        public: every key a system may still meet, `key` included.
    """

    key: OKPKey
    public: KeySet


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedKey:
    """A key and when it was made, in seconds since the epoch; with its private half if kept."""

    kid: str
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None = field(repr=False)
    made_at: float


class AssertionKeys:
    """Follows the keys of a directory."""

    def __init__(self, directory: Path) -> None:
        """Follow the directory.

        Args:
            directory: of the key ring.
        """
        self._directory = directory
        self._changed_ns = -1
        self._keys: tuple[DatedKey, ...] = ()
        self._kids: tuple[str, ...] = ()

    def follow(self, now: float) -> SigningSet | None:
        """Give what holds now; None where it is what was given before.

        Args:
            now: seconds since the epoch.
        """
        try:
            changed_ns = self._directory.stat().st_mtime_ns
            if changed_ns != self._changed_ns:
                self._keys = _read(self._directory)
                self._changed_ns = changed_ns
        except (OSError, ValueError, KeysError) as error:
            # What was read before stays good; that it is missing is found at the next start.
            _log.error("assertion keys cannot be read", error=type(error).__name__)
        if not self._keys:
            return None
        signs, published = _now(self._keys, now)
        kids = signs.kid, *(each.kid for each in published)
        if kids == self._kids:
            return None
        self._kids = kids
        return SigningSet(key=_signing(signs), public=KeySet([_published(e) for e in published]))


def _read(directory: Path) -> tuple[DatedKey, ...]:
    """Read the keys, newest first; the newest has its private half."""
    ring = KeyRing.open(directory)
    held = ring.assertion_keys
    files = [each for each in ring.list() if each.purpose is KeyPurpose.ASSERTION]
    found = []
    for listed, public in zip(files, held.public, strict=True):
        private: object = held.private if public.kid == held.kid else None
        path = directory / listed.name.replace(".pub.pem", ".pem")
        if private is None and path.exists():
            private = load_pem_private_key(read_private(path), password=None)
        kept = private if isinstance(private, Ed25519PrivateKey) else None
        made_at = listed.made_at.timestamp()
        found.append(DatedKey(kid=public.kid, public=public.key, private=kept, made_at=made_at))
    return tuple(found)


def _now(keys: tuple[DatedKey, ...], now: float) -> tuple[DatedKey, tuple[DatedKey, ...]]:
    """Choose what signs and what is published; `keys` has the newest first."""
    able = [each for each in keys if each.private is not None]
    ready = [each for each in able if each.made_at + SIGNS_AFTER_SECONDS <= now]
    signs = ready[0] if ready else able[-1]
    place = keys.index(signs)
    older = [
        each
        for after, each in zip(keys[place:], keys[place + 1 :], strict=False)
        if now < after.made_at + SIGNS_AFTER_SECONDS + STAYS_SECONDS
    ]
    return signs, (*keys[: place + 1], *older)


def _signing(key: DatedKey) -> OKPKey:
    if key.private is None:
        raise KeysError(f"keys: the assertion key `{key.kid}` cannot sign")
    pem = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OKPKey.import_key(pem, {"kid": key.kid, "use": "sig", "alg": "EdDSA"})


def _published(key: DatedKey) -> Key:
    pem = key.public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return OKPKey.import_key(pem, {"kid": key.kid, "use": "sig", "alg": "EdDSA"})
