"""HMAC-SHA-256 (RFC 2104) with the key's two blocks hashed once.

The same value as `hmac.digest`, at a quarter of its cost on OpenSSL 3 (0.8 against 3.6 µs), which
counts because every entry has three of them.
"""

import hashlib

_BLOCK_BYTES = 64


class KeyedHash:
    """HMAC-SHA-256 under one key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block)).copy
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block)).copy

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes of HMAC-SHA-256 over a message."""
        inner = self._inner()
        inner.update(message)
        outer = self._outer()
        outer.update(inner.digest())
        return outer.digest()
