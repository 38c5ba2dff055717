"""The token by which a browser is known: what it is made of, and what cannot be one.

24 random bytes and 8 bytes of a MAC over them, in base64url: 43 characters. The MAC is no proof of
anything but this: we made it. So a stranger who sends tokens of his own making is dismissed by
arithmetic and never costs the database a look; a session is still found by the hash of its token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

RANDOM_BYTES = 24
MAC_BYTES = 8
# 43 characters; the last carries four bits, so only 16 letters can end a token that we made.
TOKEN = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")


class SessionTokens:
    """Makes and knows tokens with one secret, which every worker shares."""

    def __init__(self, secret: bytes | None = None) -> None:
        """Take the secret; without one, tokens made here are known here only."""
        secret = secrets.token_bytes(32) if secret is None else secret
        if len(secret) < hashlib.sha256().digest_size:
            message = "tokens: the secret is shorter than 32 bytes"
            raise ValueError(message)
        # A key of its own, so that no token is ever valid as anything else made with the secret.
        self._key = hmac.digest(secret, b"gateway session token 1", "sha256")

    def new(self) -> str:
        """Make a token; it is kept nowhere."""
        chance = secrets.token_bytes(RANDOM_BYTES)
        return base64.urlsafe_b64encode(chance + self._mac(chance)).rstrip(b"=").decode("ascii")

    def is_ours(self, text: str) -> bool:
        """Tell whether a text is a token that was made with this secret, without looking it up."""
        if TOKEN.fullmatch(text) is None:
            return False
        held = base64.urlsafe_b64decode(text + "=")
        chance, mac = held[:RANDOM_BYTES], held[RANDOM_BYTES:]
        return hmac.compare_digest(self._mac(chance), mac)

    def _mac(self, chance: bytes) -> bytes:
        return hmac.digest(self._key, chance, "sha256")[:MAC_BYTES]


def new_token() -> str:
    """Make 32 random bytes in base64url, for what is kept for minutes and needs no MAC."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode("ascii")


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a token, without looking it up."""
    return TOKEN.fullmatch(text) is not None


def token_hash(token: str) -> str:
    """Give the hash under which the session of a token is kept."""
    return hashlib.sha256(token.encode("ascii", "replace")).hexdigest()
