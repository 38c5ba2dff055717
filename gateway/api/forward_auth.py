"""The address at which another proxy asks whether a request that it holds may pass.

    nginx `auth_request`, Caddy and Traefik `forward_auth`: `/-/forward-auth`, with the request in
        `X-Forwarded-Method`, `-Uri`, `-Host`, `-Proto` and `-For`
    Envoy `ext_authz` over HTTP: `/-/forward-auth` before the path, the method its own

Only a listed proxy may ask, known by its secret and its address, each by its own convention alone.
What it asks about is read here into the request as the client sent it; from there on it goes the
way of every request. Its body is not here: what cannot be decided without is refused.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from gateway.errors import RequestError
from gateway.proxy_asking import ProxyAsking, ProxyKind
from gateway.sources import address_of
from gateway.wire.answers import give_bodiless
from gateway.wire.incoming import Incoming
from gateway.wire.request_head import METHODS, SAFE_METHODS, UNSEEN, RequestHead

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from gateway.system_hosts import SystemHost
    from gateway.wire.connection import Connection

FORWARD_AUTH_PATH: Final = b"/-/forward-auth"
SECRET_FIELD: Final = b"gateway-proxy-secret"
_FIELDS: Final = frozenset(
    (
        b"gateway-proxy-secret x-forwarded-method x-forwarded-uri x-forwarded-host"
        b" x-forwarded-proto x-forwarded-for x-forwarded-port x-forwarded-server x-real-ip"
        b" x-original-uri content-length"
    ).split()
)
_NO_HOSTS: Mapping[bytes, SystemHost] = MappingProxyType({})
_READ: Final = "forward-auth"
_REMEMBERED: Final = 4_096  # addresses that were found to be such


class ProxyRefused(RequestError):  # noqa: N818 -- as `Refused`: the outcome of a step
    """Nobody who may ask, or nothing that can be understood; a status and a fixed word."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontProxy:
    """A proxy that may ask.

    Attributes:
        id: as the record names it.
        kind: how it asks.
        networks: where it asks from.
        secret: what it shows.
        host: with which `Host` it asks, where that is not ours; else empty.
    """

    id: str
    kind: ProxyKind
    networks: tuple[IPv4Network | IPv6Network, ...]
    secret: str
    host: str = ""


class _NoBody:
    """Stands for the way to a body that the proxy keeps."""

    def send_continue(self) -> None:
        """Nobody waits for it."""

    def pause_body(self) -> None:
        """Nothing comes."""

    def resume_body(self) -> None:
        """Nothing comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What was made of a question, for the next with the same fields on the same connection.

    Attributes:
        by: who read it.
        peer_ip: where it came from.
        target: where it was asked.
        head: of the request that was asked about; what others work out of it stays with it.
        asking: makes the question, of what holds it.
    """

    by: ForwardAuth
    peer_ip: str
    target: bytes
    head: RequestHead
    asking: Callable[..., ProxyAsking]


class ForwardAuth:
    """Reads questions of proxies. One a worker, on the event loop."""

    def __init__(
        self,
        proxies: Collection[FrontProxy],
        *,
        origin: str,
        hosts: frozenset[bytes],
        system_hosts: Mapping[bytes, SystemHost] = _NO_HOSTS,
    ) -> None:
        """Hold who may ask.

        Args:
            proxies: the listed ones.
            origin: ours.
            hosts: the values of `Host` by which clients may name us.
            system_hosts: the same of systems that have hosts of their own.
        """
        self._system_hosts = system_hosts
        # Looked up by a hash, so that the time it takes tells nothing of the secret.
        self._proxies = {_hash(each.secret.encode("ascii")): each for each in proxies}
        self._origin = origin.encode("ascii")
        self._scheme = origin.partition(":")[0].encode("ascii")
        self._hosts = hosts
        self._asking_hosts = frozenset(each.host.encode("ascii") for each in proxies if each.host)
        self._own_hosts = hosts - self._asking_hosts
        self._addresses: dict[bytes, str] = {}
        self._peers: dict[tuple[str, str], bool] = {}
        self._no_body = _NoBody()

    @property
    def hosts(self) -> frozenset[bytes]:
        """The values of `Host` by which proxies may name us, beside those of clients."""
        return self._asking_hosts

    def read(self, incoming: Incoming, peer_ip: str) -> tuple[Incoming, ProxyAsking | None]:
        """Give the request that is asked about; a request of another address is given back.

        Args:
            incoming: the question.
            peer_ip: where it came from.

        Raises:
            ProxyRefused: whoever asks may not, or cannot be understood.
        """
        head = incoming.head
        known: _Read | None = head.worked_out.get(_READ)
        if (
            known is not None
            and known.by is self
            and known.peer_ip == peer_ip
            and known.target == head.target
        ):
            held = Incoming(known.head, self._no_body, complete=True)
            return held, known.asking(incoming=incoming)
        rest = head.target[len(FORWARD_AUTH_PATH) :]
        if not head.target.startswith(FORWARD_AUTH_PATH) or rest[:1] not in {b"", b"/", b"?"}:
            if head.headers[b"host"] in self._own_hosts:
                return incoming, None
            raise ProxyRefused(400, "host")
        proxy = self._who_asks(head, peer_ip)
        method, raw, host = _asked(proxy, head, rest)
        if head.body_length and (method in SAFE_METHODS or proxy.kind is not ProxyKind.EXT_AUTHZ):
            raise ProxyRefused(400, "proxy-body")  # Envoy shows that there is a body, no other does
        if method not in METHODS:
            raise ProxyRefused(400, "proxy-method")
        if raw[:1] != b"/":
            raise ProxyRefused(400, "proxy-target")
        host = host.lower()
        system_host = self._system_hosts.get(host)
        if system_host is None and host not in self._hosts:
            raise ProxyRefused(400, "proxy-host")
        if head.headers.get(b"x-forwarded-proto", b"") != self._scheme:
            raise ProxyRefused(400, "proxy-scheme")
        # Without what holds it, which would hold it in turn.
        asking = partial(
            ProxyAsking,
            proxy=proxy.id,
            kind=proxy.kind,
            ip=self._client(head.headers.get(b"x-forwarded-for", b"")),
            raw=raw,
            origin=self._origin if system_host is None else system_host.origin.encode("ascii"),
            host=host,
        )
        held = self._held(method, raw, head.headers)
        if method in SAFE_METHODS:
            head.worked_out[_READ] = _Read(
                by=self, peer_ip=peer_ip, target=head.target, head=held.head, asking=asking
            )
        return held, asking(incoming=incoming)

    def _who_asks(self, head: RequestHead, peer_ip: str) -> FrontProxy:
        proxy = self._proxies.get(_hash(head.headers.get(SECRET_FIELD, b"")))
        if proxy is None or not self._comes_from(proxy, peer_ip):
            raise ProxyRefused(403, "proxy-unlisted")
        return proxy

    def _held(self, method: str, raw: bytes, headers: dict[bytes, bytes]) -> Incoming:
        """Make the request as the client sent it, without its body."""
        safe = method in SAFE_METHODS
        head = RequestHead(
            method=method,
            target=raw,
            headers={name: value for name, value in headers.items() if name not in _FIELDS},
            body_length=0 if safe else UNSEEN,
            keep_alive=True,
            expects_continue=False,
            http_1_0=False,
        )
        held = Incoming(head, self._no_body)
        held.complete = safe
        if not safe:
            held.fail(403, "body-unseen")  # whoever would read it is told that it never comes
        return held

    def _comes_from(self, proxy: FrontProxy, peer_ip: str) -> bool:
        known = self._peers.get((proxy.id, peer_ip))
        if known is None:
            address = address_of(peer_ip)
            known = address is not None and any(address in each for each in proxy.networks)
            if len(self._peers) >= _REMEMBERED:
                self._peers.clear()
            self._peers[proxy.id, peer_ip] = known
        return known

    def _client(self, told: bytes) -> str:
        """Give the client's address: the last one told, which the proxy itself has seen."""
        known = self._addresses.get(told)
        if known is None:
            try:
                known = str(ip_address(told.rpartition(b",")[2].strip().decode("ascii")))
            except ValueError as error:
                raise ProxyRefused(400, "proxy-client") from error
            if len(self._addresses) >= _REMEMBERED:
                self._addresses.clear()
            self._addresses[told] = known
        return known


def _asked(proxy: FrontProxy, head: RequestHead, rest: bytes) -> tuple[str, bytes, bytes]:
    """Give method, target and host of the request that is asked about."""
    headers = head.headers
    if proxy.kind is ProxyKind.EXT_AUTHZ:
        return head.method, rest, headers[b"host"]
    if rest:
        raise ProxyRefused(400, "proxy-target")
    method = headers.get(b"x-forwarded-method", b"").decode("ascii")
    return method, headers.get(b"x-forwarded-uri", b""), headers.get(b"x-forwarded-host", b"")


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def permission(identity: list[tuple[bytes, bytes]], cookies: bytes, own_cookie: bytes) -> bytes:
    """Write what tells a proxy to send a request on, and with what: all but the reference.

    It puts every field that is given here in the place of what the client sent under its name.

    Args:
        identity: who is asking, as the system is told.
        cookies: the client's `Cookie` field.
        own_cookie: what the names of our own cookies begin with; no system is given those.
    """
    kept = [
        each
        for each in (part.strip() for part in cookies.split(b";"))
        if each and not each.startswith((own_cookie + b"=", own_cookie + b"-"))
    ]
    fields = b"".join([b"%b: %b\r\n" % field for field in identity])
    return b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n%bCookie: %b\r\n" % (
        fields,
        b"; ".join(kept),
    )


def give_permission(written: bytes, reference: str, incoming: Incoming, client: Connection) -> None:
    """Give a proxy leave to send a request on.

    Args:
        written: see `permission`.
        reference: of the visit.
        incoming: the question.
        client: the proxy's connection.
    """
    told = reference.encode("ascii")
    fields = b"%bX-Request-ID: %b\r\nGateway-Reference: %b\r\n" % (written, told, told)
    give_bodiless(fields, incoming, client)
