"""The token by which a browser is known at a system's own host.

It holds the token of the session, sealed (AES-SIV, RFC 5297) under a key of that host. So it is the
same session, whose limits, end and new token after a step-up hold everywhere; and the cookie of one
host is worth nothing at another, nor at the gateway's own, whoever has taken it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.identity.sessions.tokens import is_token

# 16 bytes that prove it, and the 32 of a session's token, in base64url.
_SEALED: Final = re.compile(r"[A-Za-z0-9_-]{64}", re.ASCII)


class HostTokens:
    """Makes and opens the tokens of one host; the same in every worker."""

    def __init__(self, secret: bytes, host: str) -> None:
        """Derive the host's key.

        Args:
            secret: of the gateway, at least 32 bytes.
            host: as browsers name it.
        """
        named = b"gateway host token 1\0" + host.encode("ascii")
        self._cipher = AESSIV(hmac.digest(secret, named, hashlib.sha512))

    def seal(self, token: str) -> str:
        """Give the token at this host of the session of `token`."""
        sealed = self._cipher.encrypt(base64.urlsafe_b64decode(token + "="), None)
        return base64.urlsafe_b64encode(sealed).decode("ascii")

    def open(self, sealed: str) -> str:
        """Give the session's token; empty for what was not sealed for this host."""
        if _SEALED.fullmatch(sealed) is None:
            return ""
        try:
            held = self._cipher.decrypt(base64.urlsafe_b64decode(sealed), None)
        except InvalidTag:
            return ""
        token = base64.urlsafe_b64encode(held).rstrip(b"=").decode("ascii")
        return token if is_token(token) else ""
