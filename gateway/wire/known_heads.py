"""Heads that a client sends again and again: known by their bytes, without the parser.

A browser writes the same fields with one request after the other. A GET whose bytes behind the
first line are those of a head that was parsed and checked on this connection needs neither again.
Why nothing passes here that the parser would have refused or read in another way:

- What is known are not bytes that once came but the checked fields as we would write them: one
  `Name: value` a line, CRLF, an empty line at the end. Nobody can read other fields in them.
- Only heads that say nothing about a body or the connection are known, but for `keep-alive`.
- The first line has to be of a form with one reading; its target is judged behind here as any.
- It is all that came in one read, where a request begins, and no longer than a head may be.

Whatever differs in anything is for the parser. Nothing is shared between connections.
"""

import re
from typing import Final

from gateway.wire.request_head import RequestHead

_MAX_KNOWN: Final = 8  # a page, its styles, scripts, pictures and calls differ in what they accept
_LONGEST: Final = 4 * 1024  # browsers stay below half of it; it is memory that anybody can fill
_GET: Final = b"GET "
_VERSION: Final = b" HTTP/1.1\r\n"
_FIRST_LINE: Final = re.compile(rb"GET /[!-~]*")
_FIELDS: Final = re.compile(rb"(?:[A-Za-z0-9-]+: [!-~](?:[ -~]*[!-~])?\r\n)+\r\n")
_KEPT: Final = b"keep-alive"
_MEANING_MORE: Final = frozenset(
    b"content-length expect keep-alive proxy-connection te trailer transfer-encoding"
    b" upgrade".split()
)


class KnownHeads:
    """The last few heads of one connection."""

    __slots__ = ("_head_bytes", "_heads", "_last", "_last_head")

    def __init__(self, head_bytes: int) -> None:
        """Start with none.

        Args:
            head_bytes: first line and fields together.
        """
        self._head_bytes = head_bytes
        self._heads: dict[bytes, RequestHead] = {}
        self._last: bytes | None = None  # what was found last, and its head
        self._last_head: RequestHead | None = None

    def find(self, data: bytes) -> RequestHead | None:
        """Give the head of a request that is all there is in `data`, if it is known.

        None says nothing: then it must be parsed and checked.

        Args:
            data: what one read brought, where a request begins.
        """
        if data == self._last:
            return self._last_head
        line, _, fields = data.partition(_VERSION)
        head = self._heads.get(fields)
        if head is None or len(data) > self._head_bytes or _FIRST_LINE.fullmatch(line) is None:
            return None
        found = head.for_target(line[len(_GET) :])
        if len(data) <= _LONGEST:
            self._last, self._last_head = data, found
        return found

    def learn(self, head: RequestHead, fields: list[tuple[bytes, bytes]]) -> None:
        """Keep a checked head, where it is as plain as most are.

        Args:
            head: as checked.
            fields: as the parser gave them.
        """
        if (
            head.method != "GET"
            or head.http_1_0
            or head.headers.get(b"connection", _KEPT).lower() != _KEPT
            or not _MEANING_MORE.isdisjoint(head.headers)
        ):
            return
        written = b"".join([b"%b: %b\r\n" % field for field in fields]) + b"\r\n"
        if len(written) > _LONGEST or _FIELDS.fullmatch(written) is None:
            return
        if len(self._heads) >= _MAX_KNOWN:
            del self._heads[next(iter(self._heads))]
        self._heads[written] = head
