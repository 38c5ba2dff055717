"""Watches an upload (`multipart/form-data`) on its way: its frame, and the names of its parts.

The content of parts is not held and not read, so nothing may be told by it: a part whose name a
lenient reader takes for a declared parameter is refused, and so is a part that holds a document of
its own (JSON, a form, parts again). The frame has one reading only (RFC 7578 with RFC 2046): it
begins with the first part, lines end in CRLF, the boundary never stands in a part, and nothing
follows the end. What is refused is never passed on, so the back office never has a whole request.
"""

import re
from collections.abc import Set
from typing import Final

from gateway.backoffice.canonical import TargetError, could_be_read_as

_MAX_PARTS: Final = 1000
_MAX_HEAD_BYTES: Final = 8 * 1024
_DISPOSITION: Final = re.compile(
    r'content-disposition: ?form-data; ?name="([^"\\]*)"(?:; ?filename="[^"\\]*")?', re.IGNORECASE
)
_TYPE: Final = re.compile(r"content-type: ?([^\"\\]*|[^\"\\]*\"[^\"\\]*\")", re.IGNORECASE)
_OF_ITS_OWN: Final = ("json", "form-urlencoded", "multipart", "form-data", "message/")


class MultipartCheck:
    """Takes an upload piece by piece and refuses the piece with which it goes wrong."""

    __slots__ = ("_ended", "_folded", "_frame", "_held", "_in_head", "_parts")

    def __init__(self, boundary: bytes, declared: Set[str]) -> None:
        """Start before the first byte.

        Args:
            boundary: as the head of the request says it.
            declared: names that no part may have.
        """
        self._frame = b"--" + boundary
        self._folded = {name.casefold() for name in declared} | {"_charset_"}
        # As if a part had come before: then the first boundary is found as every other.
        self._held = b"\r\n"
        self._in_head = False
        self._ended = False
        self._parts = 0

    def piece(self, piece: bytes) -> None:
        """Look at the next piece.

        Raises:
            TargetError: the upload cannot be let through any further.
        """
        self._held += piece
        while self._step():
            pass

    def end(self) -> None:
        """Look at the end of the body.

        Raises:
            TargetError: it does not end where its parts do.
        """
        if not self._ended or self._held not in {b"", b"\r\n"}:
            raise TargetError("upload-end")

    def _step(self) -> bool:
        """Go as far as one thing of the frame; tells whether there may be another."""
        if self._ended:
            if not b"\r\n".startswith(self._held):
                raise TargetError("upload-end")
            return False
        return self._head() if self._in_head else self._content()

    def _content(self) -> bool:
        held, frame = self._held, self._frame
        at = held.find(frame)
        if at < 0:
            if self._parts == 0 and len(held) >= len(frame) + 2:
                raise TargetError("upload-boundary")
            # what could be the beginning of a boundary, with the line end before it
            self._held = held[-(len(frame) + 1) :]
            return False
        if held[max(at - 2, 0) : at] != b"\r\n" or (self._parts == 0 and at != 2):  # noqa: PLR2004
            raise TargetError("upload-boundary")
        after = held[at + len(frame) : at + len(frame) + 2]
        if len(after) < 2:  # noqa: PLR2004
            self._held = held[at - 2 :]
            return False
        self._held = held[at + len(frame) + 2 :]
        if after == b"\r\n":
            self._parts += 1
            if self._parts > _MAX_PARTS:
                raise TargetError("upload-parts")
            self._in_head = True
        elif after == b"--" and self._parts:
            self._ended = True
        else:
            raise TargetError("upload-boundary")
        return True

    def _head(self) -> bool:
        at = self._held.find(b"\r\n\r\n")
        if at > _MAX_HEAD_BYTES or (at < 0 and len(self._held) > _MAX_HEAD_BYTES):
            raise TargetError("upload-part-head")
        if at < 0:
            return False
        self._check_head(self._held[:at])
        self._held = self._held[at + 4 :]
        self._in_head = False
        return True

    def _check_head(self, head: bytes) -> None:
        try:
            lines = head.decode("utf-8").split("\r\n")
        except UnicodeDecodeError as error:
            raise TargetError("upload-part-head") from error
        if any(not line.isprintable() for line in lines):
            raise TargetError("upload-part-head")
        named = [found for line in lines if (found := _DISPOSITION.fullmatch(line)) is not None]
        typed = [found for line in lines if (found := _TYPE.fullmatch(line)) is not None]
        if len(named) != 1 or len(typed) > 1 or len(named) + len(typed) != len(lines):
            raise TargetError("upload-part-head")
        if any(word in found[1].casefold() for found in typed for word in _OF_ITS_OWN):
            raise TargetError("upload-part-type")
        if could_be_read_as(named[0][1], self._folded):
            raise TargetError("parameter-disguised")
