"""The client's address from a front that tells it with each request, in one field it overwrites.

A front keeps its connections and sends many clients' requests over each, so the address is that of
the request. A field that holds anything but one address was not overwritten: the request is
refused, as anybody could have written what it says.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from gateway.entrance.inside import UNREAD
from gateway.errors import RequestError
from gateway.wire.answers import give, to_bytes
from gateway.wire.promise import CLOSE

if TYPE_CHECKING:
    from gateway.entrance.inside import Inside
    from gateway.wire.connection import Connection
    from gateway.wire.incoming import Incoming

_SCHEME_FIELD: Final = b"x-forwarded-proto"
_REMEMBERED: Final = 4_096  # fields that were found to be an address
_SENTENCES: Final = {
    "plain-http": "This service is reached over https only.",
    "front-client": "The front did not say where this request came from.",
}


class _UntoldError(RequestError):
    """The front told no address, or that the client speaks plain HTTP; a fixed word."""


class ToldByHeader:
    """Serves the requests of one front's connections; a `RequestHandler`. One a worker."""

    def __init__(self, inside: Inside, *, field: str, scheme: str, asking_path: bytes) -> None:
        """Hold what the front tells.

        Args:
            inside: serves the requests.
            field: name of the field that holds the client's address.
            scheme: how clients must have come, as the front tells in `X-Forwarded-Proto`.
            asking_path: where a proxy asks the gate about a request, which says by itself whose.
        """
        self.limits = inside.limits
        self.connections = inside.connections
        self._inside = inside
        self._field = field.lower().encode("ascii")
        self._scheme = scheme.encode("ascii")
        self._asking_path = asking_path
        self._addresses: dict[bytes, str] = {}

    @property
    def draining(self) -> bool:
        """Whether connections end with their next answer."""
        return self._inside.draining

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        """Answer one request in the name of the client the front tells."""
        head = incoming.head
        if head.target.startswith(self._asking_path) and self._asks(head.target):
            connection.peer_ip = connection.near_ip
        else:
            try:
                connection.peer_ip = self._client(head.headers)
            except _UntoldError as error:
                code = str(error)
                status = 403 if code == "plain-http" else 400
                ip, sentence = connection.near_ip, _SENTENCES[code]
                give(self._inside.refusal(status, code, ip, sentence), incoming, connection)
                return
        await self._inside.serve(incoming, connection)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:
        """Refuse what could not be read; whose it was nobody knows, so it is the front's."""
        answer = self._inside.refusal(status, code, connection.near_ip, UNREAD)
        return to_bytes(answer, connection=connection.answer_fields + CLOSE)

    def _asks(self, target: bytes) -> bool:
        """Tell whether it is that address, and none that only begins like it."""
        return target[len(self._asking_path) :][:1] in {b"", b"/", b"?"}

    def _client(self, headers: dict[bytes, bytes]) -> str:
        if headers.get(_SCHEME_FIELD) != self._scheme:
            raise _UntoldError("plain-http")
        told = headers.get(self._field, b"")
        known = self._addresses.get(told)
        if known is None:
            try:
                known = str(ip_address(told.decode("ascii")))
            except ValueError as error:
                raise _UntoldError("front-client") from error
            if len(self._addresses) >= _REMEMBERED:
                self._addresses.clear()
            self._addresses[told] = known
        return known
