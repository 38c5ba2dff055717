"""A WebSocket of the back office: tells changes as they happen, and answers what it is told.

A thread serves each, as it does every connection. The protocol is the library's; what is read and
written is ours, as the HTTP server before it has the socket.
"""

from __future__ import annotations

import json
import select
import time
from collections.abc import Callable, Iterator, Mapping
from io import BufferedIOBase
from socket import socket

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

PIECE_BYTES = 65_536
Heard = Callable[[str], Mapping[str, object]]


class LiveSocket:
    """One conversation."""

    def __init__(self, changes: Iterator[str], hears: Heard, every: float) -> None:
        """Have something to say.

        Args:
            changes: told one after the other.
            hears: gives what is answered to what the other side says.
            every: seconds between two changes.
        """
        self._changes = changes
        self._hears = hears
        self._every = every
        self._protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])

    def serve(
        self,
        connection: socket,
        stream: BufferedIOBase,
        target: str,
        headers: Mapping[str, str],
    ) -> int:
        """Answer the handshake, and talk until one side ends it; gives the status.

        Args:
            connection: what is written to.
            stream: what is read from, as far as the request has left it.
            target: of the request.
            headers: of the request.
        """
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        self._protocol.receive_data("\r\n".join([*lines, "", ""]).encode("ascii"))
        (request,) = self._protocol.events_received()
        if not isinstance(request, Request):
            return 400
        response = self._protocol.accept(request)
        self._protocol.send_response(response)
        self._flush(connection)
        if response.status_code == 101:
            self._talk(connection, stream)
        return response.status_code

    def _talk(self, connection: socket, stream: BufferedIOBase) -> None:
        due = time.monotonic()
        while self._protocol.state is State.OPEN:
            wait = due - time.monotonic()
            if wait <= 0:
                due += self._every
                told = next(self._changes, None)
                if told is None:
                    self._protocol.send_close(1000)
                else:
                    self._protocol.send_text(told.encode())
            elif select.select([connection], [], [], wait)[0]:
                data = stream.read1(PIECE_BYTES)
                if not data:
                    return
                self._protocol.receive_data(data)
                self._answer()
            self._flush(connection)

    def _answer(self) -> None:
        for event in self._protocol.events_received():
            if isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                heard = self._hears(bytes(event.data).decode())
                self._protocol.send_text(json.dumps(heard).encode())

    def _flush(self, connection: socket) -> None:
        for data in self._protocol.data_to_send():
            if data:
                connection.sendall(data)
