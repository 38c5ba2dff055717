"""Connections to one back-office system: HTTP/1.1 by our own hand, nothing between us and the wire.

`UpstreamConnection` speaks to one socket, one exchange at a time, and calls its `ResponseSink` as
the answer arrives. Rules:

- What we send is written by us byte for byte; no library rewrites a path or adds a field.
- What comes back is refused when it has two readings: odd framing, fields after the head, a second
  answer, an endless run of 1xx, a status outside 200-599. What is plain (`plain_answer`) is passed
  on without the parser, with the same outcome.
- A connection goes back to the pool only after an exchange without anything odd: request sent in
  full, answer complete, nothing extra. Otherwise it is closed: no answer may meet the wrong asker.
- Times are bounded: connecting, first byte, pauses. The sweep of the worker calls `expire`.
"""

import asyncio
from collections.abc import Callable
from typing import Final, NoReturn, Protocol, cast

import httptools

from gateway.backoffice.plain_answer import PlainAnswers
from gateway.backoffice.response_sink import PlainTaker, ResponseSink
from gateway.backoffice.upstream_address import NEVER, UpstreamAddress
from gateway.errors import UpstreamError

_HEAD_BYTES: Final = 64 * 1024  # an answer's head; browsers give up at less
_MAX_INFORMATIONAL: Final = 8  # 1xx answers before the real one
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})


class ExchangeError(UpstreamError):
    """One exchange failed. `status` is what the client is told.

    Attributes:
        status: 502, 503 or 504; 429 and 499 are of whoever asked (see `UpstreamPool.acquire`).
        code: a fixed word for the record.
        retryable: nothing of an answer came on a connection that had been idle, so most likely
            nobody read the request: one without effect may be repeated, on a new connection.
        unsent: not a byte of the request left, so whatever it asks may be asked elsewhere.
    """

    def __init__(
        self, status: int, code: str, *, retryable: bool = False, unsent: bool = False
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.retryable = retryable
        self.unsent = unsent


class ConnectionKeeper(Protocol):
    """Who keeps connections between exchanges; the pool."""

    address: UpstreamAddress
    loop: asyncio.AbstractEventLoop

    def put_back(self, connection: "UpstreamConnection") -> None:
        """Take a connection after an exchange without anything odd, if it may be used again."""

    def keep(self, connection: "UpstreamConnection") -> None:
        """Take a connection that may be used again, as far as it knows itself."""

    def forget(self, connection: "UpstreamConnection") -> None:
        """Drop a connection from the books."""


class UpstreamConnection(asyncio.Protocol):
    """One socket to a system."""

    asker = ""  # who has it, or had it last
    on_switch: Callable[[bytes], None] | None = None  # takes what is behind a 101, and `give_away`

    def __init__(self, pool: ConnectionKeeper) -> None:
        self.pool = pool
        self._address, self._now = pool.address, pool.loop.time
        self.deadline = self.ends_at = NEVER  # of a pause, and of the whole exchange
        self.used = False  # whether an exchange has been completed on it before
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._sink: ResponseSink | None = None
        self._head_only = self._sent_all = False
        self._slow = False  # what we wrote has not all been taken
        self._clean = True  # nothing odd has happened
        self._fields: list[tuple[bytes, bytes]] = []
        # Of one answer that is parsed; as here while there is none.
        self._head_done = self._in_head = self._until_close = False
        self._answered = False  # any byte of it has arrived
        self._informational = self._head_bytes = 0
        self._lie: ExchangeError | None = None  # why our own callback stopped the parser
        self._plain: PlainTaker | None = None  # takes a plain answer, of which nothing is here yet
        self._left = 0  # bytes to come of a plain answer's body
        self._plain_answers = PlainAnswers()

    # ---- the exchange ---------------------------------------------------------------------

    def begin(
        self,
        head: bytes,
        sink: ResponseSink,
        *,
        head_only: bool,
        complete: bool,
        plain: PlainTaker | None = None,
    ) -> None:
        """Send a request head and deliver the answer to `sink`.

        Args:
            head: the full head, with body bytes already at hand appended.
            sink: who takes the answer.
            head_only: the answer has no body whatever it says (HEAD).
            complete: the request has no more body than `head` holds.
            plain: the sink, where it also takes a plain answer to a complete request.
        """
        self._plain, self._sink = plain, sink
        self._head_only, self._sent_all = head_only, complete
        address, now = self._address, self._now()
        self.deadline = now + (address.first_byte_seconds if complete else address.idle_seconds)
        self.ends_at = now + address.total_seconds
        if self._transport is None:
            self._fail(ExchangeError(502, "upstream-gone", retryable=True))
            return
        self._transport.write(head)

    def send_body(self, data: bytes) -> None:
        """Send a piece of the request's body, framed by the caller."""
        if self._transport is not None and self._sink is not None:
            self.deadline = self._now() + self._address.idle_seconds
            self._transport.write(data)

    def end_body(self) -> None:
        """Note that the request has been sent in full."""
        self._sent_all = True
        if self._sink is not None:
            self.deadline = self._now() + self._address.first_byte_seconds

    def pause(self) -> None:
        """Stop reading the answer: the client is slow."""
        if self._transport is not None and self._sink is not None:
            self.deadline = NEVER
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read the answer on."""
        if self._transport is not None and self._sink is not None:
            self.deadline = self._now() + self._address.idle_seconds
            self._transport.resume_reading()

    def cancel(self) -> None:
        """Give the exchange up without telling the sink: the asker is gone."""
        self._sink = None
        self.discard()

    def expire(self) -> None:
        """End an exchange, or an idle life, whose deadline has passed."""
        if self._sink is None:
            self.discard()
        elif self.ends_at <= self.deadline:
            self._fail(ExchangeError(504, "upstream-too-long"))
        else:
            code = "upstream-stalled" if self._answered else "upstream-timeout"
            self._fail(ExchangeError(504, code))

    def give_away(self) -> tuple[list[tuple[bytes, bytes]], asyncio.Transport | None]:
        """Leave the pool for good: gives the fields of a 101, and the transport."""
        transport, self._transport, self._sink = self._transport, None, None
        self.pool.forget(self)
        return self._fields, transport

    def discard(self) -> None:
        """Close the socket; it is not used again."""
        self._clean, self._plain = False, None  # it holds what held us
        self.pool.forget(self)
        if self._transport is not None:
            self._transport.abort()

    # ---- the transport's side -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """End the exchange: as complete where the end of the stream is the end of the body."""
        self._transport = None
        self._clean = False
        self.pool.forget(self)
        self.__dict__.pop("_parser", None)  # it holds us: what is gone waits for no collector
        if self._sink is None:
            return
        if self._head_done and self._until_close:
            self._end(stays=False)
        elif self._answered:
            self._fail(ExchangeError(502, "upstream-cut"))
        else:
            self._fail(ExchangeError(502, "upstream-closed", retryable=self.used))

    def data_received(self, data: bytes) -> None:
        """Take what the system says; bytes nobody asked for close the connection."""
        plain = self._plain  # the sink, or none: what ends an exchange clears both
        if plain is not None and self._take_plain(plain, data):
            return
        sink = self._sink
        if sink is None:
            self.discard()
            return
        self._answered = True
        self.deadline = self._now() + self._address.idle_seconds
        if self._left:
            self._count_down(sink, data)
        else:
            self._parse(data)
        if self._sink is sink:
            sink.on_read()

    def _parse(self, data: bytes) -> None:
        """Feed the parser."""
        if not self._head_done:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            if self._lie is None:  # a fault of ours, not of the system
                raise
            self._fail(self._lie)
        except httptools.HttpParserUpgrade as upgrade:
            if self.on_switch is not None:  # or the callback has refused it
                self.on_switch(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._fail(ExchangeError(502, "upstream-not-http"))
        if not self._head_done and self._head_bytes > _HEAD_BYTES:
            self._fail(ExchangeError(502, "upstream-head-too-large"))

    def _take_plain(self, taker: PlainTaker, data: bytes) -> bool:
        """Hand a plain answer on; False leaves it, whatever it is, to the parser."""
        self._plain = None
        answer = self._plain_answers.read(data)
        if answer is None:
            return False
        left = answer.size - len(data)
        if left < 0 or self._slow:
            return False
        if left:
            self._left, self._answered = left, True
            self.deadline = self._now() + self._address.idle_seconds
            taker.on_plain(answer, data, whole=False)
        else:
            self._sink, self.used = None, True
            taker.on_plain(answer, data, whole=True)
            # Whatever ends a connection spoils it. Whoever is given it asks for the rest.
            if self._clean:
                self.pool.keep(self)
        return True

    def _count_down(self, sink: ResponseSink, data: bytes) -> None:
        """Hand on a piece of a plain answer's body; what is more than that is a lie."""
        piece = data[: self._left]
        self._clean = self._clean and len(piece) == len(data)
        self._left -= len(piece)
        sink.on_body(piece)
        if not self._left:
            self._end(stays=True)

    def pause_writing(self) -> None:
        """The system reads slowly."""
        self._slow = True
        if self._sink is not None:
            self._sink.on_upstream_slow()

    def resume_writing(self) -> None:
        """The system caught up."""
        self._slow = False
        if self._sink is not None:
            self._sink.on_upstream_ready()

    # ---- the parser's side ----------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Open the head; a second answer in one exchange is a lie."""
        if self._head_done or self._sink is None:
            self._clean = False
            self._stop_at(ExchangeError(502, "upstream-second-answer"))
        self._fields = []
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a field; after the head it would be a trailer."""
        if not self._in_head:
            self._clean = False  # trailers are not passed on; the connection is not used again
            return
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Judge the head and hand it on."""
        self._in_head = False
        status = self._parser.get_status_code()
        if 100 <= status < 200:  # noqa: PLR2004
            switches = self.on_switch is not None and self._parser.should_upgrade()
            if switches and not self._informational:
                return
            self._informational += 1
            if status == 101 or self._informational > _MAX_INFORMATIONAL:  # noqa: PLR2004
                self._stop_at(ExchangeError(502, "upstream-informational"))
            return
        if not 200 <= status <= 599:  # noqa: PLR2004
            self._stop_at(ExchangeError(502, "upstream-status"))
        if self._parser.get_http_version() not in {"1.0", "1.1"}:
            self._stop_at(ExchangeError(502, "upstream-version"))
        try:
            length, chunked = _framing(self._fields)
        except ExchangeError as error:
            self._stop_at(error)
        bodiless = self._head_only or status in {204, 304}
        self._until_close = not bodiless and length is None and not chunked
        self._head_done = True
        sink = self._sink
        if sink is not None:
            sink.on_head(status, self._fields, 0 if status == 204 else length)  # noqa: PLR2004
            if self._head_only:
                self._end(stays=self._parser.should_keep_alive())

    def on_body(self, piece: bytes) -> None:
        """Pass on a piece."""
        if self._head_only:
            self._clean = False
        elif self._sink is not None:
            self._sink.on_body(piece)

    def on_message_complete(self) -> None:
        """End the exchange; a 1xx answer is only an announcement."""
        if self._head_done and self._sink is not None:
            self._end(stays=self._parser.should_keep_alive())

    # ---- inside ---------------------------------------------------------------------------

    def _end(self, *, stays: bool) -> None:
        """End the exchange; the system has said that the connection stays, or that it does not."""
        sink, self._sink = self._sink, None
        if sink is None:
            return
        keep = (
            stays
            and self._clean
            and self._sent_all
            and not self._slow
            and not self._until_close
            and self._transport is not None
        )
        if keep:
            if self._head_only:  # the parser still waits for a body that never comes
                self._parser = httptools.HttpResponseParser(self)
            self.used = True
            self._head_done = self._answered = False
            self._informational = self._head_bytes = 0
            # after this read, so that extra bytes behind the answer are still seen as such
            self.pool.loop.call_soon(self.pool.put_back, self)
        else:
            self.discard()
        sink.on_end()

    def _stop_at(self, error: ExchangeError) -> NoReturn:
        """Stop the parser, which itself tells only that a callback of ours failed."""
        self._lie = error
        raise error

    def _fail(self, error: ExchangeError) -> None:
        sink, self._sink = self._sink, None
        self.discard()
        if sink is not None:
            sink.on_fail(error)

    @property
    def is_reusable(self) -> bool:
        """Whether another exchange may run on this connection."""
        return (
            self._clean
            and self._sink is None
            and self._transport is not None
            and not self._transport.is_closing()
        )


def _framing(fields: list[tuple[bytes, bytes]]) -> tuple[int | None, bool]:
    """Read the framing of an answer: (length or None, chunked), refusing two readings."""
    named = dict(fields)
    length, coding = named.get(b"content-length"), named.get(b"transfer-encoding")
    if (length is not None and coding is not None) or (
        # Something is repeated, as `Set-Cookie` may be.
        len(named) != len(fields) and sum(name in _FRAMING for name, _ in fields) > 1
    ):
        raise ExchangeError(502, "upstream-framing")
    if coding is not None:
        if coding.lower() != b"chunked":
            raise ExchangeError(502, "upstream-framing")
        return None, True
    if length is None:
        return None, False
    if not length.isdigit():
        raise ExchangeError(502, "upstream-framing")
    return int(length), False
