"""Cookies of a system that go to the browser, where the settings say so (`cookies = "pass"`).

Each gets the system's name in front and a tag behind its value. The name keeps systems, and the
gateway itself, apart; the tag is made with a key from the value and the sign-in it was given to. So
only what a system gave to this very sign-in goes back to it: nothing that was left in the browser
by whoever used it before, and nothing that a neighbouring site planted. Of what the system says of
a cookie, path, age and `HttpOnly` stand; it is never for a whole domain, is `Secure` wherever we
are, and `SameSite` is `Lax` unless the system is stricter.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final

from gateway.backoffice.cookie_jar import read_set_cookie

_TAG_BYTES: Final = 12  # 96 bits: nobody guesses one while a session lasts
_TAG_CHARACTERS: Final = 2 * _TAG_BYTES
_MOST: Final = 50  # of one system, as in the jar
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE: Final = re.compile(r'"?[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"?')
_PATH: Final = re.compile(r"/[\x21-\x3a\x3c-\x7e]*")


class PassedCookies:
    """The cookies of one system, on their way to browsers and back."""

    def __init__(self, system: str, *, secure: bool, secret: bytes) -> None:
        """Hold what makes the tags.

        Args:
            system: whose cookies they are.
            secure: whether staff reach us over TLS.
            secret: of the gateway, the same in every worker.
        """
        self._prefix = f"{system}."
        self._secure = secure
        made = hashlib.blake2b(system.encode(), key=secret[:64], person=b"passed-cookies")
        self._key = made.digest()

    def to_browser(self, values: Iterable[bytes], whose: bytes, *, path: str, at: float) -> bytes:
        """Write the `Set-Cookie` fields of an answer, each with its CRLF; leave out what is odd.

        Args:
            values: as the system sent them.
            whose: names the sign-in.
            path: that was asked for.
            at: epoch seconds.
        """
        written = []
        for value in list(values)[:_MOST]:
            cookie = read_set_cookie(value, path, at)
            if (
                cookie is None
                or _TOKEN.fullmatch(cookie.name) is None
                or _VALUE.fullmatch(cookie.value) is None
                or _PATH.fullmatch(cookie.path) is None
            ):
                continue
            flags = {each.strip().lower() for each in value.split(b";")[1:]}
            tag = self._tag(whose, cookie.name, cookie.value)
            parts = [f"{self._prefix}{cookie.name}={cookie.value}{tag}", f"Path={cookie.path}"]
            if cookie.expires_at is not None:
                parts.append(f"Max-Age={max(0, int(cookie.expires_at - at))}")
            if self._secure:
                parts.append("Secure")
            if b"httponly" in flags:
                parts.append("HttpOnly")
            parts.append("SameSite=Strict" if b"samesite=strict" in flags else "SameSite=Lax")
            written.append(f"Set-Cookie: {'; '.join(parts)}\r\n")
        return "".join(written).encode("ascii")

    def to_system(self, field: bytes, whose: bytes) -> bytes:
        """Give the value of `Cookie` for the system: what it gave to this sign-in, and no more.

        Args:
            field: the browser's `Cookie`.
            whose: names the sign-in.
        """
        kept = []
        for pair in field.decode("latin-1").split(";"):
            name, _, tagged = pair.strip().partition("=")
            if not name.startswith(self._prefix):
                continue
            name = name.removeprefix(self._prefix)
            value, tag = tagged[:-_TAG_CHARACTERS], tagged[-_TAG_CHARACTERS:]
            if tag.isascii() and hmac.compare_digest(tag, self._tag(whose, name, value)):
                kept.append(f"{name}={value}")
        return "; ".join(kept[:_MOST]).encode("latin-1")

    def _tag(self, whose: bytes, name: str, value: str) -> str:
        text = b"\0".join((whose, name.encode("latin-1"), value.encode("latin-1")))
        return hashlib.blake2b(text, key=self._key, digest_size=_TAG_BYTES).hexdigest()
