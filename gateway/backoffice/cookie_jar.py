"""The cookies a back office sets: kept here, per session and system, never in the browser.

The jar is a value that a session carries. `with_set_cookie` gives the changed jar, or the same one;
whoever holds the session stores it before the answer goes out, so that the next request finds it in
whichever worker it arrives. Rules after RFC 6265: path matching, deletion by date; `Domain` is
ignored, a jar serves one system only.
"""

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, Self

_MAX_COOKIES: Final = 50  # per system and session, as browsers keep per domain
_MAX_BYTES: Final = 4096  # name and value of one cookie
_SECONDS: Final = re.compile(r"-?[0-9]{1,20}\Z")
_MAX_AGE: Final = 366 * 24 * 3600  # longer than any session


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCookie:
    """One cookie. `expires_at` in seconds since the epoch, None for the session's life."""

    name: str
    value: str
    path: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class CookieJar:
    """The cookies of one session at one system."""

    cookies: tuple[KeptCookie, ...] = ()

    def header_for(self, path: str, at: float) -> bytes:
        """Give the value of the `Cookie` field for a request to `path` at `at` (epoch seconds)."""
        if not self.cookies:
            return b""
        chosen = [
            cookie
            for cookie in self.cookies
            if _covers(cookie.path, path) and (cookie.expires_at is None or at < cookie.expires_at)
        ]
        chosen.sort(key=lambda cookie: -len(cookie.path))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in chosen).encode("ascii")

    def stands_until(self, at: float) -> float:
        """Tell up to when it gives what it gives `at`, unless it is changed (epoch seconds)."""
        ends = [each.expires_at for each in self.cookies if each.expires_at is not None]
        return min((end for end in ends if end > at), default=math.inf)

    def with_set_cookie(self, values: Iterable[bytes], *, path: str, at: float) -> Self:
        """Take the `Set-Cookie` values of an answer to `path`; malformed ones are left out."""
        kept = {(cookie.name, cookie.path): cookie for cookie in self.cookies}
        before = dict(kept)
        for value in values:
            cookie = read_set_cookie(value, path, at)
            if cookie is None:
                continue
            key = (cookie.name, cookie.path)
            if cookie.expires_at is not None and cookie.expires_at <= at:
                kept.pop(key, None)
            else:
                kept[key] = cookie
        if kept == before:
            return self
        return type(self)(tuple(kept.values())[-_MAX_COOKIES:])

    def to_json(self) -> str:
        """Write the jar for the store."""
        return json.dumps([[c.name, c.value, c.path, c.expires_at] for c in self.cookies])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a stored jar; a text we did not write is an empty jar."""
        try:
            rows = json.loads(text)
            return cls(
                tuple(
                    KeptCookie(name=name, value=value, path=path, expires_at=expires_at)
                    for name, value, path, expires_at in rows
                )
            )
        except (ValueError, TypeError):
            return cls()


def _covers(cookie_path: str, path: str) -> bool:
    if not path.startswith(cookie_path):
        return False
    return (
        cookie_path.endswith("/") or len(path) == len(cookie_path) or path[len(cookie_path)] == "/"
    )


def read_set_cookie(value: bytes, request_path: str, at: float) -> KeptCookie | None:
    """Read a `Set-Cookie` of an answer to `request_path` at `at` (epoch seconds); None for odd."""
    if len(value) > _MAX_BYTES or not value.isascii():
        return None
    pair, *attributes = value.decode("ascii").split(";")
    name, equals, content = pair.strip().partition("=")
    text = name + content
    if not equals or not name or any(c <= " " or c in ",;\\\x7f" for c in text):
        return None
    path = request_path.rpartition("/")[0] or "/"
    expires_at: float | None = None
    max_age: float | None = None
    for attribute in attributes:
        key, _, setting = attribute.strip().partition("=")
        match key.lower():
            case "path" if setting.startswith("/"):
                path = setting
            case "max-age" if _SECONDS.match(setting):
                max_age = at + min(int(setting), _MAX_AGE)
            case "expires":
                expires_at = _date(setting)
            case _:
                pass
    if max_age is not None:
        expires_at = max_age
    return KeptCookie(name=name, value=content, path=path, expires_at=expires_at)


def _date(text: str) -> float | None:
    try:
        parsed: datetime = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
