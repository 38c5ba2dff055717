"""A server that gives one answer to every request, and can be told to stall once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class OneAnswer:
    """A server on a free port of the loopback.

    Attributes:
        answer: head and body, as they go over the wire.
        stall_at: which request, from 1, is answered late; 0 for none.
        stall_seconds: how late. Whatever arrives meanwhile waits too.
    """

    answer: bytes
    stall_at: int = 0
    stall_seconds: float = 0.0
    requests: int = 0
    _turn: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def serving(self) -> Iterator[int]:
        """Serve; gives the port."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            try:
                yield listener.getsockname()[1]
            finally:
                listener.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with accepted:
            try:
                while accepted.recv(65_536):
                    with self._turn:
                        self.requests += 1
                        if self.requests == self.stall_at:
                            time.sleep(self.stall_seconds)
                    accepted.sendall(self.answer)
            except OSError:
                return


def answer(body: bytes, status: str = "200 OK") -> bytes:
    """Write an answer."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
