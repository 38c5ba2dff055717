"""A relay in front of the demo back office that keeps every byte the gateway sends to it.

What is not in here did not leave the gateway. The bytes are read by a parser of our own, as
strict as it is short: what it cannot read it keeps as `rest`, and a test that finds a rest fails.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

PIECE_BYTES = 65_536


@dataclass(slots=True, kw_only=True)
class SeenRequest:
    """One request as it left the gateway.

    Attributes:
        fields: in order, names and values as sent.
        body: with its framing removed.
        complete: whether its end has been seen.
    """

    method: str
    target: str
    version: str
    fields: list[tuple[str, str]]
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False

    def values(self, name: str) -> list[str]:
        """Give the values of a field, however its name is spelt."""
        return [value for held, value in self.fields if held.lower() == name.lower()]


class RequestReader:
    """Reads requests from the bytes of one connection, piece by piece."""

    def __init__(self, began: Callable[[SeenRequest], None]) -> None:
        self._began = began
        self._buffer = b""
        self._step = self._head
        self._current: SeenRequest | None = None
        self._left = 0
        self.rest = b""  # what could not be read

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data
        try:
            while self._step():
                pass
        except ValueError:
            self.rest, self._buffer = self._buffer or b"?", b""

    def _line(self, end: bytes) -> bytes | None:
        """Take what comes before `end`, or nothing if it has not come yet."""
        line, found, rest = self._buffer.partition(end)
        if not found:
            return None
        self._buffer = rest
        return line

    def _head(self) -> bool:
        head = self._line(b"\r\n\r\n")
        if head is None:
            return False
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
        parted = (line.partition(": ") for line in lines)
        fields = [(name, value) for name, _, value in parted]
        self._current = SeenRequest(method=method, target=target, version=version, fields=fields)
        self._began(self._current)
        if self._current.values("transfer-encoding"):
            self._step = self._chunk_size
        else:
            self._left = int((self._current.values("content-length") or ["0"])[0])
            self._step = self._body
        return True

    def _body(self) -> bool:
        if self._take_piece():
            return False
        return self._end()

    def _chunk_size(self) -> bool:
        line = self._line(b"\r\n")
        if line is None:
            return False
        self._left = int(line, 16)
        self._step = self._chunk if self._left else self._last_line
        return True

    def _chunk(self) -> bool:
        if self._take_piece() or len(self._buffer) < len(b"\r\n"):
            return False
        if self._line(b"\r\n") != b"":
            raise ValueError("more in a chunk than its size says")
        self._step = self._chunk_size
        return True

    def _last_line(self) -> bool:
        line = self._line(b"\r\n")
        if line is None:
            return False
        if line:
            raise ValueError("a trailer field")
        return self._end()

    def _take_piece(self) -> bool:
        """Take what there is of the body, and tell whether more must come."""
        piece, self._buffer = self._buffer[: self._left], self._buffer[self._left :]
        if self._current is not None:
            self._current.body += piece
        self._left -= len(piece)
        return self._left > 0

    def _end(self) -> bool:
        if self._current is not None:
            self._current.complete = True
        self._step = self._head
        return bool(self._buffer)


class Relay:
    """Listens on the loopback, passes everything on, and keeps what goes to the back office."""

    def __init__(self, back_office_port: int) -> None:
        self._to = ("127.0.0.1", back_office_port)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._lock = threading.Lock()
        self._requests: list[SeenRequest] = []
        self._readers: list[RequestReader] = []
        self._sockets: set[socket.socket] = set()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Give the port it listens on."""
        return int(self._listener.getsockname()[1])

    @property
    def count(self) -> int:
        """Give how many requests have begun so far: a mark for `since`."""
        with self._lock:
            return len(self._requests)

    def since(self, mark: int) -> list[SeenRequest]:
        """Give what has left the gateway since a mark."""
        with self._lock:
            return self._requests[mark:]

    def unreadable(self) -> list[bytes]:
        """Give what could not be read as requests."""
        with self._lock:
            return [reader.rest for reader in self._readers if reader.rest]

    def close(self) -> None:
        """End all of it."""
        self._closing = True
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._closing:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(self._to, timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = RequestReader(self._began)
            with self._lock:
                self._sockets |= {near, far}
                self._readers.append(reader)
            for source, sink, watched in ((near, far, reader), (far, near, None)):
                threading.Thread(
                    target=self._pump, args=(source, sink, watched), daemon=True
                ).start()

    def _began(self, request: SeenRequest) -> None:
        with self._lock:
            self._requests.append(request)

    def _pump(
        self, source: socket.socket, sink: socket.socket, reader: RequestReader | None
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(PIECE_BYTES):
                if reader is not None:
                    reader.feed(data)  # noted before it is passed on
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
            with self._lock:
                self._sockets.discard(one)
