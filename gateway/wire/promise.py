"""Whether a connection stays open behind an answer, and how the answer's head says so."""

from typing import Final

from gateway.wire.connection import Connection
from gateway.wire.incoming import Incoming

CLOSE: Final = b"Connection: close\r\n"
_KEEP: Final = b"Connection: keep-alive\r\n"


def promise(incoming: Incoming, client: Connection) -> tuple[bool, bytes]:
    """Tell whether an answer may leave its connection open, for `Connection.finish`.

    With it comes what every answer on the connection carries, and `Connection` where HTTP of its
    version needs it; each field with its CRLF.

    Args:
        incoming: the request that is about to be answered.
        client: whose it is.
    """
    head = incoming.head
    if not head.keep_alive or not incoming.complete or incoming.failed or client.handler.draining:
        return False, client.answer_fields + CLOSE
    if head.http_1_0:
        return True, client.answer_fields + _KEEP
    return True, client.answer_fields
