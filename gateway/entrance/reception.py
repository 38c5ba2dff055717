"""From an accepted socket to a connection: who is there, whether they may come in, and over what.

In order, each only where it is asked for, and all of it within a deadline:

1. A listed front tells the client's address before anything else (`proxy_header`), or with each
   request (`told_client`). Nobody else's word counts.
2. Of one source only so many connections are taken, and of all together so many.
3. Off this machine plain HTTP is served to listed fronts alone; others are told to use https.
4. Where the gateway speaks TLS itself, the handshake; only so many are worked on at a time.

What fails is closed, and counted with the refusals of strangers.
"""

from __future__ import annotations

import asyncio
import enum
import ssl
from contextlib import suppress
from dataclasses import dataclass
from socket import MSG_PEEK
from typing import TYPE_CHECKING, Final

from gateway.entrance.plain_http import ON_TLS_PORT, UNLISTED, PlainHttp
from gateway.entrance.proxy_header import ProxyHeaderError, read_client
from gateway.sources import address_of, place_of
from gateway.wire.arrival import Arrival
from gateway.wire.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from ipaddress import IPv4Network, IPv6Network
    from socket import socket

    from gateway.entrance.certificates import ServedCertificate
    from gateway.entrance.inside import Inside
    from gateway.entrance.told_client import ToldByHeader
    from gateway.wire.handler import RequestHandler
    from gateway.wire.limits import ConnectionLimits

_REMEMBERED: Final = 4_096  # addresses that were looked up among the networks
_HANDSHAKE: Final = b"\x16"  # what TLS begins with
_SHUTDOWN_SECONDS: Final = 2.0  # for the other side to say goodbye, as TLS has it
_HELD_BYTES: Final = 64 * 1024  # of an answer that the client does not take; then we pause


class Way(enum.Enum):
    """Which listener somebody came to."""

    MAIN = "main"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFront:
    """A front that may tell the client's address.

    Attributes:
        networks: where it connects from.
        by_header: serves its connections, where it tells with each request; None where it tells
            before anything else, by PROXY protocol.
    """

    networks: tuple[IPv4Network | IPv6Network, ...]
    by_header: ToldByHeader | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntranceRules:
    """Who may come in, and what that may cost.

    Attributes:
        fronts: who may tell addresses.
        neighbours: networks served plain HTTP beside them; None for everybody, where the gateway
            listens on this machine alone.
        source_connections: the most of one source.
        seconds: for everything before the first byte of HTTP.
        handshakes: the most that are worked on at a time.
        answer_fields: what every answer over TLS carries, ours or a front's.
        origins: where a GET of plain HTTP is led to, at the listener for that, by `Host`.
        plain_limits: of connections that are told to use https.
    """

    fronts: tuple[ListedFront, ...]
    neighbours: tuple[IPv4Network | IPv6Network, ...] | None
    source_connections: int
    seconds: float
    handshakes: int
    answer_fields: bytes
    origins: Mapping[bytes, str]
    plain_limits: ConnectionLimits


class _TurnedAway(Exception):  # noqa: N818 -- the outcome of a step, not a fault
    """Somebody does not come in; a fixed word for the record."""


class Reception:
    """Lets connections in. One a worker, on its event loop."""

    def __init__(
        self,
        inside: Inside,
        rules: EntranceRules,
        certificate: ServedCertificate | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Hold the rules.

        Args:
            inside: what people are let into.
            rules: who may come in.
            certificate: what the gateway shows; None where it does not speak TLS itself.
            loop: the event loop.
        """
        self._inside = inside
        self._rules = rules
        self._certificate = certificate
        self._loop = loop
        self._handshakes = asyncio.Semaphore(rules.handshakes)
        self._places: dict[str, int] = {}  # connections by source
        self._entering = 0
        self._connecting: set[Connection] = set()  # of them, those that are handed over just now
        self._known: dict[str, tuple[ListedFront | None, bool]] = {}  # by address: front, neighbour
        limits = rules.plain_limits
        self._unlisted = PlainHttp(inside, limits, UNLISTED)
        self._on_tls_port = PlainHttp(inside, limits, ON_TLS_PORT)
        self._redirect = PlainHttp(inside, limits, UNLISTED, rules.origins)

    async def receive(self, accepted: socket, peer_ip: str, way: Way) -> None:
        """Let somebody in, or not; a socket that is not let in is closed.

        Args:
            accepted: a socket that does not block, of which nothing has been read.
            peer_ip: address at its other end.
            way: which listener it came to.
        """
        code, told = "", [peer_ip]
        self._entering += 1
        try:
            async with asyncio.timeout(self._rules.seconds):
                await self._let_in(accepted, peer_ip, way, told)
        except TimeoutError:
            code = "entrance-timeout"
        except (_TurnedAway, ProxyHeaderError) as error:
            code = str(error)
        except ssl.SSLError:
            code = "tls-handshake"
        except OSError:
            pass  # gone, as people go; there is nothing to count
        else:
            return
        finally:
            self._entering -= 1
        accepted.close()
        if code:
            self._inside.refusal(0, code, told[0], "")

    async def _let_in(self, accepted: socket, peer_ip: str, way: Way, told: list[str]) -> None:
        if not self._has_room():
            raise _TurnedAway("too-many-connections")
        front, neighbour = self._look_up(peer_ip)
        handler: RequestHandler[Connection] = self._inside
        client_ip = ""
        shared = False
        if front is not None and front.by_header is not None:
            handler, shared = front.by_header, True  # its connections are those of many clients
        elif front is not None:
            client_ip = await read_client(accepted, lambda: self._readable(accepted))
            told[0] = client_ip
        gone = None if shared else self._take_place(told[0])
        try:
            context = None
            secure = front is not None
            if way is Way.REDIRECT:
                handler, secure = self._redirect, False
            elif self._certificate is not None:
                secure = await self._speaks_tls(accepted)
                context = self._certificate.context if secure else None
                handler = handler if secure else self._on_tls_port
            elif not (front or neighbour):
                handler = self._unlisted
            fields = self._rules.answer_fields if secure else b""
            arrival = Arrival(client_ip=client_ip, answer_fields=fields, gone=gone)
            connection = Connection(handler, self._loop, arrival)
            self._connecting.add(connection)
            try:
                await self._connect(accepted, connection, context)
            finally:
                self._connecting.discard(connection)
        except BaseException:
            if gone is not None:
                gone()
            raise

    def _has_room(self) -> bool:
        """Tell whether the worker takes one more, counting everybody once."""
        others = self._entering - 1
        return self._inside.has_room(others) or self._inside.has_room(
            others - len(self._connecting & self._inside.connections)
        )

    async def _connect(
        self, accepted: socket, connection: Connection, context: ssl.SSLContext | None
    ) -> None:
        """Hand the socket to its connection, over TLS where there is a context."""
        if context is None:
            await self._loop.connect_accepted_socket(lambda: connection, accepted)
            return
        async with self._handshakes:
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: connection,
                accepted,
                ssl=context,
                ssl_handshake_timeout=2 * self._rules.seconds,  # ours is the one that counts
                ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
            )
        transport.set_write_buffer_limits(high=_HELD_BYTES)

    async def _speaks_tls(self, accepted: socket) -> bool:
        """Look at the first byte, and leave it where it is."""
        while True:
            await self._readable(accepted)
            with suppress(BlockingIOError, InterruptedError):
                first = accepted.recv(1, MSG_PEEK)
                if not first:
                    raise ConnectionResetError  # somebody who only looks whether we are there
                return first == _HANDSHAKE

    async def _readable(self, accepted: socket) -> None:
        """Wait until there is something to read."""
        ready: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(accepted, _settle, ready)
        try:
            await ready
        finally:
            self._loop.remove_reader(accepted)

    def _take_place(self, ip: str) -> Callable[[], None]:
        """Count a connection of a source; gives what is called once when it has ended."""
        place = place_of(ip)
        taken = self._places.get(place, 0)
        if taken >= self._rules.source_connections:
            raise _TurnedAway("too-many-from-source")
        self._places[place] = taken + 1
        owed = [place]

        def leave() -> None:
            for each in owed:
                left = self._places[each] - 1
                if left:
                    self._places[each] = left
                else:
                    del self._places[each]
            owed.clear()

        return leave

    def _look_up(self, ip: str) -> tuple[ListedFront | None, bool]:
        """Give the front that an address is of, and whether plain HTTP is served to it anyway."""
        known = self._known.get(ip)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[ip] = self._looked_up(ip)
        return known

    def _looked_up(self, ip: str) -> tuple[ListedFront | None, bool]:
        neighbours, address = self._rules.neighbours, address_of(ip)
        if address is None:
            return None, neighbours is None
        fronts = self._rules.fronts
        front = next(
            (each for each in fronts if any(address in one for one in each.networks)), None
        )
        return front, neighbours is None or any(address in one for one in neighbours)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)
