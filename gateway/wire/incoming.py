"""A request as it comes in: a checked head, and a body that arrives while it is served.

The connection feeds it; whoever serves it takes the body in pieces, or reads it whole within a
limit. A body nobody takes is held up to a bound, then reading from the client pauses.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from gateway.errors import RequestError
from gateway.wire.request_head import RequestHead

_BODY_BUFFER_BYTES: Final = 64 * 1024  # held for a request whose taker is not ready yet
_GONE: Final = (499, "client-gone")


class BodySource(Protocol):
    """Where a body comes from; the connection."""

    def send_continue(self) -> None:
        """Tell the client that its body is awaited."""
        ...

    def pause_body(self) -> None:
        """Stop reading from the client."""
        ...

    def resume_body(self) -> None:
        """Read on from the client."""
        ...


class BodyCheck(Protocol):
    """Who looks at a body on its way."""

    def piece(self, piece: bytes) -> None:
        """Look at a piece before anybody is given it.

        Raises:
            RequestError: the body cannot be let through.
        """
        ...

    def end(self) -> None:
        """Look at the end, before anybody is given the last piece where the length is known.

        Raises:
            RequestError: the body cannot be let through.
        """
        ...


class Incoming:
    """A request whose head has been checked.

    Attributes:
        head: the checked head.
        complete: whether the whole body has arrived.
        failed: whether the body will never be complete: the client went away, stalled, or broke
            the framing.
        failure: of a failed one, the status to answer and a fixed word for the record.
        received_bytes: of the body, framing removed.
        sent_bytes: of the answer, once it is at its end.
        on_gone: set by whoever must stop work when it fails.
        on_pause: called when the client reads the answer too slowly; whoever produces it pauses.
        on_resume: called when it has caught up.
    """

    # How each begins. Most never change: what is not set costs nothing.
    failed = False
    failure = _GONE
    received_bytes = 0
    sent_bytes = 0
    on_gone: Callable[[], None] | None = None
    on_pause: Callable[[], None] | None = None
    on_resume: Callable[[], None] | None = None
    _buffer: list[bytes] | None = None
    _buffered = 0
    _check: BodyCheck | None = None
    _refused = False
    _on_chunk: Callable[[bytes], None] | None = None
    _on_end: Callable[[], None] | None = None

    def __init__(self, head: RequestHead, source: BodySource, *, complete: bool = False) -> None:
        self.head = head
        self._source = source
        self.complete = complete

    # ---- the side of whoever serves it ------------------------------------------------------

    def take_body(self, on_chunk: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Let the body flow; says `100 Continue` where the client waits for it.

        Args:
            on_chunk: called with each piece as it arrives, the pieces already here at once.
            on_end: called once after the last piece.
        """
        if self.head.expects_continue and not self.complete and not self.received_bytes:
            self._source.send_continue()
        if not self.complete:
            self._on_chunk, self._on_end = on_chunk, on_end
        pieces, self._buffer, self._buffered = self._buffer, None, 0
        for piece in pieces or ():
            on_chunk(piece)
        if self.complete:
            on_end()
        else:
            self._source.resume_body()

    async def read_body(self, limit_bytes: int) -> bytes | None:
        """Read the whole body; None when it is longer than `limit_bytes`, or has `failed`."""
        if self.failed or max(self.head.body_length, self.received_bytes) > limit_bytes:
            return None
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        pieces: list[bytes] = []

        def settle(ok: bool) -> None:
            if not done.done():
                done.set_result(ok)

        def take(piece: bytes) -> None:
            if self.received_bytes <= limit_bytes:
                pieces.append(piece)
                return
            pieces.clear()  # and nothing more is read until the refusal has been written
            self._source.pause_body()
            settle(False)

        self.on_gone = lambda: settle(False)
        self.take_body(take, lambda: settle(True))
        try:
            return b"".join(pieces) if await done else None
        finally:
            # They hold this request, which holds them: it would be left to the collector.
            self.on_gone = self._on_chunk = self._on_end = None

    def put_back(self, body: bytes) -> None:
        """Give a body that was read whole back, for whoever takes it next."""
        self._buffer = [body] if body else None

    def check_body(self, check: BodyCheck) -> None:
        """Have the body looked at on its way; where it is refused, the request fails with 400."""
        self._check = check
        for piece in self._buffer or ():
            self._look_at(piece)
        self._look_at_end()

    @property
    def _ends_here(self) -> bool:
        return self.complete or self.received_bytes == self.head.body_length

    def _look_at(self, piece: bytes) -> None:
        if self._check is not None:
            try:
                self._check.piece(piece)
            except RequestError as error:
                self._refuse(error)

    def _look_at_end(self) -> None:
        """Look at the end, once it is here."""
        if self._check is not None and self._ends_here:
            check, self._check = self._check, None
            try:
                check.end()
            except RequestError as error:
                self._refuse(error)

    def _refuse(self, error: RequestError) -> None:
        self._check, self._refused = None, True
        self.complete = False
        self._buffer, self._buffered = None, 0
        self.fail(400, str(error))

    def pause_body(self) -> None:
        """Stop reading from the client until `resume_body`."""
        self._source.pause_body()

    def resume_body(self) -> None:
        """Read on."""
        self._source.resume_body()

    # ---- the connection's side --------------------------------------------------------------

    def feed(self, piece: bytes) -> None:
        """Take one piece of the body from the parser."""
        if self.failed:
            return
        self.received_bytes += len(piece)
        if self._check is not None:
            self._look_at(piece)
            self._look_at_end()
            if self._refused:
                return
        if self._on_chunk is not None:
            self._on_chunk(piece)
            return
        if self._buffer is None:
            self._buffer = []
        self._buffer.append(piece)
        self._buffered += len(piece)
        if self._buffered > _BODY_BUFFER_BYTES:
            self._source.pause_body()

    def end(self) -> None:
        """Note that the body is complete."""
        if self.failed:
            return
        self.complete = True
        self._look_at_end()
        if self._refused:
            return
        if self._on_end is not None:
            on_end, self._on_chunk, self._on_end = self._on_end, None, None
            on_end()  # it may hold this request, which lets go of it

    def fail(self, status: int = _GONE[0], code: str = _GONE[1]) -> None:
        """Note that the body will never be complete; the first failure is the one that counts.

        Args:
            status: what a client that is still there is answered.
            code: a fixed word for the record.
        """
        if not self.failed:
            self.failed = True
            self.failure = (status, code)
            self._on_chunk = self._on_end = None
        if self.on_gone is not None:
            self.on_gone()
