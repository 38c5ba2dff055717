"""Who takes what a system answers, as the transport sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.backoffice.plain_answer import PlainAnswer
    from gateway.backoffice.transport import ExchangeError


class ResponseSink(Protocol):
    """Who takes an answer. Called on the event loop: head, pieces of the body, then end or fail."""

    def on_head(self, status: int, fields: list[tuple[bytes, bytes]], length: int | None) -> None:
        """Take the head.

        Args:
            status: 200-599.
            fields: (name in lower case, value) in the order of the answer.
            length: the body's size in bytes, None when it is not known.
        """
        ...

    def on_body(self, piece: bytes) -> None:
        """Take a piece of the body, framing removed."""
        ...

    def on_end(self) -> None:
        """The answer is complete."""
        ...

    def on_read(self) -> None:
        """One read from the system has been handed on; what it brought may be written together."""
        ...

    def on_fail(self, error: ExchangeError) -> None:
        """The answer will not be completed."""
        ...

    def on_upstream_slow(self) -> None:
        """The system does not take the request's body fast enough: pause it."""
        ...

    def on_upstream_ready(self) -> None:
        """The system takes more of the request's body."""
        ...


class PlainTaker(ResponseSink, Protocol):
    """Who takes a plain answer as it came, beside those that went through the parser."""

    def on_plain(self, answer: PlainAnswer, data: bytes, *, whole: bool) -> None:
        """Take the head, and as much of the body as came with it.

        Args:
            answer: the head.
            data: what was read; the body begins at `answer.body_at`.
            whole: this is all of it, and the connection serves others from here on; the rest
                comes as pieces otherwise.
        """
        ...
