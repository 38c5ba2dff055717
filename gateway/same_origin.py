"""Unsafe methods come from our own pages only: no other site's page may cause one (CSRF).

An upgrade to WebSocket counts among them, and must name its origin: nothing else in a browser keeps
pages of other sites from one, cookies and all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.refused import Refused
from gateway.wire.request_head import SAFE_METHODS
from gateway.wire.websocket_head import WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.visit import Visit


class SameOrigin:
    """Looks at where unsafe methods come from. One a worker."""

    def __init__(self, origin: str, for_machines: Callable[[str], bool]) -> None:
        """Hold what is ours.

        Args:
            origin: our own origin.
            for_machines: by canonical path, whether machines post there.
        """
        self._origin = origin.encode("ascii")
        self._for_machines = for_machines

    def demand(self, visit: Visit, path: str) -> None:
        """Refuse an unsafe method that another site's page may have caused.

        A browser always says where a form comes from; only a path that machines call may be
        without.

        Raises:
            Refused: it does not come from a page of ours.
        """
        if visit.method in SAFE_METHODS:
            return
        headers = visit.incoming.head.headers
        origin, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        if origin is None and (site is None or visit.method == WEBSOCKET):
            if self._for_machines(path):
                return
            raise Refused(403, "origin-missing")
        if origin not in {None, self._origin} or site not in {None, b"same-origin"}:
            raise Refused(403, "origin-foreign")
