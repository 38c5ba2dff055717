"""How a connection came to us: what was settled about it before its first byte of HTTP."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What whoever accepted a connection knows of it.

    Attributes:
        client_ip: address of the client, where a listed front told it; else empty, and the client
            is whoever is at the other end of the socket.
        answer_fields: header fields, each with its CRLF, that every answer on it carries.
        gone: told once that the connection has ended.
    """

    client_ip: str = ""
    answer_fields: bytes = b""
    gone: Callable[[], None] | None = None


PLAIN: Final = Arrival()
