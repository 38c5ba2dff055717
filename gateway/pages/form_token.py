"""The token in every form that changes something: we showed that form to this browser.

The token is an HMAC over the value of a cookie that a foreign site can neither read nor set: the
session cookie of a signed-in person, the form cookie before that. Nothing is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets

FIELD = "csrf_token"

# 32 random bytes as base64url without padding: what both cookies hold. At a system's own host the
# token of the session stands there sealed (`gateway.identity.sessions.host_tokens`).
_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}(?:[A-Za-z0-9_-]{21})?", re.ASCII)


class FormTokens:
    """Makes and checks form tokens with one secret, which every worker shares."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < hashlib.sha256().digest_size:
            message = "form tokens: the secret is shorter than 32 bytes"
            raise ValueError(message)
        # A key of its own, so that no token is ever valid as anything else made with the secret.
        self._key = hmac.new(secret, b"gateway form token 1", hashlib.sha256).digest()

    @staticmethod
    def new_cookie() -> str:
        """Make a value for the form cookie: 32 random bytes."""
        return secrets.token_urlsafe(32)

    def token(self, cookie_value: str) -> str:
        """Make the token of the forms shown to the browser that holds this cookie value."""
        mac = hmac.new(self._key, cookie_value.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode("ascii")

    def is_good(self, token: str, cookie_value: str) -> bool:
        """Tell whether a token came from a form shown to the browser that holds this cookie."""
        if not is_cookie_value(cookie_value):
            return False
        return hmac.compare_digest(self.token(cookie_value).encode(), token.encode())


def is_cookie_value(value: str) -> bool:
    """Tell whether a cookie holds what we would have put there."""
    return _COOKIE_VALUE.fullmatch(value) is not None
