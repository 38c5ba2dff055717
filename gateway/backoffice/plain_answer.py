"""Answers as plain as most are, read and passed on without the parser.

One pattern says what is plain: HTTP/1.1 with a body told by one canonical `Content-Length`, and
every field spelt as it usually is and known here by its name. Why nothing passes that the parser,
or whoever looks at its fields, would have refused or read in another way:

- The pattern matches a whole head, byte by byte, up to its empty line: printable characters, lines
  ended by CRLF, nothing around a value but the one space before it.
- A field that asks for thought (framing, connection, cookies, a place to go) is not among those
  that may be there; neither is one in an unusual spelling, or that nobody has thought of.
- What is passed on are the same fields, in their order, as `headers.passed_on` would write.

Whatever does not match is for the parser. What begins with the very head that was read last on its
connection, to the empty line, is read as that was: no pattern is asked again.
"""

import re
from typing import Final, NamedTuple

from gateway.backoffice.headers import RESPONSE_FIELDS, response_opening

# Never passed on, and without any meaning to us. `X-` is none of those that are passed on.
_DROPPED: Final = (
    b"Server",
    b"Date",
    b"X-[A-Za-z0-9-]++",
    b"Cache-Control",
    b"Expires",
    b"Pragma",
    b"Age",
    b"Via",
    b"Keep-Alive",
    b"Strict-Transport-Security",
    b"Content-Security-Policy",
    b"Referrer-Policy",
    b"Permissions-Policy",
)
_VALUE: Final = rb"[!-~][ -~]*+(?<! )"
_LINES: Final = rb"(?:(?:%b): %b\r\n|Connection: [Kk]eep-[Aa]live\r\n)*" % (
    b"|".join((*RESPONSE_FIELDS, *_DROPPED)),
    _VALUE,
)
# 204 and 304 have no body, whatever their length says.
_HEAD: Final = re.compile(
    rb"HTTP/1\.1 (?!204|304)([2-5][0-9][0-9]) [ -~]*+\r\n"
    rb"%bContent-Length: (0|[1-9][0-9]{0,17})\r\n%b\r\n" % (_LINES, _LINES)
)
_LONGEST: Final = 4 * 1024  # of a head that is kept: it is memory for each connection
_PASSED_ON: Final = re.compile(rb"\r\n(?:%b): [^\r]++" % b"|".join(RESPONSE_FIELDS))


# Bound once: a named tuple is made slowly by its own name.
_new = tuple.__new__


class PlainAnswer(NamedTuple):
    """The head of an answer, with what is written of it.

    Attributes:
        status: 200-599, one with a body.
        opening: of the head that goes to the browser, see `response_opening`.
        framing: its one framing field, between two CRLF.
        body_at: where the body begins in what was read.
        size: of head and body as they come, in bytes.
    """

    status: int
    opening: bytes
    framing: bytes
    body_at: int
    size: int


class PlainAnswers:
    """Reads the answers of one connection; the last head is known again by its bytes."""

    __slots__ = ("_head", "_last")

    def __init__(self) -> None:
        """Start with none."""
        self._head: bytes | tuple[()] = ()  # nothing begins with what is in there
        self._last: PlainAnswer | None = None

    def read(self, data: bytes) -> PlainAnswer | None:
        """Read an answer whose whole head is at hand; None for all that is not plain.

        Args:
            data: all that has come of it.
        """
        if data.startswith(self._head):
            return self._last
        answer = read_plain(data)
        if answer is not None and answer.body_at <= _LONGEST:
            self._head, self._last = data[: answer.body_at], answer
        return answer


def read_plain(data: bytes) -> PlainAnswer | None:
    """Read an answer anew, see `PlainAnswers`.

    Args:
        data: all that has come of it.
    """
    found = _HEAD.match(data)
    if found is None:
        return None
    said, length = found.groups()
    status, body_at = int(said), found.end()
    opening = response_opening(status, b"".join(_PASSED_ON.findall(data, 0, body_at)))
    framing = b"\r\nContent-Length: %b\r\n" % length
    return _new(PlainAnswer, (status, opening, framing, body_at, body_at + int(length)))
