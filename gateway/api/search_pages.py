"""The tokens with which a search goes on from page to page (OpenID AuthZEN 1.0, pagination).

A token says after what the next page begins. It is sealed: it names people whom the program may not
be told of. It is good for the one program and the very search it was made for, in any worker, until
the session key is rotated; nothing is kept here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_PURPOSE: Final = b"gateway search page 1"
_NONCE_BYTES: Final = 12


class PageTokenError(ValueError):
    """A token is not ours, or belongs to another search."""


class SearchPages:
    """Seals and opens the tokens."""

    def __init__(self, secret: bytes) -> None:
        """Take the secret that all workers share."""
        self._cipher = AESGCM(hmac.new(secret, _PURPOSE, hashlib.sha256).digest())

    def seal(self, position: str, search: bytes) -> str:
        """Make a token.

        Args:
            position: after what the next page begins.
            search: all that was asked, and by whom; `open` must be told the same.
        """
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, position.encode(), search)
        return base64.urlsafe_b64encode(nonce + sealed).decode("ascii")

    def open(self, token: str, search: bytes) -> str:
        """Give the position.

        Raises:
            PageTokenError: it is not ours, or belongs to another search.
        """
        try:
            raw = base64.b64decode(token, altchars=b"-_", validate=True)
            nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, sealed, search).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            message = "not a token of this search"
            raise PageTokenError(message) from error
