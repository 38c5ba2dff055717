"""What a request head must be before anyone looks at what it asks.

The parser (llhttp) refuses what is not HTTP; this refuses what is HTTP with two readings, or that
an upstream might read otherwise than we do. Nothing here does IO. Checks, in order:

1. Version 1.0 or 1.1, a method we serve, no method override.
2. Field names `[A-Za-z0-9-]`, values printable ASCII, no repeated singleton.
3. Exactly one Host, one of ours.
4. Framing: `Content-Length` canonical, or exactly `chunked` on 1.1, never both.
5. `Connection` names no end-to-end field, `Expect` is `100-continue` or absent; an upgrade is one
   to WebSocket, whole (`gateway.wire.websocket_head`).
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.errors import RequestError
from gateway.wire.websocket_head import WEBSOCKET, upgrade_fault

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_NAME: Final = re.compile(rb"[a-z0-9-]+\Z")
_VALUES: Final = re.compile(rb"[\x20-\x7e\t\n]*\Z")  # values joined by newlines for one pass
_LENGTH: Final = re.compile(rb"(?:0|[1-9][0-9]{0,17})\Z")
_SINGLE: Final = frozenset(
    (
        b"host cookie authorization content-type content-length transfer-encoding expect origin"
        b" range if-range if-match if-none-match if-modified-since if-unmodified-since"
        b" sec-fetch-site user-agent referer content-encoding upgrade"
        b" sec-websocket-key sec-websocket-version"
    ).split()
)
_CONNECTION_WORDS: Final = frozenset({b"close", b"keep-alive", b"te", b"trailers"})
_OVERRIDES: Final = frozenset(
    {b"x-http-method-override", b"x-http-method", b"x-method-override", b"x-original-method"}
)
_OTHERS: Final = {
    b"\x16\x03": "tls-on-plain-port",
    b"PROXY ": "proxy-protocol-unexpected",
    b"\r\n\r\n\x00\r\nQUIT\n": "proxy-protocol-unexpected",
}
CHUNKED: Final = -1  # body_length of a chunked body
UNSEEN: Final = -2  # body_length of a body that another proxy keeps, if there is one


class HeadError(RequestError):
    """A request head we do not serve: an HTTP status and a fixed word for the record."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass(slots=True)
class RequestHead:
    """A checked request head.

    Attributes:
        method: one of `METHODS`, or `WEBSOCKET` for a GET that asks for that upgrade.
        target: the raw target, bytes as received.
        headers: field values by lower-cased name; repeated non-singleton fields joined by a comma,
            the host in lower case.
        body_length: bytes to come, 0 for none, `CHUNKED` when unknown, `UNSEEN` when it is not
            here.
        keep_alive: whether the client wants the connection kept.
        expects_continue: whether the client waits for `100 Continue` before it sends the body.
        http_1_0: whether the client speaks 1.0, which knows no chunked responses.
        worked_out: what others made of the fields, by their own names for it, or by the system that
            it is for; one with all heads of the same client that have the same fields.
    """

    method: str
    target: bytes
    headers: dict[bytes, bytes]
    body_length: int
    keep_alive: bool
    expects_continue: bool
    http_1_0: bool
    worked_out: dict[str | bytes, Any] = field(default_factory=dict, compare=False, repr=False)

    def for_target(self, target: bytes) -> "RequestHead":
        """Give the head of a request for another target with the same method and fields."""
        return RequestHead(
            self.method,
            target,
            self.headers,
            self.body_length,
            self.keep_alive,
            self.expects_continue,
            self.http_1_0,
            self.worked_out,
        )


def check_head(  # noqa: C901, PLR0912 -- one list of checks, in the order of the module docstring
    *,
    method: str,
    target: bytes,
    version: str,
    fields: list[tuple[bytes, bytes]],
    hosts: frozenset[bytes],
) -> RequestHead:
    """Check a parsed head and give it in the form that the rest of the gateway uses.

    Args:
        method: as sent.
        target: raw request target.
        version: `1.0` or `1.1` as the parser gives it.
        fields: (name, value) in order of arrival, names as sent.
        hosts: acceptable `Host` values, lower case, with the port where it is not the scheme's own.

    Raises:
        HeadError: with the status to answer and why.
    """
    # 1. version and method
    if version not in {"1.0", "1.1"}:
        raise HeadError(505, "http-version")
    if method not in METHODS:
        raise HeadError(405, "method")
    # 2. fields
    if _VALUES.match(b"\n".join([value for _, value in fields])) is None:
        raise HeadError(400, "header-value")
    headers: dict[bytes, bytes] = {}
    for sent_name, value in fields:
        name = sent_name.lower()
        if name in headers:
            if name in _SINGLE:
                raise HeadError(400, "header-repeated")
            headers[name] += b", " + value
            continue
        if _NAME.match(name) is None:
            raise HeadError(400, "header-name")
        headers[name] = value
    if not _OVERRIDES.isdisjoint(headers):
        raise HeadError(400, "method-override")
    # 3. host
    headers[b"host"] = host = headers.get(b"host", b"").lower()
    if host not in hosts:
        raise HeadError(400, "host")
    # 4. framing
    body_length = _body_length(headers, http_1_0=version == "1.0")
    # 5. connection
    keep_alive = version == "1.1"
    if b"upgrade" in headers:
        if fault := upgrade_fault(method, version, headers):
            raise HeadError(400, fault)
        method, keep_alive = WEBSOCKET, False
    elif b"connection" in headers:
        words = {word.strip() for word in headers[b"connection"].lower().split(b",")}
        if not words <= _CONNECTION_WORDS:
            raise HeadError(400, "connection-names-field")
        keep_alive = b"close" not in words and (keep_alive or b"keep-alive" in words)
    expects_continue = b"expect" in headers
    if expects_continue and (headers[b"expect"].lower() != b"100-continue" or version == "1.0"):
        raise HeadError(400, "expect")
    return RequestHead(
        method, target, headers, body_length, keep_alive, expects_continue, version == "1.0"
    )


def no_http(data: bytes) -> str:
    """Name what came in the place of HTTP: a fixed word for the record."""
    return next((code for opening, code in _OTHERS.items() if data.startswith(opening)), "not-http")


def _body_length(headers: dict[bytes, bytes], *, http_1_0: bool) -> int:
    coding = headers.get(b"transfer-encoding")
    length = headers.get(b"content-length")
    if coding is not None:
        if http_1_0 or length is not None or coding != b"chunked":
            raise HeadError(400, "framing")
        return CHUNKED
    if length is None:
        return 0
    if _LENGTH.match(length) is None:
        raise HeadError(400, "content-length")
    return int(length)
