"""The back office's HTTP server: a thread for each connection, kept open between requests.

Each request is noted in a file when it has arrived (`method target status asker`): what is not
there did not get through the gateway.
"""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from typing import TextIO, cast

from typing_extensions import override

from deploy.demo.backoffice.application import BackOffice
from deploy.demo.backoffice.exchange import Answer, Asked

IDLE_SECONDS = 75.0
MAX_CHUNK_LINE = 1024
PIECE_BYTES = 64 * 1024


class RequestBody:
    """The body of one request: as long as it says, or in chunks (RFC 9112 section 7.1)."""

    def __init__(self, stream: BufferedIOBase, length: int | None) -> None:
        """Read from a connection; without a length the body comes in chunks."""
        self._stream = stream
        self._chunked = length is None
        self._left = length or 0
        self._ended = length == 0

    def read(self, size: int) -> bytes:
        """Read at most `size` bytes; empty at the end."""
        if self._ended:
            return b""
        if self._chunked and self._left == 0:
            self._left = _chunk_size(self._stream.readline(MAX_CHUNK_LINE))
            if self._left == 0:
                while self._stream.readline(MAX_CHUNK_LINE) not in {b"\r\n", b"\n", b""}:
                    pass  # trailers, which nobody here reads
                self._ended = True
                return b""
        piece = self._stream.read(min(size, self._left))
        if not piece:
            message = "the body ended early"
            raise ConnectionError(message)
        self._left -= len(piece)
        if self._left == 0:
            if self._chunked:
                self._stream.readline(MAX_CHUNK_LINE)
            else:
                self._ended = True
        return piece

    def drain(self) -> None:
        """Read the rest, so that the next request can be read."""
        while self.read(PIECE_BYTES):
            pass


def _chunk_size(line: bytes) -> int:
    try:
        return int(line.partition(b";")[0], 16)
    except ValueError as error:
        message = "the chunk has no size"
        raise ConnectionError(message) from error


class BackOfficeServer(ThreadingHTTPServer):
    """Listens on the loopback."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int, back_office: BackOffice, noted: Path) -> None:
        """Bind the port.

        Args:
            port: 0 for a free one.
            back_office: what answers.
            noted: the file in which requests are noted.
        """
        self.back_office = back_office
        self._noted: TextIO = noted.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def note(self, line: str) -> None:
        """Note a request."""
        with self._lock:
            self._noted.write(line + "\n")

    @override
    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            self._noted.close()

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong in here; the connection is closed without an answer."""
        traceback.print_exc(file=sys.stderr)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "Oracle-Application-Server-Demo"
    sys_version = ""
    timeout = IDLE_SECONDS
    wbufsize = PIECE_BYTES  # head and body in one packet
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        server = cast("BackOfficeServer", self.server)
        body = self._body()
        if body is None:
            self.close_connection = True
            self._send(Answer(status=HTTPStatus.BAD_REQUEST))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked.from_target(self.command, self.path, headers, body)
        if "upgrade" in headers:
            self._talk(server, asked)
            return
        answer = server.back_office.answer(asked)
        proof = dict(answer.headers).get("X-Asker", "-")
        server.note(f"{self.command} {self.path} {int(answer.status)} {proof}")
        body.drain()
        self._send(answer)

    def _talk(self, server: BackOfficeServer, asked: Asked) -> None:
        """Serve a WebSocket; the connection ends with it."""
        self.close_connection = True
        talk = server.back_office.live_socket(asked)
        if isinstance(talk, Answer):
            self._send(talk)
            return
        server.note(f"WEBSOCKET {self.path} 101 {talk.asker}")
        talk.socket.serve(self.connection, self.rfile, self.path, asked.headers)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815

    def _body(self) -> RequestBody | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return RequestBody(self.rfile, None)
        length = self.headers.get("Content-Length", "0")
        return RequestBody(self.rfile, int(length)) if length.isdecimal() else None

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        whole = answer.body if isinstance(answer.body, bytes) else None
        length = len(whole) if whole is not None else answer.length
        bodiless = answer.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}
        if not bodiless:
            self.send_header("Content-Type", answer.content_type)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        elif not bodiless:
            self.send_header("Content-Length", str(length))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and not bodiless:
            self._send_body(whole, answer.body, chunked=length is None)
        self.wfile.flush()

    def _send_body(
        self, whole: bytes | None, pieces: bytes | Iterator[bytes], *, chunked: bool
    ) -> None:
        if whole is not None:
            self.wfile.write(whole)
            return
        for piece in cast("Iterator[bytes]", pieces):
            if chunked:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                self.wfile.flush()  # an event is of use when it happens
            else:
                self.wfile.write(piece)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    @override
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests are noted in a file."""

    @override
    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
