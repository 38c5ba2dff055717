"""Answers as plain as most are, read and passed on without the parser.

One pattern says what is plain: HTTP/1.1 with a body told by one canonical `Content-Length`, and
every field spelt as it usually is and known here by its name. Why nothing passes that the parser,
or whoever looks at its fields, would have refused or read in another way:

- The pattern matches a whole head, byte by byte, up to its empty line: printable characters, lines
  ended by CRLF, nothing around a value but the one space before it.
- A field that asks for thought (framing, connection, cookies, a place to go) is not among those
  that may be there; neither is one in an unusual spelling, or that nobody has thought of.
- What is passed on are the same fields, in their order, as `headers.passed_on` would write.

Whatever does not match is for the parser.
"""

import re
from typing import Final, NamedTuple

from gateway.backoffice.headers import RESPONSE_FIELDS

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
_PASSED_ON: Final = re.compile(rb"\r\n(?:%b): [^\r]++" % b"|".join(RESPONSE_FIELDS))


# Bound once: a named tuple is made slowly by its own name.
_new = tuple.__new__


class PlainAnswer(NamedTuple):
    """The head of an answer.

    Attributes:
        status: 200-599, one with a body.
        fields: those that are passed on, each behind a CRLF.
        length: of the body, in bytes.
        body_at: where the body begins in what was read.
    """

    status: int
    fields: bytes
    length: int
    body_at: int


def read_plain(data: bytes) -> PlainAnswer | None:
    """Read an answer whose whole head is at hand; None for all that is not plain.

    Args:
        data: all that has come of it.
    """
    found = _HEAD.match(data)
    if found is None:
        return None
    status, length = found.groups()
    body_at = found.end()
    fields = b"".join(_PASSED_ON.findall(data, 0, body_at))
    return _new(PlainAnswer, (int(status), fields, int(length), body_at))
