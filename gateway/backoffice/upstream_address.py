"""Where an instance of a system is reached, whom to believe there, how long things may take."""

import ssl
from dataclasses import dataclass
from typing import Protocol

NEVER = float("inf")


class Trust(Protocol):
    """Whom to believe in a handshake, and who we are."""

    def context(self) -> ssl.SSLContext:
        """Give the settings for one handshake; they follow the files they are read from."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAddress:
    """Where an instance of a system is and what it is given.

    Attributes:
        host: name or address; only this is ever connected to.
        port: TCP port.
        tls: verifies the peer, or None for plain HTTP on loopback.
        tls_name: the name its certificate must have, where that is not `host`.
        connect_seconds: budget for the connection, the TLS handshake included.
        first_byte_seconds: from the request's last byte to the answer's first.
        idle_seconds: the longest pause inside a request or an answer.
        total_seconds: from the request's first byte to the answer's last.
        max_connections: of one worker; see `UpstreamPool` for how people share them.
    """

    host: str
    port: int
    tls: Trust | None
    connect_seconds: float
    first_byte_seconds: float
    idle_seconds: float
    max_connections: int
    total_seconds: float = NEVER
    tls_name: str | None = None
