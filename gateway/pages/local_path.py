"""Where a person is taken after signing in: a path of this gateway, or the portal.

The value comes from outside (a link, a form), so it is taken only in a form that every browser
reads in one way: it begins with a single `/` and holds nothing a browser would change.
"""

from __future__ import annotations

import re

from gateway.system_hosts import LONGEST_NEXT

PORTAL = "/-/portal"

# Printable ASCII of a path and query (RFC 3986), without `\` (browsers read it as `/`), `#`, space
# and quotes. `%` must begin an escape.
_ALLOWED = re.compile(r"/(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)
# A segment that is a dot or two, plain or encoded: the browser would climb.
_DOTS = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
# Encoded separators and control characters have two readings further on.
_TWO_READINGS = re.compile(r"%(?:2f|5c|[01][0-9a-f]|7f)", re.IGNORECASE)


def local_path(value: str | None) -> str:
    """Give back the path when it is one of ours in canonical form, otherwise the portal."""
    if not value or len(value) > LONGEST_NEXT:
        return PORTAL
    if value.startswith("//") or not _ALLOWED.fullmatch(value):
        return PORTAL
    path = value.partition("?")[0]
    if "//" in path or _DOTS.search(path) or _TWO_READINGS.search(path):
        return PORTAL
    # Signing in to be signed out, or to sign in again, is never what was meant.
    if path.startswith(("/-/sign-in", "/-/sign-out", "/-/oidc")):
        return PORTAL
    # Nor is showing a second factor, or giving a purpose, in order to be asked for one.
    if path in {"/-/step-up", "/-/purpose"}:
        return PORTAL
    return value
