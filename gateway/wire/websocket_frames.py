"""Where the frames of a WebSocket end (RFC 6455 section 5.2): all that is read of what passes.

Extensions may change what a frame holds, never how its length is told; so this stays true of
compressed messages. It is known only to put a last frame of ours behind a whole one.
"""

from typing import Final

_CLOSE: Final = 0x88  # the last frame of a side: final, opcode 8
_LONGEST_HEAD: Final = 14
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008


class FrameBounds:
    """Follows one direction."""

    __slots__ = ("_head", "_left", "closed")

    def __init__(self) -> None:
        """Begin before the first frame."""
        self._head = b""  # of a frame whose length is not here yet
        self._left = 0  # bytes of the current frame still to come
        self.closed = False  # a close frame has gone by

    @property
    def between(self) -> bool:
        """Whether what has gone by ends with a whole frame."""
        return not self._left and not self._head

    def follow(self, data: bytes) -> None:
        """Note what goes by."""
        if self._left >= len(data):
            self._left -= len(data)
            return
        if self._head:
            data, self._head = self._head + data, b""
        at, size = self._left, len(data)
        while at < size:
            end = _end_of_frame(data, at)
            if end < 0:
                self._head = data[at : at + _LONGEST_HEAD]
                at = size
                break
            self.closed = self.closed or data[at] & 0x8F == _CLOSE
            at = end
        self._left = at - size


def _end_of_frame(data: bytes, at: int) -> int:
    """Give where a frame ends that begins at `at`; -1 where its length is not here yet."""
    if at + 2 > len(data):
        return -1
    told = data[at + 1]
    length, begins = told & 0x7F, at + 2
    if length > 125:  # noqa: PLR2004 -- 126: two bytes tell the length, 127: eight
        begins += 2 if length == 126 else 8  # noqa: PLR2004
        if begins > len(data):
            return -1
        length = int.from_bytes(data[at + 2 : begins], "big")
    return begins + length + (4 if told & 0x80 else 0)


def close_frame(code: int) -> bytes:
    """Write the frame by which a server ends."""
    return bytes((_CLOSE, 2)) + code.to_bytes(2, "big")
