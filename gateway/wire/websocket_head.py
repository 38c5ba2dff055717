"""What an upgrade to WebSocket must be before anybody looks at what it asks (RFC 6455 section 4).

Only whole and unambiguous handshakes pass; every other upgrade is refused, as behind one nobody
reads requests any more. What passes is handed on under a method of its own, so that nothing that
serves an ordinary GET ever serves an upgrade.
"""

import re
from typing import Final

from policies.function import WEBSOCKET

__all__ = ["WEBSOCKET", "upgrade_fault"]

_WORDS: Final = ({b"upgrade"}, {b"upgrade", b"keep-alive"})
_KEY: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==\Z")  # 16 bytes, the unused bits empty
_TOKENS: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:, ?[!#$%&'*+.^_`|~0-9A-Za-z-]+)*\Z")
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"te"})


def upgrade_fault(method: str, version: str, headers: dict[bytes, bytes]) -> str:
    """Give a fixed word for what is wrong with a head that asks for an upgrade; empty for nothing.

    Args:
        method: as sent.
        version: `1.0` or `1.1`.
        headers: values by lower-cased name; the fields of a handshake are there once at most.
    """
    words = {word.strip() for word in headers.get(b"connection", b"").lower().split(b",")}
    if (
        method != "GET"
        or version != "1.1"
        or headers[b"upgrade"].lower() != b"websocket"
        or words not in _WORDS
        or not _FRAMING.isdisjoint(headers)
    ):
        return "upgrade"
    if headers.get(b"sec-websocket-version") != b"13":
        return "websocket-version"
    if _KEY.match(headers.get(b"sec-websocket-key", b"")) is None:
        return "websocket-key"
    protocols = headers.get(b"sec-websocket-protocol")
    if protocols is not None and _TOKENS.match(protocols) is None:
        return "websocket-protocol"
    return ""
