"""The heads of one client's requests, checked: the same fields again are not checked anew.

A client sends nearly the same head with each request, only its target is another, and nothing of
the check depends on that but the size. What others make of the fields is kept with them too.
"""

from typing import Final, TypeAlias

from gateway.wire.known_heads import KnownHeads
from gateway.wire.limits import ConnectionLimits
from gateway.wire.request_head import HeadError, RequestHead, check_head

_FRAME_BYTES: Final = len(b": \r\n")
# Method, version and fields as the parser gives them.
Asked: TypeAlias = tuple[bytes, str, list[tuple[bytes, bytes]]]


class CheckedHeads:
    """Checks heads for one connection.

    Attributes:
        known: those that need no parser when they come again.
    """

    __slots__ = ("_asked", "_fields_bytes", "_head", "_limits", "known")

    def __init__(self, limits: ConnectionLimits) -> None:
        """Start with none.

        Args:
            limits: of the connection.
        """
        self._limits = limits
        self.known = KnownHeads(limits.head_bytes)
        self._asked: Asked | None = None
        self._head: RequestHead
        self._fields_bytes = 0

    def check(self, asked: Asked, target: bytes) -> RequestHead:
        """Check a head that has been read to its end.

        Args:
            asked: method, version and fields; the list is not changed any more.
            target: the raw target.

        Raises:
            HeadError: it is refused.
        """
        if asked == self._asked:
            head = self._head.for_target(target)
        else:
            head = self._check_anew(asked, target)
        # A head that comes in one read is over before its bytes are counted as they arrive.
        if len(target) + self._fields_bytes > self._limits.head_bytes:
            raise HeadError(431, "head-too-large")
        return head

    def _check_anew(self, asked: Asked, target: bytes) -> RequestHead:
        method, version, fields = asked
        self._asked = None
        if len(fields) > self._limits.head_fields:
            raise HeadError(431, "too-many-fields")
        self._fields_bytes = sum(len(name) + len(value) + _FRAME_BYTES for name, value in fields)
        head = check_head(
            method=method.decode("latin-1"),
            target=target,
            version=version,
            fields=fields,
            hosts=self._limits.hosts,
        )
        self._asked, self._head = asked, head
        self.known.learn(head, fields)
        return head
