"""Raw bytes to the gateway and raw answers back: no HTTP library has a say in what is sent."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer.

    Attributes:
        head: the raw head.
        body: with its framing removed.
    """

    status: int
    head: bytes
    body: bytes

    def values(self, name: str) -> list[str]:
        """Give the values of a field."""
        lines = self.head.decode("latin-1").split("\r\n")[1:]
        parted = (line.partition(":") for line in lines)
        return [value.strip() for held, _, value in parted if held.lower() == name.lower()]

    @property
    def reference(self) -> str | None:
        """Give the reference that the answer shows to a person."""
        found = re.search(rb'data-reference="([0-9A-HJKMNP-TV-Z]{10})"', self.body)
        if found:
            return found[1].decode("ascii")
        found = re.search(rb'"reference":"([0-9A-HJKMNP-TV-Z]{10})"', self.body)
        return found[1].decode("ascii") if found else None


class Wire:
    """One client connection."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self._socket = socket.create_connection(
            ("127.0.0.1", port), timeout=ANSWER_SECONDS, source_address=(source, 0)
        )
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self._ended = False

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes; a peer that has closed already is for `reply` to find out."""
        try:
            self._socket.sendall(data)
        except OSError:
            self._ended = True

    def send_slowly(self, data: bytes, pause_seconds: float) -> None:
        """Send byte by byte."""
        for position in range(len(data)):
            self.send(data[position : position + 1])
            time.sleep(pause_seconds)

    def reply(self, *, head_only: bool = False, seconds: float = ANSWER_SECONDS) -> Reply | None:
        """Read the next answer; None when the connection ends, or nothing comes in time."""
        latest = time.monotonic() + seconds
        while True:
            while b"\r\n\r\n" not in self._buffer:
                if not self._more(latest):
                    return None
            head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
            status = int(head[9:12])
            if status >= 200:
                break  # what is below only announces
        reply = Reply(status=status, head=head, body=b"")
        if head_only or status in {204, 304}:
            return reply
        body = self._body(reply, latest)
        return Reply(status=status, head=head, body=body)

    def replies(self, *, seconds: float = ANSWER_SECONDS) -> list[Reply]:
        """Read answers until the connection ends or stays silent for `seconds`."""
        found = []
        while (one := self.reply(seconds=seconds)) is not None:
            found.append(one)
        return found

    def raw(self, seconds: float) -> bytes:
        """Read whatever comes until the connection ends or stays silent."""
        while self._more(time.monotonic() + seconds):
            pass
        return self._buffer

    @property
    def ended(self) -> bool:
        """Whether the gateway has closed the connection."""
        return self._ended

    def wait_for_end(self, seconds: float = ANSWER_SECONDS) -> bool:
        """Tell whether the gateway closes the connection, with nothing more said."""
        latest = time.monotonic() + seconds
        while self._more(latest):
            pass
        return self._ended and not self._buffer

    def _body(self, reply: Reply, latest: float) -> bytes:
        lengths = reply.values("content-length")
        codings = reply.values("transfer-encoding")
        assert len(lengths) + len(codings) <= 1, "two framings in one answer"
        if codings:
            return b"".join(self._chunks(latest))
        if not lengths:
            while self._more(latest):
                pass
            body, self._buffer = self._buffer, b""
            return body
        return self._exactly(int(lengths[0]), latest)

    def _chunks(self, latest: float) -> Iterable[bytes]:
        while True:
            while b"\r\n" not in self._buffer:
                assert self._more(latest), "an answer ended within its chunks"
            line, _, self._buffer = self._buffer.partition(b"\r\n")
            size = int(line, 16)
            piece = self._exactly(size + 2, latest)
            if size == 0:
                return
            yield piece[:-2]

    def _exactly(self, size: int, latest: float) -> bytes:
        while len(self._buffer) < size:
            assert self._more(latest), "an answer ended early"
        piece, self._buffer = self._buffer[:size], self._buffer[size:]
        return piece

    def _more(self, latest: float) -> bool:
        left = latest - time.monotonic()
        if left <= 0 or self._ended:
            return False
        self._socket.settimeout(left)
        try:
            data = self._socket.recv(65_536)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            self._ended = True
            return False
        self._buffer += data
        return True
