"""Forwarding: the act that follows an enforced permit for a back-office function.

`Forwarder.forward` takes what was decided on and streams both ways between the client's connection
and one of the system's. It answers the client and returns what happened; it does not ask
again whether the request may pass, and never changes what was decided on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from gateway.backoffice.answer_places import LeadsElsewhere, place_fields
from gateway.backoffice.canonical import CanonicalTarget
from gateway.backoffice.headers import local_location, passed_on, request_head, response_head
from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.promise import CLOSE, promise
from gateway.wire.request_head import CHUNKED, RequestHead

_CHUNKED_FIELD: Final = b"Transfer-Encoding: chunked\r\n"
_LAST_CHUNK: Final = b"0\r\n\r\n"
KeepAnswer = Callable[[datetime, list[bytes], bytes | None], Awaitable[None]]
PassCookies = Callable[[list[bytes]], bytes]


class ForwardedVisit(Protocol):
    """A visit, as far as forwarding looks at it.

    Attributes:
        reference: what a person reads out.
        incoming: the request.
        client: the connection it came on.
    """

    reference: str
    incoming: Incoming
    client: Connection

    @property
    def at(self) -> datetime:
        """Its instant."""


class Outbound(NamedTuple):
    """What goes to the back office: decided on, nothing to choose any more.

    It is the same for each request that is the same; what is of one alone is its visit's.

    Attributes:
        target: the canonical target that was matched, decided and recorded.
        told: what the system is told of who asks, see `told_fields`.
        origins: of the system and of other hosts of the gateway, see `local_location`.
        resource: a style sheet, script or image.
        keep: stores what an answer brings for the session, durable when it returns: the instant of
            the visit, `Set-Cookie` values, and where it leads.
        learns: tells whether it matters where an answer leads; asked of those that lead somewhere.
        body_bytes: the most that is passed on of a body whose length is not told beforehand.
        pass_cookies: writes the `Set-Cookie` fields of the browser; None where they are kept.
        asker: who asks, so that failures of one person are told from those of several.
    """

    target: CanonicalTarget
    told: bytes
    origins: Mapping[str, bytes]
    resource: bool
    keep: KeepAnswer
    learns: Callable[[], bool]
    body_bytes: int
    pass_cookies: PassCookies | None = None
    asker: str = ""


class Forwarded(NamedTuple):
    """What came of it, for the record.

    A named tuple, not a dataclass: one is made for many requests, and it costs a third.

    Attributes:
        status: what the client was told, or would have been.
        code: empty when all went well, else a fixed word.
        answered: whether the client has been given a head; if not, the caller refuses.
    """

    status: int
    code: str
    answered: bool


class Exchange:
    """One request and its answer, coupling a client's connection with a system's.

    Attributes:
        done: what came of it.
        keep_open: whether the answer's head promised to keep the client's connection.
    """

    # How each begins. Most never change: what is not set costs nothing.
    _upstream: UpstreamConnection | None = None
    _status = 0
    _answered = False
    _chunked = False
    keep_open = False
    _more = b""  # fields of the answer's head that are written already
    _holding = False  # the pieces wait for the cookies to be stored
    _ended = False
    _storing: asyncio.Task[None] | None = None

    def __init__(self, visit: ForwardedVisit, outbound: Outbound) -> None:
        self._visit = visit
        self._incoming = visit.incoming
        self._client = client = visit.client
        self.done: asyncio.Future[Forwarded] = client.loop.create_future()
        self._outbound = outbound
        self._pieces: list[bytes] = []  # of one read, written together

    def start(self, upstream: UpstreamConnection, host: bytes) -> None:
        """Send the request on `upstream`; the body follows as it comes.

        Args:
            upstream: nobody else has it.
            host: the system's own `Host`.
        """
        head = self._request_head(self._incoming.head, host)
        self._upstream = upstream
        incoming = self._incoming
        incoming.on_gone = self._client_gone
        head_only = incoming.head.method == "HEAD"
        if incoming.head.body_length == 0:
            upstream.begin(head, self, head_only=head_only, complete=True)
            return
        upstream.begin(head, self, head_only=head_only, complete=False)
        if incoming.head.body_length == CHUNKED:
            incoming.take_body(self._send_chunk, self._end_chunks)
        else:
            incoming.take_body(upstream.send_body, upstream.end_body)

    def _keep_pace(self) -> None:
        """Have the system wait while the client cannot keep up."""
        if self._upstream is not None:
            self._incoming.on_pause = self._upstream.pause
            self._incoming.on_resume = self._upstream.resume

    def _send_chunk(self, piece: bytes) -> None:
        if self.done.done():
            return
        if self._incoming.received_bytes > self._outbound.body_bytes:
            if self._answered:
                self._client.abort()
            self._abandon(413, "body-too-large")
        elif self._upstream is not None:
            self._upstream.send_body(b"%x\r\n%b\r\n" % (len(piece), piece))

    def _end_chunks(self) -> None:
        if self._upstream is not None:
            self._upstream.send_body(_LAST_CHUNK)
            self._upstream.end_body()

    def _client_gone(self) -> None:
        """Stop: the client is gone, or its body will never be complete."""
        status, code = self._incoming.failure
        if self._answered:
            self._client.abort()  # nobody may take what has been said for the whole answer
            status = self._status
        self._abandon(status, code)

    # ---- the system's answer, called by the transport --------------------------------------

    def on_head(self, status: int, fields: list[tuple[bytes, bytes]], length: int | None) -> None:
        """Write the head to the client, once new cookies are stored."""
        self._status = status
        self._keep_pace()
        cookies: list[bytes] = []
        location: bytes | None = None
        named = dict(fields)
        if b"set-cookie" in named:
            cookies = [value for name, value in fields if name == b"set-cookie"]
        if b"location" in named:
            places = [value for name, value in fields if name == b"location"]
            location = local_location(places[0], self._outbound.origins)
            if location is None or len(set(places)) > 1:
                # a system that sends people elsewhere is not followed
                self._abandon(502, "upstream-location")
                return
        leads_to = location
        if b"refresh" in named or b"link" in named or b"content-location" in named:
            try:
                self._more, refreshed = place_fields(fields, self._outbound.origins)
            except LeadsElsewhere:
                self._abandon(502, "upstream-location")
                return
            leads_to = location or refreshed
        if cookies and self._outbound.pass_cookies is not None:
            self._more += self._outbound.pass_cookies(cookies)
            cookies = []
        self._pieces.append(self._head(status, fields, length, location))
        if cookies or (leads_to is not None and self._outbound.learns()):
            self._holding = True
            self._storing = asyncio.get_running_loop().create_task(self._store(cookies, leads_to))

    def on_body(self, piece: bytes) -> None:
        """Pass on a piece."""
        if self._chunked:
            self._pieces += (b"%x\r\n" % len(piece), piece, b"\r\n")
        else:
            self._pieces.append(piece)

    def on_read(self) -> None:
        """Write what one read brought, head and body together."""
        if not self._holding:
            self._write()
            if self._client.client_slow and self._upstream is not None:
                self._upstream.pause()

    def on_end(self) -> None:
        """Finish the answer."""
        self._ended = True
        # From here on the connection serves others: nothing of ours may touch it any more.
        self._upstream = None
        self._incoming.on_pause = self._incoming.on_resume = None
        if not self._holding:
            self._finish()

    def on_fail(self, error: ExchangeError) -> None:
        """Cut the answer where it has begun; else leave the refusal to the caller."""
        if self._storing is not None:
            self._storing.cancel()
        if self._answered:
            self._client.abort()
        self._settle(error.status, error.code, error)

    def on_upstream_slow(self) -> None:
        """Stop reading the client's body."""
        self._incoming.pause_body()

    def on_upstream_ready(self) -> None:
        """Read the client's body on."""
        self._incoming.resume_body()

    # ---- inside ---------------------------------------------------------------------------

    def _request_head(self, head: RequestHead, host: bytes) -> bytes:
        """Write what the system is asked; see `request_head`."""
        return request_head(
            head=head,
            target=self._outbound.target,
            host=host,
            told=self._outbound.told,
            reference=self._visit.reference,
        )

    def _head(
        self,
        status: int,
        fields: list[tuple[bytes, bytes]],
        length: int | None,
        location: bytes | None,
    ) -> bytes:
        self.keep_open, connection = promise(self._incoming, self._client)
        bodiless = self._incoming.head.method == "HEAD" or status in {204, 304}
        if length is not None:
            framing = b"" if status == 204 else b"Content-Length: %d\r\n" % length  # noqa: PLR2004
        elif bodiless:
            framing = b""
        elif self._incoming.head.http_1_0:
            framing, self.keep_open = b"", False
            connection = self._client.answer_fields + CLOSE
        else:
            framing, self._chunked = _CHUNKED_FIELD, True
        return response_head(
            status=status,
            fields=passed_on(fields),
            framing=framing,
            connection=connection,
            location=location,
            reference=self._visit.reference,
            resource=self._outbound.resource,
            more=self._more,
        )

    async def _store(self, cookies: list[bytes], location: bytes | None) -> None:
        """Store what belongs to the session, then let out what waited; else nothing goes out."""
        if self._upstream is not None:
            self._upstream.pause()
        try:
            await self._outbound.keep(self._visit.at, cookies, location)
        except Exception:  # noqa: BLE001 -- whatever failed, a session without its cookies must not go on
            self._abandon(503, "answer-not-stored")
            return
        if self.done.done():
            return  # given up meanwhile, and answered by somebody else
        self._holding = False
        if self._ended:
            self._finish()
            return
        self._write()
        if self._upstream is not None:
            self._upstream.resume()

    def _write(self) -> None:
        pieces, self._pieces = self._pieces, []
        if pieces:
            self._answered = True
            self._client.send(b"".join(pieces) if len(pieces) > 1 else pieces[0])

    def _finish(self) -> None:
        if self._chunked:
            self._pieces.append(_LAST_CHUNK)
        self._write()
        self._settle(self._status, "")

    def _abandon(self, status: int, code: str) -> None:
        if self._upstream is not None:
            self._upstream.cancel()
        self._settle(status, code)

    def _settle(self, status: int, code: str, error: ExchangeError | None = None) -> None:
        if self.done.done():
            return
        # Else the two hold each other, and all of the visit, until the collector comes by. Memory
        # that is given back at once is used again while the processor has it at hand.
        self._incoming.on_gone = None
        if error is not None and not self._answered:
            self.done.set_exception(error)
        else:
            self.done.set_result(Forwarded(status=status, code=code, answered=self._answered))
