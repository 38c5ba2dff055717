"""What another proxy asks: whether a request that it holds may pass, and how it is told.

nginx understands three answers to its question, yes, 401 and 403; so it gets the others as 403,
with the status that was meant beside it. The others pass on what they are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gateway.backoffice.canonical import TargetError
from gateway.wire.answers import Answer, give

if TYPE_CHECKING:
    from gateway.backoffice.canonical import CanonicalTarget
    from gateway.wire.connection import Connection
    from gateway.wire.incoming import Incoming

STATUS_FIELD: Final = b"Gateway-Status"
LOCATION_FIELD: Final = b"Gateway-Location"
_OWN_PATHS: Final = ("/-", "/.well-known")
_LOCATION: Final = b"Location"
_REFERENCE: Final = b"Gateway-Reference"
_SEE_OTHER: Final = 303


class ProxyKind(StrEnum):
    """How a proxy asks, and what it understands."""

    NGINX = "nginx"
    FORWARD_AUTH = "forward-auth"
    EXT_AUTHZ = "ext-authz"


@dataclass(slots=True, kw_only=True)
class ProxyAsking:
    """One question of a listed proxy. A value: once made it never changes.

    Not frozen: one is made for every question, and that would cost it three times as much.

    Attributes:
        proxy: its id in the settings.
        kind: how it asks.
        ip: address of the client whose request it holds, as the proxy saw it.
        incoming: the question itself, which is what is answered.
        raw: target of the request it holds; the proxy sends it on as it came.
        origin: that of its host, before which a place to go to is put.
        host: by which the client named it, one of ours, in lower case.
    """

    proxy: str
    kind: ProxyKind
    ip: str
    incoming: Incoming
    raw: bytes
    origin: bytes
    host: bytes = b""

    def demand(self, target: CanonicalTarget) -> None:
        """Refuse what the gate would send on otherwise than the proxy does, and its own pages.

        Args:
            target: the canonical one, which is decided on.

        Raises:
            TargetError: the request must not be left to the proxy.
        """
        if target.path in _OWN_PATHS or target.path.startswith(tuple(f"{p}/" for p in _OWN_PATHS)):
            raise TargetError("proxy-own-page")
        if target.sent != self.raw:
            raise TargetError("target-not-canonical")

    def give(self, answer: Answer, client: Connection) -> None:
        """Give the proxy a refusal in a form that it understands; see `wire.answers.give`."""
        fields = tuple(
            (name, self.origin + value if name == _LOCATION and value[:1] == b"/" else value)
            for name, value in answer.fields
        )
        if self.kind is ProxyKind.NGINX:
            answer = _for_nginx(answer.status, dict(fields))
        else:
            answer = Answer(status=answer.status, fields=fields, body=answer.body)
        give(answer, self.incoming, client)


def _for_nginx(status: int, fields: dict[bytes, bytes]) -> Answer:
    """Say 401 to whoever is led somewhere, else 403; nginx throws the body away."""
    told = [(STATUS_FIELD, str(status).encode("ascii"))]
    if _REFERENCE in fields:
        told.append((_REFERENCE, fields[_REFERENCE]))
    if status == _SEE_OTHER:
        told.append((LOCATION_FIELD, fields[_LOCATION]))
    return Answer(
        status=401 if status in {401, _SEE_OTHER} else 403,
        fields=((b"Cache-Control", b"no-store"), *told),
        body=b"",
    )
