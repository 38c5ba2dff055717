"""Of which kind an answer is, and its text, by what its head says: one reading, or refused.

1. One `Content-Type`, with no parameter but a `charset`.
2. A byte order mark, the head and a page's own `meta` must not contradict each other. UTF-8 and
   the Latin alphabets of the west are read; a text beyond ASCII of which nothing is said is not.
3. Control characters that readers treat in different ways (NUL above all) are refused.
"""

from __future__ import annotations

import codecs
import re
from enum import StrEnum
from typing import Final

from gateway.backoffice.treatment.unfit import UnfitAnswerError


class AnswerKind(StrEnum):
    """What can be treated."""

    HTML = "text/html"
    JSON = "application/json"
    CSV = "text/csv"
    TEXT = "text/plain"
    PDF = "application/pdf"


_TYPE: Final = re.compile(
    rb'([a-z]+/[a-z0-9.+-]+)(?:[ \t]*;[ \t]*charset=(?:([a-z0-9_-]+)|"([a-z0-9_-]+)"))?[ \t]*;?'
)
# Browsers take all of these but the first for windows-1252 (Encoding Standard, section 4.2).
_READ_AS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "cp1252",
    "ascii": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_META: Final = re.compile(rb"<meta[^>]*?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:-]+)", re.IGNORECASE)
_META_BYTES: Final = 1024  # how far browsers look, HTML Standard section 13.2.3.2
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")


def kind_of(content_types: list[bytes]) -> tuple[AnswerKind, str]:
    """Give the kind of an answer and the character set that its head names, empty for none.

    Args:
        content_types: every `Content-Type` of the head.

    Raises:
        UnfitAnswerError: it names none, or more than one, or what nothing can be done to.
    """
    if len(content_types) != 1:
        raise UnfitAnswerError("answer-type")
    found = _TYPE.fullmatch(content_types[0].strip().lower())
    try:
        kind = AnswerKind(found[1].decode("ascii")) if found else None
    except ValueError:
        kind = None
    if found is None or kind is None:
        raise UnfitAnswerError("answer-type")
    charset = (found[2] or found[3] or b"").decode("ascii")
    if charset and charset not in _READ_AS:
        raise UnfitAnswerError("answer-charset")
    return kind, charset


def text_of(body: bytes, kind: AnswerKind, charset: str) -> str:
    """Decode an answer.

    Args:
        body: all of it.
        kind: what it is; not a PDF.
        charset: what its head names, empty for none.

    Raises:
        UnfitAnswerError: it has no single reading.
    """
    if body.startswith(_WIDE_MARKS):
        raise UnfitAnswerError("answer-charset")
    marked = body.startswith(codecs.BOM_UTF8)
    named = {_READ_AS[charset]} if charset else set()
    if marked:
        if kind is AnswerKind.JSON:  # RFC 8259 section 8.1
            raise UnfitAnswerError("answer-charset")
        body, named = body[len(codecs.BOM_UTF8) :], named | {"utf-8"}
    if kind is AnswerKind.HTML:
        named |= {_meta_charset(found) for found in _META.findall(body[:_META_BYTES])}
    if kind is AnswerKind.JSON:
        named |= {"utf-8"}
    if len(named) > 1 or (not named and not body.isascii()):
        raise UnfitAnswerError("answer-charset")
    try:
        text = body.decode(named.pop() if named else "ascii")
    except UnicodeDecodeError as error:
        raise UnfitAnswerError("answer-charset") from error
    if _CONTROLS.search(text):
        raise UnfitAnswerError("answer-controls")
    return text


def _meta_charset(named: bytes) -> str:
    read = _READ_AS.get(named.decode("ascii").lower())
    if read is None:
        raise UnfitAnswerError("answer-charset")
    return read
