"""The connections of one worker to one instance of a system: kept between exchanges, and bounded.

Who comes when all are in use waits in line. A connection that is put back goes to the first in
line, not to whoever asks next, or those who wait would starve while others are served.
"""

import asyncio
import ssl
from collections import deque
from typing import Final

from gateway.backoffice.transport import ConnectionKeeper, ExchangeError, UpstreamConnection
from gateway.backoffice.upstream_address import NEVER, UpstreamAddress

_IDLE_SECONDS: Final = 4.0  # below the 5 s of servers that close early


class UpstreamPool:
    """The connections of one worker to one instance of a system."""

    def __init__(self, address: UpstreamAddress, loop: asyncio.AbstractEventLoop) -> None:
        self.address = address
        self.loop = loop
        self._idle: list[UpstreamConnection] = []
        self._open: set[UpstreamConnection] = set()
        self._opening = 0
        # What a waiter is given: a connection, or None for room that is counted in `_opening`.
        self._queue: deque[asyncio.Future[UpstreamConnection | None]] = deque()

    async def acquire(self, *, fresh: bool = False) -> UpstreamConnection:
        """Give a connection, an idle one where possible.

        Args:
            fresh: do not use an idle connection (a repeat after one turned out to be dead).

        Raises:
            ExchangeError: 502 when the system cannot be reached, 504 when it takes too long,
                both certain not to have processed anything.
        """
        idle = None if fresh else self.take_idle()
        if idle is not None:
            return idle
        deadline = self.loop.time() + self.address.connect_seconds
        while len(self._open) + self._opening >= self.address.max_connections:
            if self._idle:  # only where none of them is wanted
                self._idle[0].discard()
                continue
            given = await self._wait_in_line(deadline)
            if given is None:
                return await self._connect(deadline)
            if given.is_reusable:
                return given
        self._opening += 1
        return await self._connect(deadline)

    def take_idle(self) -> UpstreamConnection | None:
        """Give an idle connection that still looks alive, or None. Never waits."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_reusable:
                return connection
            connection.discard()
        return None

    def put_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next exchange."""
        if not connection.is_reusable:
            connection.discard()
            return
        connection.deadline, connection.ends_at = self.loop.time() + _IDLE_SECONDS, NEVER
        waiter = self._first_in_line() if self._queue else None
        if waiter is None:
            self._idle.append(connection)
        else:
            waiter.set_result(connection)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a connection from the books."""
        if connection in self._open:
            self._open.discard(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._give_room()

    def sweep(self, now: float) -> None:
        """End what has passed its deadline; called a few times a second."""
        for connection in [each for each in self._open if min(each.deadline, each.ends_at) <= now]:
            connection.expire()

    @property
    def busy(self) -> int:
        """How many exchanges run, or wait for a connection."""
        return len(self._open) + self._opening - len(self._idle) + len(self._queue)

    def close_idle(self) -> None:
        """Close what serves nobody at the moment."""
        for connection in list(self._idle):
            connection.discard()

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.discard()

    async def _connect(self, deadline: float) -> UpstreamConnection:
        """Open a connection in the room that is counted for it already."""
        connection: UpstreamConnection | None = None
        try:
            async with asyncio.timeout_at(deadline):
                connection = await open_connection(self)
        except TimeoutError as error:
            raise ExchangeError(504, "upstream-connect-timeout", unsent=True) from error
        except ssl.SSLError as error:
            raise ExchangeError(502, "upstream-tls", unsent=True) from error
        except OSError as error:
            raise ExchangeError(502, "upstream-refused", unsent=True) from error
        finally:
            self._opening -= 1
            if connection is None:
                self._give_room()
        self._open.add(connection)
        return connection

    async def _wait_in_line(self, deadline: float) -> UpstreamConnection | None:
        waiter: asyncio.Future[UpstreamConnection | None] = self.loop.create_future()
        self._queue.append(waiter)
        taken = False
        try:
            async with asyncio.timeout_at(deadline):
                given = await waiter
                taken = True
                return given
        except TimeoutError as error:
            raise ExchangeError(504, "upstream-busy", unsent=True) from error
        finally:
            if not taken:
                self._pass_on(waiter)

    def _pass_on(self, waiter: "asyncio.Future[UpstreamConnection | None]") -> None:
        """Leave the line; what was given at the very moment goes to the next."""
        if waiter in self._queue:
            self._queue.remove(waiter)
        if waiter.cancelled() or not waiter.done():
            return
        given = waiter.result()
        if given is not None:
            self.put_back(given)
        else:
            self._opening -= 1
            self._give_room()

    def _give_room(self) -> None:
        """Let the first in line open a connection."""
        waiter = self._first_in_line()
        if waiter is not None:
            self._opening += 1
            waiter.set_result(None)

    def _first_in_line(self) -> "asyncio.Future[UpstreamConnection | None] | None":
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.done():
                return waiter
        return None


async def open_connection(keeper: ConnectionKeeper) -> UpstreamConnection:
    """Connect to where a keeper's address is; over TLS its certificate is always verified.

    Raises:
        OSError: it cannot be reached; `ssl.SSLError` where it has not proved who it is.
    """
    address = keeper.address
    _, connection = await keeper.loop.create_connection(
        lambda: UpstreamConnection(keeper),
        address.host,
        address.port,
        ssl=None if address.tls is None else address.tls.context(),
        server_hostname=None if address.tls is None else address.tls_name or address.host,
    )
    return connection
