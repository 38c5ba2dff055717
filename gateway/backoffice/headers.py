"""The heads of both directions, built from an allow-list; nothing is ever stripped from a list.

To the back office go the fields a browser needs to be served, who is asking, and the reference of
the visit. To the browser go the fields that describe the body. A field that is not named here does
not pass, however it is spelt.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

from gateway.backoffice.canonical import CanonicalTarget
from gateway.wire.request_head import CHUNKED, RequestHead

ASSERTION_FIELD: Final = b"Gateway-Assertion"
_REQUEST_FIELDS: Final = {
    spelt.lower(): b"\r\n" + spelt + b": "
    for spelt in (
        b"Accept",
        b"Accept-Language",
        b"Accept-Encoding",
        b"User-Agent",
        b"Content-Type",
        b"Content-Encoding",
        b"Range",
        b"If-Range",
        b"If-Match",
        b"If-None-Match",
        b"If-Modified-Since",
        b"If-Unmodified-Since",
        b"Last-Event-ID",
        b"X-Requested-With",
    )
}
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
RESPONSE_FIELDS: Final = (
    b"Content-Type",
    b"Content-Encoding",
    b"Content-Language",
    b"Content-Disposition",
    b"Content-Range",
    b"Accept-Ranges",
    b"Last-Modified",
    b"ETag",
    b"Allow",
    b"Retry-After",
    b"Vary",  # beside our own
)
_OPENINGS: Final = {spelt.lower(): b"\r\n" + spelt + b": " for spelt in RESPONSE_FIELDS}
_ALWAYS: Final = (
    b"\r\nVary: Cookie\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: same-origin"
    b"\r\nGateway-Reference: "
)
# The browser may keep a copy for itself at most; what one person may see no shared cache may hold,
# and one that holds it all the same is told that it depends on the session.
# By whether it is a style sheet, script or image. The reference of the visit follows.
OURS: Final = {
    False: b"\r\nCache-Control: private, no-store" + _ALWAYS,
    True: b"\r\nCache-Control: private, no-cache" + _ALWAYS,
}
_SCHEMES: Final = ("https", "http")
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
_STATUS_LINES: Final = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, 'Answer')}".encode()
    for status in range(200, 600)
}


def request_head(
    *,
    head: RequestHead,
    target: CanonicalTarget,
    host: bytes,
    told: bytes,
    reference: str,
) -> bytes:
    """Write the head of the request that goes to the back office.

    Args:
        head: the client's head; only fields of the allow-list are taken from it.
        target: what was decided on; sent as it is.
        host: the system's own `Host`.
        told: what the system is told of who asks, see `told_fields`.
        reference: the visit's reference.
    """
    parts: tuple[bytes, bytes, bytes] | None = head.worked_out.get(host)
    if parts is None:
        parts = head.worked_out[host] = _parts_of(head, host)
    method, fields, end = parts
    return b"%b%b%b%b\r\nX-Request-ID: %b%b" % (
        method,
        target.sent,
        fields,
        told,
        reference.encode("ascii"),
        end,
    )


def told_fields(identity: Iterable[tuple[bytes, bytes]], cookies: bytes) -> bytes:
    """Write what a system is told of who asks, each field behind a CRLF.

    Args:
        identity: fields that say who is asking (assertion, names an AccessGate expects).
        cookies: value of the `Cookie` field from the server-side jar, empty for none.
    """
    said = b"".join([b"\r\n%b: %b" % field for field in identity])
    return said + b"\r\nCookie: " + cookies if cookies else said


def _parts_of(head: RequestHead, host: bytes) -> tuple[bytes, bytes, bytes]:
    """Write what is alike for each target: what stands before it, behind it, and at the end."""
    fields = head.headers.items()
    passed = [_REQUEST_FIELDS[name] + value for name, value in fields if name in _REQUEST_FIELDS]
    framing = b""
    if head.body_length == CHUNKED:
        framing = b"\r\nTransfer-Encoding: chunked"
    elif head.body_length or head.method in _WITH_BODY:
        framing = b"\r\nContent-Length: %d" % head.body_length
    return (
        head.method.encode("ascii") + b" ",
        b" HTTP/1.1\r\nHost: " + host + b"".join(passed),
        framing + b"\r\n\r\n",
    )


def passed_on(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Write those fields of an answer that go to the browser, each behind a CRLF.

    Args:
        fields: the system's fields, names in lower case.
    """
    return b"".join([_OPENINGS[name] + value for name, value in fields if name in _OPENINGS])


def response_head(
    *,
    status: int,
    fields: bytes,
    framing: bytes,
    connection: bytes,
    location: bytes | None,
    reference: str,
    resource: bool,
    more: bytes = b"",
) -> bytes:
    """Write the head of the answer that goes to the browser.

    Args:
        status: 200-599.
        fields: those of the allow-list; see `passed_on`.
        framing: one framing field with its CRLF, or empty for a body that ends with the connection.
        connection: the `Connection` field with its CRLF; see `promise`.
        location: where the browser is sent, already judged; None for nowhere.
        reference: the visit's reference.
        resource: a style sheet, script or image, which the browser may keep for itself.
        more: fields that are written already, each with its CRLF.
    """
    if location is not None:
        fields += b"\r\nLocation: " + location
    return b"%b%b%b\r\n%b%b%b\r\n" % (
        response_opening(status, fields),
        OURS[resource],
        reference.encode("ascii"),
        more,
        framing,
        connection,
    )


def response_opening(status: int, fields: bytes) -> bytes:
    """Write the beginning of an answer's head, up to `OURS` and the reference of the visit.

    Args:
        status: 200-599.
        fields: those of the allow-list; see `passed_on`.
    """
    return _STATUS_LINES[status] + fields


def local_location(value: bytes, origins: Mapping[str, bytes]) -> bytes | None:
    """Turn a system's `Location` into one on the gateway, or None when it leads elsewhere.

    Args:
        value: the field as sent.
        origins: of the system, such as `https://host:port`, in lower case, and of other hosts of
            the gateway; with each, what stands before its paths: nothing for the system itself.
    """
    try:
        parts = urlsplit(value.decode("ascii"))
    except ValueError:
        return None
    before = b""
    if parts.scheme or parts.netloc:
        schemes = (parts.scheme,) if parts.scheme else _SCHEMES
        spelt = (f"{scheme}://{parts.netloc}".lower() for scheme in schemes)
        found = next((origins[each] for each in spelt if each in origins), None)
        if found is None:
            return None
        before = found
    path = parts.path or ("/" if parts.netloc or not parts.query else "")
    if path.startswith("//") or "\\" in path:
        return None
    return before + (path + (f"?{parts.query}" if parts.query else "")).encode("ascii")


def identity_fields(
    names: Mapping[str, str], claims: Mapping[str, str]
) -> list[tuple[bytes, bytes]]:
    """Give the configured identity fields of a system, each filled from what is known.

    Args:
        names: field name to claim name, from the settings.
        claims: claim name to value; control characters never pass.
    """
    fields = []
    for field, claim in names.items():
        value = claims.get(claim, "")
        safe = value.encode("ascii", "replace").translate(None, delete=bytes(range(32)) + b"\x7f")
        fields.append((field.encode("ascii"), safe))
    return fields
