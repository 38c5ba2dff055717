"""Answers the gateway gives itself, as bytes: refusals, redirects, pages, small documents."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming
from gateway.wire.promise import CLOSE, promise

_PLAIN: Final = b"text/html; charset=utf-8"
_HARDENING: Final = (
    (b"Cache-Control", b"no-store"),
    (b"X-Content-Type-Options", b"nosniff"),
    (b"Referrer-Policy", b"same-origin"),
    (b"Content-Security-Policy", b"default-src 'none'; frame-ancestors 'none'"),
)
_BODILESS: Final = frozenset({204, 304})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A complete answer.

    Attributes:
        status: 200-599.
        fields: header fields without framing, in order.
        body: the whole body.
    """

    status: int
    fields: tuple[tuple[bytes, bytes], ...]
    body: bytes


def to_bytes(answer: Answer, *, head_only: bool = False, connection: bytes = CLOSE) -> bytes:
    """Write an answer with its one framing field.

    Args:
        answer: what to say.
        head_only: leave the body out (HEAD), its length is still told.
        connection: the `Connection` field with its CRLF; see `promise`.
    """
    parts = [_status_line(answer.status)]
    for name, value in answer.fields:
        parts += (name, b": ", value, b"\r\n")
    if answer.status not in _BODILESS:
        parts.append(b"Content-Length: %d\r\n" % len(answer.body))
    parts += (connection, b"\r\n")
    if not head_only and answer.status not in _BODILESS:
        parts.append(answer.body)
    return b"".join(parts)


def give(answer: Answer, incoming: Incoming, client: Connection) -> None:
    """Send an answer and end the exchange; nothing happens when the client is gone.

    A request is answered once: where it has been, nothing is said, as that would be read as the
    answer to the next one; where an answer has begun, the connection is cut.
    """
    if _may_be_given(incoming, client):
        keep_open, field = promise(incoming, client)
        client.send(to_bytes(answer, head_only=incoming.head.method == "HEAD", connection=field))
        client.finish(incoming, keep_open=keep_open)


def give_bodiless(head: bytes, incoming: Incoming, client: Connection) -> None:
    """Send an answer without a body whose head is written already; see `give`.

    Args:
        head: status line and fields without framing, each with its CRLF.
        incoming: the request.
        client: whose it is.
    """
    if _may_be_given(incoming, client):
        keep_open, field = promise(incoming, client)
        client.send(b"%bContent-Length: 0\r\n%b\r\n" % (head, field))
        client.finish(incoming, keep_open=keep_open)


def _may_be_given(incoming: Incoming, client: Connection) -> bool:
    """Tell whether nothing has been answered yet; one that has begun is cut."""
    if not client.owes(incoming):
        return False
    if client.bytes_out:
        client.abort()
        return False
    return True


def plain(status: int, sentence: str, reference: str) -> Answer:
    """Answer with one plain sentence and the reference, for what deserves no page.

    Args:
        status: the status.
        sentence: our own words; never outside input.
        reference: finds the entry.
    """
    body = (
        '<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Request refused</title>'
        f'<p>{sentence}</p><p>Reference: <b data-reference="{reference}">{reference}</b></p></html>'
    ).encode()
    return Answer(
        status=status,
        fields=((b"Content-Type", _PLAIN), *_HARDENING, _reference_field(reference)),
        body=body,
    )


def document(
    status: int,
    content_type: bytes,
    body: bytes,
    *,
    reference: str = "",
    more: Iterable[tuple[bytes, bytes]] = (),
) -> Answer:
    """Answer with a document of our own making, under the strictest headers."""
    tail = (_reference_field(reference),) if reference else ()
    return Answer(
        status=status,
        fields=((b"Content-Type", content_type), *_HARDENING, *tail, *more),
        body=body,
    )


def see_other(location: bytes, reference: str) -> Answer:
    """Send a browser to another page of ours (303)."""
    return Answer(
        status=303,
        fields=((b"Location", location), *_HARDENING, _reference_field(reference)),
        body=b"",
    )


def _reference_field(reference: str) -> tuple[bytes, bytes]:
    return b"Gateway-Reference", reference.encode("ascii")


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Answer"
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")
