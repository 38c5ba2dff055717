"""What one client connection may cost, in bytes, requests and seconds."""

from dataclasses import dataclass
from typing import Final

MAX_PIPELINED: Final = 8  # more than any client sends unasked; beyond it reading pauses
LEAST_BODY_BYTES: Final = 4 * 1024  # of a body within the idle time: the slowest link has more
DISCARD_SECONDS: Final = 2.0  # how long we swallow a refused body so that the answer is not lost
DISCARD_BYTES: Final = 1024 * 1024
NO_DEADLINE: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """What one client may cost before it has said who it is.

    Attributes:
        head_bytes: request line and fields together.
        head_fields: number of fields.
        head_seconds: from the first byte of a request to the end of its head.
        idle_seconds: between two requests, and for `LEAST_BODY_BYTES` of a body to come.
        hosts: acceptable `Host` values, lower case.
        slow_seconds: for the client to take what we hold for it, some 50 KiB beside what the
            system's own buffers hold; below 1 KiB/s nobody waits for a page.
    """

    head_bytes: int
    head_fields: int
    head_seconds: float
    idle_seconds: float
    hosts: frozenset[bytes]
    slow_seconds: float = 60.0
