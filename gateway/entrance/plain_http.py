"""What plain HTTP meets where it is not served: the way to https, or a refusal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateway.wire.answers import document, give, to_bytes

if TYPE_CHECKING:
    from gateway.entrance.inside import Inside
    from gateway.wire.connection import Connection
    from gateway.wire.incoming import Incoming
    from gateway.wire.limits import ConnectionLimits

_CLOSE: Final = b"Connection: close\r\n"
_NOWHERE: Final[Mapping[bytes, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainRefusal:
    """What is said to whoever speaks plain HTTP.

    Attributes:
        status: of the answer.
        code: a fixed word for the record.
        sentence: our own words.
    """

    status: int
    code: str
    sentence: str


UNLISTED: Final = PlainRefusal(
    status=403,
    code="plain-http",
    sentence="This service is reached over https only, or through a front that it lists.",
)
ON_TLS_PORT: Final = PlainRefusal(
    status=400, code="plain-on-tls-port", sentence="This port speaks https. Write https:// instead."
)


class PlainHttp:
    """Refuses, or leads to https; a `RequestHandler`. Nothing that is asked here is looked at."""

    def __init__(
        self,
        inside: Inside,
        limits: ConnectionLimits,
        refusal: PlainRefusal,
        to: Mapping[bytes, str] = _NOWHERE,
    ) -> None:
        """Hold what is said.

        Args:
            inside: keeps the connections and records refusals.
            limits: of a connection; its hosts with the port of plain HTTP too.
            refusal: what is said.
            to: by `Host`, the origin that a GET is led to instead; empty for none.
        """
        self.limits = limits
        self.connections = inside.connections
        self._inside = inside
        self._refusal = refusal
        self._to = to

    @property
    def draining(self) -> bool:
        """Whether connections end with their next answer; here they always do."""
        return True

    async def serve(self, incoming: Incoming, connection: Connection) -> None:
        """Answer, and close: who comes again comes over https."""
        head = incoming.head
        to = self._to.get(head.headers[b"host"])
        if to and head.method in {"GET", "HEAD"} and head.target.startswith(b"/"):
            there = to.encode("ascii") + head.target
            moved = document(301, b"text/plain", b"", more=((b"Location", there),))
            give(moved, incoming, connection)
            return
        said = self._refusal
        answer = self._inside.refusal(said.status, said.code, connection.peer_ip, said.sentence)
        give(answer, incoming, connection)

    def refuse_head(self, status: int, code: str, connection: Connection) -> bytes:
        """Refuse what could not be read, or would be refused if it could."""
        said = self._refusal
        if self._to:
            return self._inside.refuse_head(status, code, connection)
        answer = self._inside.refusal(said.status, said.code, connection.peer_ip, said.sentence)
        return to_bytes(answer, connection=_CLOSE)
