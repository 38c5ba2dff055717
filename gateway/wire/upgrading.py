"""A client's connection between its request for an upgrade and the answer to it.

The client has to wait. What it sends meanwhile is no request any more and not yet anything else: it
fails the upgrade, and is read by nobody.
"""

import asyncio
from typing import Protocol

from gateway.wire.incoming import Incoming


class Upgrader(Protocol):
    """What the connection goes on doing itself."""

    def hand_over(self, taker: asyncio.Protocol) -> None:
        """Have what comes from now on go elsewhere."""
        ...

    def pause_writing(self) -> None:
        """The client reads slowly."""
        ...

    def resume_writing(self) -> None:
        """The client caught up."""
        ...

    def eof_received(self) -> bool:
        """The client sends no more."""
        ...

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        ...


class Upgrading(asyncio.Protocol):
    """Takes the place of the connection at its transport."""

    def __init__(self, connection: Upgrader, asked: Incoming | None) -> None:
        """Stand between.

        Args:
            connection: whose place it takes.
            asked: the request for the upgrade.
        """
        self._connection = connection
        self._asked = asked

    def begin(self, rest: bytes) -> None:
        """Take the place.

        Args:
            rest: what came together with the request.
        """
        self._connection.hand_over(self)
        self.data_received(rest)

    def data_received(self, data: bytes) -> None:
        """Fail the upgrade for what came too early."""
        if data and self._asked is not None and not self._asked.failed:
            self._asked.fail(400, "upgrade-early-bytes")

    def pause_writing(self) -> None:
        """Leave it to the connection."""
        self._connection.pause_writing()

    def resume_writing(self) -> None:
        """Leave it to the connection."""
        self._connection.resume_writing()

    def eof_received(self) -> bool:
        """Leave it to the connection."""
        return self._connection.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave it to the connection."""
        self._connection.connection_lost(exc)
