"""WebSocket to one system: the handshake of each side by our own hand, then a tunnel (RFC 6455).

The client's handshake has been checked with its head (`gateway.wire.websocket_head`) and decided on
like any request. What keeps a request from hiding behind it:

- The system gets a handshake of ours under a key of ours, on a connection of its own.
- Only 101 with the accept of that key, and nothing we did not ask for, couples the two; every other
  answer is 502, whatever it says, and its connection is closed.
- The client is told 101 only then. From there on both carry bytes and nothing else, to their end.
"""

import asyncio
import base64
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from gateway.backoffice.forward import Exchange, Forwarded, ForwardedVisit, Outbound
from gateway.backoffice.forwarder import Forwarder
from gateway.backoffice.shares import PERSON_SHARE, Shares
from gateway.backoffice.transport import ExchangeError, UpstreamConnection
from gateway.backoffice.upstream import Upstream
from gateway.wire.incoming import Incoming
from gateway.wire.request_head import RequestHead
from gateway.wire.tunnel import Tunnel

_MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# The one extension that passes: it changes what frames hold, not where they end.
_DEFLATE: Final = re.compile(
    rb"permessage-deflate(?:; ?(?:server|client)_"
    rb'(?:no_context_takeover|max_window_bits(?:="?(?:[89]|1[0-5])"?)?))*\Z'
)
_KEY_BYTES: Final = 24  # as written
_SWITCHED: Final = 101
Fields = list[tuple[bytes, bytes]]
Judge = Callable[[Fields], str]


class WebSockets:
    """Forwards upgrades to one system."""

    def __init__(self, upstream: Upstream, *, idle_seconds: float, at_most: int) -> None:
        """Hold the system.

        Args:
            upstream: its instances and the connections to them.
            idle_seconds: how long nobody may say anything.
            at_most: at a time, in this worker.
        """
        scheme = upstream.instances[0].url.partition("://")[0].encode("ascii")
        self._exchange = partial(Handshake, scheme=scheme, idle_seconds=idle_seconds)
        self._forwarder = Forwarder(upstream, exchange=self._exchange)
        self._at_most = at_most
        self._shares = Shares(at_most)
        self._held: Counter[str] = Counter()  # by asker

    async def forward(
        self, visit: ForwardedVisit, outbound: Outbound, *, judge: Judge | None = None
    ) -> Forwarded:
        """Take a decided and recorded upgrade to the system, and last as long as its tunnel.

        Args:
            visit: the upgrade.
            outbound: what goes to the system.
            judge: says by the fields of the system's answer why it may not be; None where nobody
                looks at them.

        Returns:
            What came of it: 503 where all are in use, 429 where this asker has their share of them.

        Raises:
            ExchangeError: nothing has been said to the client; the caller refuses.
        """
        held, asker = self._held, outbound.asker
        left = self._at_most - held.total() - 1
        if left < 0:
            return Forwarded(status=503, code="websockets-full", answered=False)
        if not self._shares.allow(held[asker] + 1, left):
            return Forwarded(status=429, code=PERSON_SHARE, answered=False)
        held[asker] += 1
        forwarder = self._forwarder
        if judge is not None:
            forwarder = forwarder.looking(partial(self._exchange, judge=judge))
        try:
            return await forwarder.forward(visit, outbound)
        finally:
            held[asker] -= 1
            if not held[asker]:
                del held[asker]


class Handshake(Exchange):
    """One upgrade: the system's answer to it, and the tunnel behind."""

    def __init__(
        self,
        visit: ForwardedVisit,
        outbound: Outbound,
        *,
        scheme: bytes,
        idle_seconds: float,
        judge: Judge | None = None,
    ) -> None:
        super().__init__(visit, outbound)
        self._scheme = scheme
        self._idle_seconds = idle_seconds
        self._judge = judge
        self._key = b""
        self._coupling: asyncio.Task[None] | None = None

    def start(self, upstream: UpstreamConnection, host: bytes) -> None:
        """Send the handshake."""
        head = self._request_head(self._incoming.head, host)
        self._upstream = upstream
        self._key = head[-4 - _KEY_BYTES : -4]
        self._incoming.on_gone = self._client_gone
        upstream.on_switch = self._switched
        upstream.begin(head, self, head_only=False, complete=True)

    def on_head(self, status: int, fields: Fields, length: int | None) -> None:  # noqa: ARG002
        """Refuse an ordinary answer, whatever it says: nothing of it is passed on."""
        self._abandon(502, "websocket-not-switched")

    def _request_head(self, head: RequestHead, host: bytes) -> bytes:
        """Write the handshake that goes to the system, its key last.

        Its origin is the system's own: that it was ours has been checked, and its pages are there.
        """
        lines = [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"]
        lines.append(b"Origin: " + self._scheme + b"://" + host)
        protocols = head.headers.get(b"sec-websocket-protocol")
        if protocols is not None:
            lines.append(b"Sec-WebSocket-Protocol: " + protocols)
        if offers := _offers(head):
            lines.append(b"Sec-WebSocket-Extensions: " + b", ".join(offers))
        lines.append(b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)))
        written = super()._request_head(replace(head, method="GET", worked_out={}), host)
        return b"\r\n".join((written[:-4], *lines, b"", b""))

    def _switched(self, rest: bytes) -> None:
        """Take the socket from the pool."""
        if self._upstream is None:
            return
        fields, system = self._upstream.give_away()
        self._upstream = None
        if system is None or self.done.done():
            return
        system.pause_reading()
        couple = self._couple(fields, system, rest)
        self._coupling = asyncio.get_running_loop().create_task(couple)

    async def _couple(self, fields: Fields, system: asyncio.Transport, rest: bytes) -> None:
        """Answer the client, and let both speak until one of them ends."""
        answer = b""
        try:
            if self._judge is not None:
                _demand_fit(self._judge(fields))
            answer = _answer(fields, self._incoming, self._key, self._visit.reference)
            cookies = [value for name, value in fields if name == b"set-cookie"]
            if cookies and self._outbound.pass_cookies is not None:
                answer = answer[:-2] + self._outbound.pass_cookies(cookies) + b"\r\n"
            elif cookies:
                await self._outbound.keep(self._visit.at, cookies, None)
        except ExchangeError as error:
            self._settle(error.status, error.code)
        except Exception:  # noqa: BLE001 -- whatever failed, a session without its cookies must not go on
            self._settle(503, "answer-not-stored")
        if self.done.done() or system.is_closing():
            system.abort()
            self._settle(502, "upstream-cut")
            return
        tunnel = Tunnel(self._client, self._incoming, idle_seconds=self._idle_seconds)
        self._answered = True
        tunnel.begin(answer, system, rest)
        self._settle(_SWITCHED, await tunnel.ended)


def _demand_fit(fault: str) -> None:
    """Refuse an answer that may not be shown.

    Raises:
        ExchangeError: always then.
    """
    if fault:
        raise ExchangeError(403, fault)


def _offers(head: RequestHead) -> list[bytes]:
    """Give the extensions that the client offers, as far as they pass."""
    offered = head.headers.get(b"sec-websocket-extensions", b"").split(b",")
    return [each for each in map(bytes.strip, offered) if _DEFLATE.match(each)]


def _answer(fields: Fields, incoming: Incoming, key: bytes, reference: str) -> bytes:
    """Judge the system's answer, and write the one that the client gets.

    Raises:
        ExchangeError: it is not the one answer to what was asked.
    """
    named: dict[bytes, bytes] = {}
    for name, value in fields:
        if name in named and name.startswith((b"sec-websocket-", b"upgrade", b"connection")):
            raise ExchangeError(502, "websocket-handshake")
        named[name] = value
    protocol = named.get(b"sec-websocket-protocol")
    offered = incoming.head.headers.get(b"sec-websocket-protocol", b"")
    extension = named.get(b"sec-websocket-extensions")
    if (
        named.get(b"sec-websocket-accept") != _accept(key)
        or named.get(b"upgrade", b"").lower() != b"websocket"
        or named.get(b"connection", b"").lower() != b"upgrade"
        or b"transfer-encoding" in named
        or named.get(b"content-length", b"0") != b"0"
        or (protocol is not None and protocol not in map(bytes.strip, offered.split(b",")))
        or (extension is not None and not (_offers(incoming.head) and _DEFLATE.match(extension)))
    ):
        raise ExchangeError(502, "websocket-handshake")
    client_key = incoming.head.headers[b"sec-websocket-key"]
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + _accept(client_key),
        b"Gateway-Reference: " + reference.encode("ascii"),
    ]
    if protocol is not None:
        lines.append(b"Sec-WebSocket-Protocol: " + protocol)
    if extension is not None:
        lines.append(b"Sec-WebSocket-Extensions: " + extension)
    return b"\r\n".join((*lines, b"", b""))


def _accept(key: bytes) -> bytes:
    return base64.b64encode(hashlib.sha1(key + _MAGIC, usedforsecurity=False).digest())
