"""A pool for one connection, without a socket."""

import asyncio

from gateway.backoffice.transport import UpstreamConnection
from gateway.backoffice.upstream_address import UpstreamAddress


class Keeper:
    """A pool that only notes what becomes of connections."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.address = UpstreamAddress(
            host="127.0.0.1",
            port=1,
            tls=None,
            connect_seconds=1,
            first_byte_seconds=10,
            idle_seconds=5,
            max_connections=1,
        )
        self.loop = loop
        self.kept: list[bool] = []
        self.forgotten = 0

    def put_back(self, connection: UpstreamConnection) -> None:
        self.kept.append(connection.is_reusable)

    def keep(self, connection: UpstreamConnection) -> None:
        self.put_back(connection)

    def forget(self, connection: UpstreamConnection) -> None:  # noqa: ARG002
        self.forgotten += 1
