"""What a connection needs of the gateway behind it."""

from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

from gateway.wire.incoming import Incoming
from gateway.wire.limits import ConnectionLimits

C = TypeVar("C")


class RequestHandler(Protocol[C]):
    """Serves the requests of connections of the kind `C`, and keeps the set of them.

    `serve` must answer the request through the connection and return, whatever happens.
    `refuse_head` gives the full bytes of the answer to a request that could not be read.
    """

    limits: ConnectionLimits
    connections: set[C]

    @property
    def draining(self) -> bool:
        """Whether connections end with their next answer."""
        ...

    def serve(self, incoming: Incoming, connection: C) -> Coroutine[Any, Any, None]:
        """Answer one request."""
        ...

    def refuse_head(self, status: int, code: str, connection: C) -> bytes:
        """Give the complete answer, `Connection: close` included, to a malformed request."""
        ...
