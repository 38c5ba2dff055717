"""Whether an export was signed by the vetting unit that it says it comes from.

The signature is a plain Ed25519 one over the bytes of the file, so that the unit needs nothing of
ours: `openssl pkeyutl -sign -rawin -inkey unit.pem -in export.csv -out export.csv.sig`. It may be
raw, or base64.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from gateway.errors import KeysError

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE_BYTES = 64


def is_signed(content: bytes, signature: bytes, public_key_file: Path) -> bool:
    """Tell whether the key has signed exactly this.

    Args:
        content: the file.
        signature: 64 bytes, or base64 of them.
        public_key_file: the unit's public key, PEM.

    Raises:
        KeysError: the key cannot be read, or is no Ed25519 key.
    """
    try:
        key = load_pem_public_key(public_key_file.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise KeysError(f"keys: `{public_key_file}` cannot be read as a public key") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeysError(f"keys: `{public_key_file}` is not an Ed25519 key")
    if len(signature) != SIGNATURE_BYTES:
        try:
            signature = base64.b64decode(b"".join(signature.split()), validate=True)
        except (binascii.Error, ValueError):
            return False
    try:
        key.verify(signature, content)
    except InvalidSignature:
        return False
    return True
