"""The connections of one worker to one instance of a system: kept, bounded, shared among people.

As long as most are free, whoever asks is given one. From seven eighths in use on, whoever has
their share (`shares`) is given none, so that nobody takes all by sending or reading slowly. People
are counted only then, so it costs nobody anything before.

Who may not have one, or finds none, waits in line. What is given back goes to those in line, not to
whoever asks next, or those who wait would starve while others are served: person after person, what
one person asks in the order it came, as soon as they may have it. So who has least waits least, and
who has much is served on as theirs comes back.
"""

import asyncio
import ssl
from collections import Counter, OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol, TypeAlias

from gateway.backoffice.shares import PERSON_SHARE, Shares
from gateway.backoffice.transport import ConnectionKeeper, ExchangeError, UpstreamConnection
from gateway.backoffice.upstream_address import NEVER, UpstreamAddress

_IDLE_SECONDS: Final = 4.0  # below the 5 s of servers that close early
# Who has waited too long is turned away in so many parts, at least so many people at once.
_PARTS: Final = 20
_AT_ONCE: Final = 20
_PART_SECONDS: Final = 0.0125


class Client(Protocol):
    """Who may leave while they wait.

    Attributes:
        on_gone: called when they do.
    """

    on_gone: Callable[[], None] | None


# Is given a connection, or None: room for one, which is counted as theirs already.
_Waiter: TypeAlias = "asyncio.Future[UpstreamConnection | None]"
# Whether they want a fresh one, whether all were in use when they came, and how long they wait.
_Place: TypeAlias = tuple[bool, bool, float]


class UpstreamPool:
    """The connections of one worker to one instance of a system."""

    def __init__(self, address: UpstreamAddress, loop: asyncio.AbstractEventLoop) -> None:
        self.address = address
        self.loop = loop
        self._most = most = address.max_connections
        self._shares = Shares(most)
        self._plenty = self._shares.plenty
        self._idle: list[UpstreamConnection] = []
        self._kept_back = 0  # so many idle ones are not for whoever comes; see `_count`
        self._open: set[UpstreamConnection] = set()
        self._opening: list[str] = []  # who asked for each
        # By asker, whose turn is next first: those who wait.
        self._line: OrderedDict[str, OrderedDict[_Waiter, _Place]] = OrderedDict()

    async def acquire(
        self, asker: str = "", client: Client | None = None, *, fresh: bool = False
    ) -> UpstreamConnection:
        """Give a connection, an idle one where possible.

        Args:
            asker: who is to have it; empty for nobody, who has no share and is held to none.
            client: is not waited for any longer once they have left.
            fresh: do not use an idle connection (a repeat after one turned out to be dead).

        Raises:
            ExchangeError: 502 when the system cannot be reached, 504 when that takes too long or
                all are in use for as long, 429 when what this asker has in use does not end in the
                time of an answer, 499 when the client has left; all certain not to have processed
                anything.
        """
        while True:
            idle = None if fresh else self.take_idle(asker)
            if idle is not None:
                return idle
            # Whoever is in line may have none, or they would have been served.
            if asker not in self._line and self._may_have(asker):
                self._opening.append(asker)
                self._make_room()
                return await self._connect(asker)
            waiter = self._line_up(asker, client, fresh=fresh)
            try:
                given = await waiter
            except asyncio.CancelledError:
                self._pass_on(asker, waiter)
                raise
            finally:
                if client is not None:
                    client.on_gone = None
                del waiter  # its error holds this frame: a cycle, with all that the client sent
            if given is None:
                return await self._connect(asker)
            if given.is_reusable:
                return given

    def take_idle(self, asker: str = "") -> UpstreamConnection | None:
        """Give an idle connection that still looks alive, or None. Never waits.

        Args:
            asker: who is to have it; see `acquire`.
        """
        idle = self._idle
        while len(idle) > self._kept_back:
            connection = idle.pop()
            if connection.is_reusable:
                connection.asker = asker
                return connection
            connection.discard()
        return self._take_kept_back(asker) if idle else None

    def put_back(self, connection: UpstreamConnection) -> None:
        """Keep a connection for the next exchange, if there may be one."""
        if connection.is_reusable:
            self.keep(connection)
        else:
            connection.discard()

    def keep(self, connection: UpstreamConnection) -> None:
        """Keep a connection that has not been discarded and serves nobody.

        Whether it has been closed meanwhile is asked when somebody is to have it.
        """
        connection.deadline, connection.ends_at = self.loop.time() + _IDLE_SECONDS, NEVER
        self._idle.append(connection)
        if self._line:
            self._serve_line(connection.asker)

    def forget(self, connection: UpstreamConnection) -> None:
        """Drop a connection from the books."""
        if connection in self._open:
            self._open.discard(connection)
            if connection in self._idle:
                self._idle.remove(connection)
            self._count()
            self._serve_line(connection.asker)

    def sweep(self, now: float) -> None:
        """End what has passed its deadline; called a few times a second."""
        for connection in [each for each in self._open if min(each.deadline, each.ends_at) <= now]:
            connection.expire()
        # A timer for each would cost more than all else that waiting does.
        over = [
            (asker, waiter, *((504, "upstream-busy") if busy else (429, PERSON_SHARE)))
            for asker, waiting in self._line.items()
            for waiter, (_, busy, until) in waiting.items()
            if until <= now
        ]
        # Of hundreds a few at a time: each is refused and recorded, and others are to be served.
        part = max(_AT_ONCE, -(-len(over) // _PARTS))
        for each in over[:part]:
            self._turn_away(*each)
        for number, each in enumerate(over[part:], part):
            self.loop.call_later(number // part * _PART_SECONDS, self._turn_away, *each)

    @property
    def busy(self) -> int:
        """How many exchanges run, or wait for a connection."""
        return self._in_use + sum(map(len, self._line.values()))

    def close_idle(self) -> None:
        """Close what serves nobody at the moment."""
        for connection in list(self._idle):
            connection.discard()

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            connection.discard()

    async def _connect(self, asker: str) -> UpstreamConnection:
        """Open a connection in the room that is counted for it already."""
        connection: UpstreamConnection | None = None
        try:
            async with asyncio.timeout(self.address.connect_seconds):
                connection = await open_connection(self)
        except TimeoutError as error:
            raise ExchangeError(504, "upstream-connect-timeout", unsent=True) from error
        except ssl.SSLError as error:
            raise ExchangeError(502, "upstream-tls", unsent=True) from error
        except OSError as error:
            raise ExchangeError(502, "upstream-refused", unsent=True) from error
        finally:
            self._opening.remove(asker)
            if connection is None:
                self._count()
                self._serve_line(asker)
        connection.asker = asker
        self._open.add(connection)
        return connection

    # ---- who may have one -------------------------------------------------------------------

    @property
    def _in_use(self) -> int:
        return len(self._open) + len(self._opening) - len(self._idle)

    def _may_have(self, asker: str, held: Counter[str] | None = None) -> bool:
        """Tell whether one more may be this asker's, an idle one or a new one."""
        left = self._most - self._in_use - 1
        if left < 0 or self._in_use < self._plenty or not asker:
            return left >= 0
        theirs = self._held_by(asker) if held is None else held[asker]
        return self._shares.allow(theirs + 1, left)

    def _held_by(self, asker: str) -> int:
        """Count those of one person, in a quarter of the time that counting all takes."""
        last = [each.asker for each in self._open].count(asker)
        idle = [each.asker for each in self._idle].count(asker) if self._idle else 0
        return last - idle + self._opening.count(asker)

    def _held(self) -> Counter[str]:
        """Count who has how many."""
        held = Counter([each.asker for each in self._open])
        held.subtract([each.asker for each in self._idle])
        held.update(self._opening)
        return held

    def _count(self) -> None:
        """Note how many idle ones there are where just enough are in use for people to be counted.

        Where there are more of them, fewer are in use, and the next is for whoever comes.
        """
        self._kept_back = max(0, len(self._open) + len(self._opening) - self._plenty)

    def _make_room(self) -> None:
        """Close what is idle for one that is being opened, and counted already."""
        while len(self._open) + len(self._opening) > self._most:
            self._idle[0].discard()
        self._count()

    def _take_kept_back(self, asker: str) -> UpstreamConnection | None:
        while self._idle and asker not in self._line and self._may_have(asker):
            connection = self._idle.pop()
            if connection.is_reusable:
                connection.asker = asker
                return connection
            connection.discard()
        return None

    # ---- the line ---------------------------------------------------------------------------

    def _line_up(self, asker: str, client: Client | None, *, fresh: bool) -> _Waiter:
        address = self.address
        # Where one is free, but not for them, they wait for their own: it will take its time.
        busy = self._in_use >= self._most
        seconds = address.connect_seconds if busy else address.first_byte_seconds
        waiter: _Waiter = self.loop.create_future()
        waiting = self._line.get(asker)
        if waiting is None:
            waiting = self._line[asker] = OrderedDict()
        waiting[waiter] = fresh, busy, self.loop.time() + seconds
        if client is not None:
            client.on_gone = partial(self._turn_away, asker, waiter, 499, "client-gone")
        return waiter

    def _turn_away(self, asker: str, waiter: _Waiter, status: int, code: str) -> None:
        """Have somebody wait no longer, unless they have just been given something."""
        self._strike_out(asker, waiter)
        if not waiter.done():
            waiter.set_exception(ExchangeError(status, code, unsent=True))

    def _pass_on(self, asker: str, waiter: _Waiter) -> None:
        """Leave the line; what was given at the very moment goes to the next."""
        self._strike_out(asker, waiter)
        if waiter.cancelled() or waiter.exception() is not None:
            return
        given = waiter.result()
        if given is not None:
            self.put_back(given)
        else:
            self._opening.remove(asker)
            self._count()
            self._serve_line(asker)

    def _strike_out(self, asker: str, waiter: _Waiter) -> None:
        waiting = self._line.get(asker)
        if waiting is not None and waiting.pop(waiter, None) is not None and not waiting:
            del self._line[asker]

    def _serve_line(self, freed_by: str) -> None:
        """Give those in line what somebody has freed, as far as they may have it."""
        while self._line:
            asker = self._next_in_line()
            if asker is None:
                return
            waiting = self._line[asker]
            waiter, (fresh, _, _) = waiting.popitem(last=False)
            if waiting:
                self._line.move_to_end(asker)
            else:
                del self._line[asker]
            if not waiter.done():
                self._give(asker, waiter, fresh=fresh)
                if asker == freed_by:
                    return  # all is as it was before, when nobody in line might have one

    def _next_in_line(self) -> str | None:
        """Find whose turn it is among those who may have one."""
        if self._in_use < self._plenty:
            return next(iter(self._line))
        held = self._held()
        return next((asker for asker in self._line if self._may_have(asker, held)), None)

    def _give(self, asker: str, waiter: _Waiter, *, fresh: bool) -> None:
        """Give an idle connection, or room, which is theirs before anybody else is served."""
        self._opening.append(asker)
        while self._idle and not fresh:
            connection = self._idle.pop()
            if connection.is_reusable:
                connection.asker = asker
                self._opening.remove(asker)
                waiter.set_result(connection)
                return
            connection.discard()
        self._make_room()
        waiter.set_result(None)


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
