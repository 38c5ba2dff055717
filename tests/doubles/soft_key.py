"""A security key in software (WebAuthn level 2), for tests: enrols, answers, and can misbehave.

What it signs is what a real one signs; a test may change any part of it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url

USER_PRESENT, USER_VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass(slots=True, kw_only=True)
class SoftKey:
    """A key with one credential.

    Attributes:
        origin: of the page it believes to be on.
        rp_id: whom it believes to answer.
        count: of its signatures; set it back to play a copy.
        counts: whether it counts at all; passkeys do not.
    """

    origin: str
    rp_id: str = "localhost"
    count: int = 0
    counts: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    @property
    def name(self) -> str:
        """The credential id as browsers write it."""
        return bytes_to_base64url(self.id)

    def enrol(self, options: str, *, kind: str = "webauthn.create") -> str:
        """Answer what `navigator.credentials.create` was asked."""
        asked = json.loads(options)
        numbers = self.private.public_key().public_numbers()
        public = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32), -3: numbers.y.to_bytes(32)}
        )
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + public
        told = self._authenticator(USER_PRESENT | USER_VERIFIED | ATTESTED) + attested
        return self._credential(
            clientDataJSON=bytes_to_base64url(self._client(kind, asked["challenge"])),
            attestationObject=bytes_to_base64url(
                cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": told})
            ),
            transports=["usb", "<script>"],
        )

    def answer(self, options: str, *, kind: str = "webauthn.get", flags: int = USER_PRESENT) -> str:
        """Answer what `navigator.credentials.get` was asked."""
        asked = json.loads(options)
        self.count += self.counts
        client, told = self._client(kind, asked["challenge"]), self._authenticator(flags)
        signed = told + hashlib.sha256(client).digest()
        return self._credential(
            clientDataJSON=bytes_to_base64url(client),
            authenticatorData=bytes_to_base64url(told),
            signature=bytes_to_base64url(self.private.sign(signed, ec.ECDSA(hashes.SHA256()))),
        )

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _authenticator(self, flags: int) -> bytes:
        return (
            hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)
        )

    def _credential(self, **response: Any) -> str:
        return json.dumps(
            {
                "id": self.name,
                "rawId": self.name,
                "type": "public-key",
                "response": response,
                "clientExtensionResults": {},
            }
        )
