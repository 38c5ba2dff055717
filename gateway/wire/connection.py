"""One client connection: requests in, answers out, one at a time.

This is the only place where bytes from a browser enter. Rules it keeps:

- A request is handed on only when its whole head has been read and checked; the head has a limit in
  bytes, in fields and in time.
- One request is served at a time. What a client pipelines waits, unread beyond a small bound.
- After anything malformed the connection is closed; the refusal goes out after the answers owed.
- A body nobody asked for is not read: the answer is sent, the rest discarded for a moment so that
  the client can read the answer, and the connection is closed.
- Reading from the client pauses when whoever takes the body cannot keep up; whoever produces the
  answer is told to pause when the client cannot keep up.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import httptools

from gateway.wire.request_head import CHUNKED, HeadError, RequestHead, check_head

_MAX_PIPELINED: Final = 8  # more than any client sends unasked; beyond it reading pauses
_BODY_BUFFER_BYTES: Final = 64 * 1024  # held for a request whose taker is not ready yet
_DISCARD_SECONDS: Final = 2.0  # how long we swallow a refused body so that the answer is not lost
_DISCARD_BYTES: Final = 1024 * 1024
_FIELD_FRAME_BYTES: Final = len(b": \r\n")
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_NO_DEADLINE: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one client may cost before it has said who it is.

    Attributes:
        head_bytes: request line and fields together.
        head_fields: number of fields.
        head_seconds: from the first byte of a request to the end of its head.
        idle_seconds: between two requests, and between two pieces of a body.
        hosts: acceptable `Host` values, lower case.
    """

    head_bytes: int
    head_fields: int
    head_seconds: float
    idle_seconds: float
    hosts: frozenset[bytes]


class Incoming:
    """A request whose head has been checked; its body arrives while it is served."""

    __slots__ = (
        "_buffer", "_buffered", "_connection", "_on_chunk", "_on_end", "complete", "failed", "head",
        "on_gone", "on_pause", "on_resume", "received_bytes",
    )  # fmt: skip

    def __init__(self, head: RequestHead, connection: "Connection") -> None:
        self.head = head
        self.complete = False
        self.failed = False  # the client went away or broke the framing: the body will never end
        self.received_bytes = 0
        self.on_gone: Callable[[], None] | None = None  # set by whoever must stop work
        self.on_pause: Callable[[], None] | None = None  # the client reads slowly
        self.on_resume: Callable[[], None] | None = None
        self._connection = connection
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._on_chunk: Callable[[bytes], None] | None = None
        self._on_end: Callable[[], None] | None = None

    def take_body(self, on_chunk: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Let the body flow; says `100 Continue` where the client waits for it.

        Args:
            on_chunk: called with each piece as it arrives, the pieces already here at once.
            on_end: called once after the last piece.
        """
        if self.head.expects_continue and not self.complete and not self.received_bytes:
            self._connection.send(_CONTINUE)
        self._on_chunk, self._on_end = on_chunk, on_end
        pieces, self._buffer, self._buffered = self._buffer, [], 0
        for piece in pieces:
            on_chunk(piece)
        if self.complete:
            on_end()
        else:
            self._connection.resume_body()

    async def read_body(self, limit_bytes: int) -> bytes | None:
        """Read the whole body; None when it is longer than `limit_bytes` or never ends."""
        if self.head.body_length > limit_bytes:
            return None
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        pieces: list[bytes] = []

        def settle(ok: bool) -> None:
            if not done.done():
                done.set_result(ok)

        def take(piece: bytes) -> None:
            pieces.append(piece)
            if self.received_bytes > limit_bytes:
                settle(False)

        self.on_gone = lambda: settle(False)
        if self.failed:
            return None
        self.take_body(take, lambda: settle(True))
        return b"".join(pieces) if await done else None

    def put_back(self, body: bytes) -> None:
        """Give a body that was read whole back, for whoever takes it next."""
        self._on_chunk = self._on_end = None
        self._buffer = [body] if body else []

    def pause_body(self) -> None:
        """Stop reading from the client until `resume_body`."""
        self._connection.pause_body()

    def resume_body(self) -> None:
        """Read on."""
        self._connection.resume_body()

    def feed(self, piece: bytes) -> None:
        """Take one piece of the body from the parser."""
        self.received_bytes += len(piece)
        if self._on_chunk is not None:
            self._on_chunk(piece)
            return
        self._buffer.append(piece)
        self._buffered += len(piece)
        if self._buffered > _BODY_BUFFER_BYTES:
            self._connection.pause_body()

    def end(self) -> None:
        """Note that the body is complete."""
        self.complete = True
        if self._on_end is not None:
            self._on_end()

    def fail(self) -> None:
        """Note that the client is gone or its body broken."""
        self.failed = True
        if self.on_gone is not None:
            self.on_gone()


class RequestHandler(Protocol):
    """What a connection needs of the gateway.

    `serve` must answer the request through the connection and return, whatever happens.
    `refuse_head` gives the full bytes of the answer to a request that could not be read.
    """

    limits: ConnectionLimits
    connections: set["Connection"]
    draining: bool

    async def serve(self, incoming: Incoming, connection: "Connection") -> None:
        """Answer one request."""
        ...

    def refuse_head(self, status: int, code: str, connection: "Connection") -> bytes:
        """Give the complete answer, `Connection: close` included, to a malformed request."""
        ...


class Connection(asyncio.Protocol):
    """The server side of one client connection."""

    def __init__(self, handler: RequestHandler, loop: asyncio.AbstractEventLoop) -> None:
        self.handler = handler
        self.loop = loop
        self.peer_ip = ""
        self.deadline = _NO_DEADLINE  # loop time at which the sweeper ends this connection
        self.closing = False
        self.bytes_out = 0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Incoming] = deque()
        self._current: Incoming | None = None
        self._task: asyncio.Task[None] | None = None
        self._reading: Incoming | None = None  # the request whose body the parser is in
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0  # of the head being read, as they arrived
        self._parsed_bytes = 0  # of the head being read, as the parser gave them out
        self._in_head = False
        self._broken: bytes | None = None  # the refusal to send once the owed answers are out
        self._discarded = -1  # bytes swallowed after a refused body; -1: not discarding
        self._paused_reading = False
        self._client_slow = False
        self._refuse_at_once = False

    # ---- the transport's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a head must arrive in time."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.peer_ip = peer[0] if isinstance(peer, tuple) else ""
        self.deadline = self.loop.time() + self.handler.limits.head_seconds
        self.handler.connections.add(self)
        if self._refuse_at_once:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell whoever serves this client that it is gone."""
        self.handler.connections.discard(self)
        self._transport = None
        for incoming in (self._current, *self._waiting):
            if incoming is not None:
                incoming.fail()
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; anything it or we refuse ends the connection after the owed answers."""
        if self._discarded >= 0:
            self._discarded += len(data)
            if self._discarded > _DISCARD_BYTES:
                self.close()
        elif self._broken is None:
            self._note_arrival(len(data))
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade:
                self._refuse(400, "upgrade")
            except httptools.HttpParserCallbackError as error:
                cause = error.__context__  # what our own callback raised
                if not isinstance(cause, HeadError):
                    raise
                self._refuse(cause.status, cause.code)
            except httptools.HttpParserError:
                self._refuse(400, "not-http")
            if self._in_head and self._head_bytes > self.handler.limits.head_bytes:
                self._refuse(431, "head-too-large")

    def _note_arrival(self, size_bytes: int) -> None:
        """Count the bytes of a head, and move the deadline that the arrival meets."""
        if self._in_head:
            self._head_bytes += size_bytes
        elif self._reading is not None:
            self.deadline = self.loop.time() + self.handler.limits.idle_seconds
        else:
            self._head_bytes = size_bytes
            if self._current is None:
                self.deadline = self.loop.time() + self.handler.limits.head_seconds

    def eof_received(self) -> bool:
        """Treat half-close as gone: no browser does it, and an answer to nobody helps nobody."""
        return False

    def pause_writing(self) -> None:
        """The client reads slowly: pause the producer of the answer."""
        self._client_slow = True
        if self._current is not None and self._current.on_pause is not None:
            self._current.on_pause()

    def resume_writing(self) -> None:
        """The client caught up."""
        self._client_slow = False
        if self._current is not None and self._current.on_resume is not None:
            self._current.on_resume()

    # ---- the parser's side ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Open a new head."""
        self._target = b""
        self._fields = []
        self._parsed_bytes = 0
        self._in_head = True

    def on_url(self, piece: bytes) -> None:
        """Collect the raw target."""
        self._target += piece
        self._parsed_bytes += len(piece)
        if len(self._target) > self.handler.limits.head_bytes:
            raise HeadError(414, "target-too-long")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field; one that comes after the head is a trailer and is refused."""
        if not self._in_head:
            raise HeadError(400, "trailer")
        self._fields.append((name, value))
        if len(self._fields) > self.handler.limits.head_fields:
            raise HeadError(431, "too-many-fields")
        # A head that comes in one read is over before its bytes are counted as they arrive.
        self._parsed_bytes += len(name) + len(value) + _FIELD_FRAME_BYTES
        if self._parsed_bytes > self.handler.limits.head_bytes:
            raise HeadError(431, "head-too-large")

    def on_headers_complete(self) -> None:
        """Check the head and serve the request, or let it wait its turn."""
        self._in_head = False
        head = check_head(
            method=self._parser.get_method().decode("latin-1"),
            target=self._target,
            version=self._parser.get_http_version(),
            fields=self._fields,
            hosts=self.handler.limits.hosts,
        )
        incoming = Incoming(head, self)
        self._reading = incoming
        if self._current is None:
            self._start(incoming)
            return
        self._waiting.append(incoming)
        if len(self._waiting) >= _MAX_PIPELINED:
            self.pause_body()

    def on_body(self, piece: bytes) -> None:
        """Pass on a piece of the body."""
        if self._reading is not None:
            self._reading.feed(piece)

    def on_message_complete(self) -> None:
        """Close the body; what follows in the same read is the head of another request."""
        if self._reading is not None:
            reading, self._reading = self._reading, None
            reading.end()
        self._head_bytes = 0

    # ---- the answer's side ----------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the client can still be answered."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def client_slow(self) -> bool:
        """Whether the client's buffer is full at the moment."""
        return self._client_slow

    def keeps_open(self, incoming: Incoming) -> bool:
        """Whether this answer may leave the connection open for another request."""
        return (
            incoming.head.keep_alive
            and incoming.complete
            and not incoming.failed
            and not self.handler.draining
        )

    def send(self, data: bytes) -> None:
        """Write bytes of an answer; nothing happens when the client is gone."""
        if self._transport is not None:
            self.bytes_out += len(data)
            self._transport.write(data)

    def finish(self, incoming: Incoming, *, keep_open: bool) -> None:
        """End the answer to `incoming`; serve what waits, or close.

        Args:
            incoming: the request that has been answered in full.
            keep_open: what the answer's head promised; see `keeps_open`.
        """
        if incoming is not self._current:
            return
        self._current = None
        if self._transport is None or self._transport.is_closing():
            return
        if not keep_open:
            self._close_after_discarding(incoming)
        elif self._waiting:
            self._start(self._waiting.popleft())
            if len(self._waiting) < _MAX_PIPELINED:
                self.resume_body()
        elif self._broken is not None:
            self._send_broken()
        else:
            seconds = self.handler.limits.head_seconds if self._in_head else None
            self.deadline = self.loop.time() + (seconds or self.handler.limits.idle_seconds)
            if self.handler.draining:
                self.close()

    def close(self) -> None:
        """Close after what was written has been sent."""
        self.closing = True
        if self._transport is not None:
            self._transport.close()

    def refuse_at_once(self) -> None:
        """Close as soon as the connection is made: the worker has as many as it takes."""
        self._refuse_at_once = True

    def abort(self) -> None:
        """Cut the connection: the client must see that an answer is incomplete."""
        self.closing = True
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """End a connection whose deadline has passed (called by the sweeper)."""
        if self._current is None and (self._in_head or self._fields == []) and self._discarded < 0:
            if self._in_head and self._broken is None:
                self._refuse(408, "head-timeout")
                return
            self.close()
        elif self._reading is not None and self._discarded < 0:
            self._reading.fail()  # a body that trickles: whoever takes it gives up and answers
            self.deadline = self.loop.time() + _DISCARD_SECONDS
        else:
            self.close()

    @property
    def is_idle(self) -> bool:
        """Whether no request is being served or waiting."""
        return self._current is None and not self._waiting

    def pause_body(self) -> None:
        """Stop reading from the client."""
        if not self._paused_reading and self._transport is not None:
            self._paused_reading = True
            self.deadline = _NO_DEADLINE  # it is we who are slow, not the client
            self._transport.pause_reading()

    def resume_body(self) -> None:
        """Read on from the client."""
        if self._paused_reading and self._transport is not None:
            self._paused_reading = False
            self._transport.resume_reading()

    # ---- inside ---------------------------------------------------------------------------

    def _start(self, incoming: Incoming) -> None:
        self._current = incoming
        self.bytes_out = 0
        has_body = incoming.head.body_length != 0 and not incoming.complete
        self.deadline = (
            self.loop.time() + self.handler.limits.idle_seconds if has_body else _NO_DEADLINE
        )
        self._task = self.loop.create_task(self.handler.serve(incoming, self))

    def _refuse(self, status: int, code: str) -> None:
        """Remember the refusal of what cannot be read, and send it when nothing else is owed."""
        self._in_head = False
        if self._reading is not None:
            broken_body, self._reading = self._reading, None
            broken_body.fail()
            self._broken = b""  # the request it belongs to gets the answer; nothing follows it
        else:
            self._broken = self.handler.refuse_head(status, code, self)
        if self._current is None:
            self._send_broken()

    def _send_broken(self) -> None:
        if self._broken:
            self.send(self._broken)
        self._discard_then_close()

    def _close_after_discarding(self, incoming: Incoming) -> None:
        if incoming.complete or incoming.failed:
            self.close()
        else:
            self._discard_then_close()

    def _discard_then_close(self) -> None:
        """Swallow a little of what still comes, so that a reset does not eat the answer."""
        self._discarded = 0
        self.deadline = self.loop.time() + _DISCARD_SECONDS
        self.resume_body()
        transport: Any = self._transport
        if transport is not None and transport.can_write_eof():
            transport.write_eof()
        else:
            self.close()


def body_is_chunked(incoming: Incoming) -> bool:
    """Whether the body's length is not known beforehand."""
    return incoming.head.body_length == CHUNKED
