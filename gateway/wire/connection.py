"""One client connection: requests in, answers out, one at a time.

This is the only place where bytes from a browser enter. Rules it keeps:

- A request is handed on only when its whole head has been read and checked; the head has a limit in
  bytes, in fields and in time.
- One request is served at a time. What a client pipelines waits, unread beyond a small bound.
- After anything malformed the connection is closed; the refusal goes out after the answers owed.
- A body nobody asked for is not read: the answer is sent, the rest discarded for a moment so that
  the client can read the answer, and the connection is closed.
- Reading from the client pauses when whoever takes the body cannot keep up; whoever produces the
  answer is told to pause when the client cannot keep up. A client that does not read is given
  nothing more, and is cut after a while.
- Whatever we wait for from the client has a deadline. Only while it waits for us there is none.
"""

import asyncio
from collections import deque
from typing import NoReturn, cast

import httptools

from gateway.wire.arrival import PLAIN, Arrival
from gateway.wire.checked_heads import CheckedHeads
from gateway.wire.closing import end_writing, reset
from gateway.wire.handler import RequestHandler
from gateway.wire.incoming import Incoming
from gateway.wire.limits import (
    DISCARD_BYTES,
    DISCARD_SECONDS,
    LEAST_BODY_BYTES,
    MAX_PIPELINED,
    NO_DEADLINE,
)
from gateway.wire.request_head import HeadError, no_http
from gateway.wire.upgrading import Upgrading


class Connection(asyncio.Protocol):
    """The server side of one client connection.

    Attributes:
        near_ip: address at the other end of the socket.
        peer_ip: address of the client; another one where a listed front tells it.
        answer_fields: header fields, each with its CRLF, that every answer carries.
        deadline: loop time at which the sweeper calls `expire`.
        closing: whether nothing more will be served.
        bytes_out: of the current answer, `100 Continue` not counted.
        task: what serves the current request, or served the last one.
    """

    def __init__(
        self,
        handler: "RequestHandler[Connection]",
        loop: asyncio.AbstractEventLoop,
        arrival: Arrival = PLAIN,
    ) -> None:
        self.handler, self.loop, self._gone = handler, loop, arrival.gone
        self.near_ip, self.deadline, self.closing, self.bytes_out = "", NO_DEADLINE, False, 0
        self.peer_ip, self.answer_fields = arrival.client_ip, arrival.answer_fields
        self.task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[Incoming] = deque()
        self._current: Incoming | None = None
        self._reading: Incoming | None = None  # the request whose body the parser is in
        self._fields: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0  # of the head being read, as they arrived; 0 between two messages
        self._heads = CheckedHeads(handler.limits)
        self._body_bytes = 0  # of the body being read, since its deadline was last moved
        self._in_head, self._target = False, b""
        self._broken: bytes | None = None  # refusal to send once the owed answers are out
        self._bad_head: HeadError | None = None  # why our own callback stopped the parser
        self._discarded = -1  # bytes swallowed after a refused body; -1: not discarding
        self._paused_reading = self._client_slow = False

    # ---- the transport's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the clock: a head must arrive in time."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.near_ip = peer[0] if isinstance(peer, tuple) else ""
        self.peer_ip = self.peer_ip or self.near_ip
        self.deadline = self.loop.time() + self.handler.limits.head_seconds
        self.handler.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell whoever serves this client that it is gone."""
        self.handler.connections.discard(self)
        self._transport = None
        if self._gone is not None:
            self._gone()
        for incoming in filter(None, (self._current, *self._waiting)):
            incoming.fail()
        self._waiting.clear()
        self._reading = None  # as the parser, it holds us; what is gone waits for no collector
        self.__dict__.pop("_parser", None)

    def data_received(self, data: bytes) -> None:
        """Feed the parser; anything it or we refuse ends the connection after the owed answers."""
        if self._discarded >= 0:
            self._discarded += len(data)
            if self._discarded > DISCARD_BYTES:
                self.close()
        elif not (self._current or self._head_bytes or self._in_head or self._client_slow) and (
            head := self._heads.known.find(data)
        ):
            self._start(Incoming(head, self, complete=True))
        elif self._broken is None:
            self._note_arrival(len(data))
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                self._broken = b""  # nothing behind it is read as a request
                asked = self._waiting[-1] if self._waiting else self._current
                Upgrading(self, asked).begin(data[upgrade.args[0] :])
            except httptools.HttpParserCallbackError:
                if self._bad_head is None:  # a fault of ours, not of the client
                    raise
                self._refuse(self._bad_head.status, self._bad_head.code)
            except httptools.HttpParserError:
                self._refuse(400, no_http(data))
            if self._in_head and self._head_bytes > self.handler.limits.head_bytes:
                self._refuse(431, "head-too-large")

    def _note_arrival(self, size_bytes: int) -> None:
        """Count what arrives, and move the deadline that the arrival meets."""
        if self._in_head:
            self._head_bytes += size_bytes
        elif self._reading is not None:
            # A trickle is not enough: a body that comes byte by byte could last for ever.
            self._body_bytes += size_bytes
            if self._body_bytes >= LEAST_BODY_BYTES:
                self._body_bytes = 0
                self._renew_deadline()
        else:
            # Counted on from zero, so that empty lines before a head do not begin its time anew.
            if self._head_bytes == 0 and self._current is None and not self._client_slow:
                self.deadline = self.loop.time() + self.handler.limits.head_seconds
            self._head_bytes += size_bytes

    def eof_received(self) -> bool:
        """Treat half-close as gone: no browser does it, and an answer to nobody helps nobody."""
        self.close()
        return False

    def pause_writing(self) -> None:
        """The client reads slowly: pause the producer of the answer, and bear it for a while."""
        self._client_slow = True
        self._renew_deadline()
        if self._current is not None and self._current.on_pause is not None:
            self._current.on_pause()

    def resume_writing(self) -> None:
        """The client caught up."""
        self._client_slow = False
        self._renew_deadline()
        if self._current is None:
            if self._discarded < 0:
                self._serve_next()
        elif self._current.on_resume is not None:
            self._current.on_resume()

    # ---- the parser's side ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Open a new head."""
        self._target, self._fields, self._in_head = b"", [], True

    def on_url(self, piece: bytes) -> None:
        """Collect the raw target."""
        self._target += piece
        if len(self._target) > self.handler.limits.head_bytes:
            self._stop_at(HeadError(414, "target-too-long"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field; one that comes after the head is a trailer and is refused."""
        if not self._in_head:
            self._stop_at(HeadError(400, "trailer"))
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Check the head and serve the request, or let it wait its turn."""
        self._in_head = False
        asked = self._parser.get_method(), self._parser.get_http_version(), self._fields
        try:
            head = self._heads.check(asked, self._target)
        except HeadError as error:
            self._stop_at(error)
        incoming = Incoming(head, self)
        self._reading, self._body_bytes = incoming, 0
        if self._current is None and not self._client_slow:
            self._start(incoming)
            return
        # A client that does not read what it asked for is given no more of it.
        self._waiting.append(incoming)
        if len(self._waiting) >= MAX_PIPELINED:
            self.pause_body()

    def on_body(self, piece: bytes) -> None:
        """Pass on a piece of the body."""
        if self._reading is not None:
            self._reading.feed(piece)

    def on_message_complete(self) -> None:
        """Close the body; what follows in the same read is the head of another request."""
        self._head_bytes = 0
        if self._reading is not None:
            reading, self._reading = self._reading, None
            if reading.head.body_length:
                self._renew_deadline()  # from here on it is the answer that takes its time
            reading.end()

    # ---- the answer's side ----------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Whether the client can still be answered."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def client_slow(self) -> bool:
        """Whether the client's buffer is full at the moment."""
        return self._client_slow

    def owes(self, incoming: Incoming) -> bool:
        """Whether `incoming` is the one being served, and not answered yet."""
        return incoming is self._current

    def send(self, data: bytes) -> None:
        """Write bytes of an answer; nothing happens when the client is gone."""
        if self._transport is not None:
            self.bytes_out += len(data)
            self._transport.write(data)

    def send_continue(self) -> None:
        """Tell the client that its body is awaited."""
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def finish(self, incoming: Incoming, *, keep_open: bool) -> None:
        """End the answer to `incoming`; serve what waits, or close.

        Args:
            incoming: the request that has been answered in full.
            keep_open: what the answer's head promised; see `promise`.
        """
        if incoming is not self._current:
            return
        self._current, incoming.sent_bytes = None, self.bytes_out
        if self._transport is None or self._transport.is_closing():
            return
        if keep_open:
            self._serve_next()
        elif incoming.complete:
            self.close()
        else:
            self._discard_then_close()

    def close(self) -> None:
        """Close after what was written has been sent; what is not taken in time is cut."""
        if not self.closing:
            self.closing = True
            self._renew_deadline()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection: the client must see that an answer is incomplete."""
        self.closing = True
        if self._transport is not None:
            reset(self._transport)

    def expire(self) -> None:
        """End a connection whose deadline has passed (called by the sweeper)."""
        if self.closing or self._client_slow:
            self.abort()
        elif self._discarded >= 0:
            self.close()
        elif self._reading is not None:
            self.deadline = NO_DEADLINE
            self._reading.fail(408, "body-timeout")  # whoever takes it gives up and answers
        elif self._current is not None:
            self.deadline = NO_DEADLINE
        elif self._in_head:
            self._refuse(408, "head-timeout")
        else:
            self.close()

    @property
    def is_idle(self) -> bool:
        """Whether it has been served and waits for another request; closing it loses nothing."""
        return not (self._current or self._waiting or self._in_head) and self.task is not None

    def hand_over(self, taker: asyncio.Protocol) -> None:
        """Have what comes from now on go elsewhere, which passes on that the client is gone."""
        if self._transport is not None:
            self._transport.set_protocol(taker)
            taker.connection_made(self._transport)

    def pause_body(self) -> None:
        """Stop reading from the client."""
        if not self._paused_reading and self._transport is not None:
            self._paused_reading = True
            self._renew_deadline()
            self._transport.pause_reading()

    def resume_body(self) -> None:
        """Read on from the client."""
        if self._paused_reading and self._transport is not None:
            self._paused_reading = False
            self._renew_deadline()
            self._transport.resume_reading()

    # ---- inside ---------------------------------------------------------------------------

    def _renew_deadline(self) -> None:
        """Give the client the time for whatever it is that we wait for; none while it is us."""
        limits = self.handler.limits
        if self.closing or self._client_slow:
            seconds = limits.slow_seconds
        elif self._discarded >= 0:
            seconds = DISCARD_SECONDS
        elif self._reading is not None and not self._paused_reading:
            seconds = limits.idle_seconds
        elif self._current is not None:
            seconds = NO_DEADLINE
        else:
            seconds = limits.head_seconds if self._in_head else limits.idle_seconds
        self.deadline = self.loop.time() + seconds

    def _start(self, incoming: Incoming) -> None:
        self._current, self.bytes_out = incoming, 0
        if incoming.complete or incoming.head.body_length == 0:
            self.deadline = NO_DEADLINE
        else:
            self.deadline = self.loop.time() + self.handler.limits.idle_seconds
        self.task = self.loop.create_task(self.handler.serve(incoming, self))

    def _serve_next(self) -> None:
        """Serve what waits, say what is wrong with what came last, or wait for more."""
        if self.closing:
            return
        if self._client_slow:
            self._renew_deadline()  # goes on when the client has read what it was given
        elif self._waiting:
            self._start(self._waiting.popleft())
            if len(self._waiting) < MAX_PIPELINED:
                self.resume_body()
        elif self._broken is not None:
            self._send_broken()
        elif self.handler.draining:
            self.close()
        else:
            if self._paused_reading:  # the last body may have ended while it was held back
                self.resume_body()
            limits = self.handler.limits
            self.deadline = self.loop.time() + (
                limits.head_seconds if self._in_head else limits.idle_seconds
            )

    def _stop_at(self, error: HeadError) -> NoReturn:
        """Stop the parser, which itself tells only that a callback of ours failed."""
        self._bad_head = error
        raise error

    def _refuse(self, status: int, code: str) -> None:
        """Remember the refusal of what cannot be read, and send it when nothing else is owed."""
        self._in_head = False
        if self._reading is not None:
            broken_body, self._reading = self._reading, None
            self._broken = b""  # the request it belongs to gets the answer; nothing follows it
            broken_body.fail(status, code)
        else:
            self._broken = self.handler.refuse_head(status, code, self)
        self._renew_deadline()
        if self._current is None and not self._waiting:
            self._send_broken()

    def _send_broken(self) -> None:
        if self._broken:
            self.send(self._broken)
        self._discard_then_close()

    def _discard_then_close(self) -> None:
        """Swallow a little of what still comes, so that a reset does not eat the answer."""
        self._discarded = 0
        self._renew_deadline()
        self.resume_body()
        if self._transport is None or not end_writing(self._transport):
            self.close()
