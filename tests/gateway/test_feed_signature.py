"""Whether an export was signed by the unit it says it comes from."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from gateway.errors import KeysError
from gateway.feed_signature import is_signed

PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_only_the_key_itself_signs_and_only_these_bytes(tmp_path: Path) -> None:
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    public = tmp_path / "unit.pub.pem"
    public.write_bytes(key.public_key().public_bytes(*PEM))
    signature = key.sign(b"export")

    assert is_signed(b"export", signature, public)
    assert is_signed(b"export", base64.encodebytes(signature), public)
    assert not is_signed(b"export ", signature, public)
    assert not is_signed(b"export", other.sign(b"export"), public)
    for broken in (b"", b"\0" * 64, b"no base64!", signature[:-1]):
        assert not is_signed(b"export", broken, public)


def test_what_is_no_such_key_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    for content in (b"", generate_private_key(SECP256R1()).public_key().public_bytes(*PEM)):
        file.write_bytes(content)
        with pytest.raises(KeysError, match="key"):
            is_signed(b"export", b"\0" * 64, file)
    with pytest.raises(KeysError, match="cannot be read"):
        is_signed(b"export", b"\0" * 64, tmp_path / "none.pem")
