"""What the settings say of the way in: who may connect, over what, and how much of it."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.api.forward_auth import FORWARD_AUTH_PATH
from gateway.entrance.certificates import CertificateFiles, ServedCertificate
from gateway.entrance.reception import EntranceRules, ListedFront, Reception
from gateway.entrance.told_client import ToldByHeader
from gateway.front.clock import clock
from gateway.front.from_settings import host_names, system_hosts
from gateway.front.open_routes import is_called_by_machines
from gateway.openapi.documents import OPENAPI_PATH
from gateway.pace import SourcePaces
from gateway.wire.limits import ConnectionLimits

if TYPE_CHECKING:
    import asyncio
    from ipaddress import IPv4Network, IPv6Network

    from gateway.entrance.inside import Inside
    from gateway.settings import Settings
    from gateway.settings_entrance import FrontSection
    from gateway.settings_sections import GatewaySection

_DAY_SECONDS: Final = 24 * 60 * 60
_ENTRANCE_SECONDS: Final = 5.0  # for a front to tell an address, where the gateway has no TLS
_HANDSHAKES: Final = 1
_THIS_MACHINE: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def connection_limits(section: GatewaySection, asking_hosts: frozenset[bytes]) -> ConnectionLimits:
    """Give what one client may cost before it has said who it is.

    Args:
        section: the service itself.
        asking_hosts: values of `Host` by which other proxies name us, beside those of clients.
    """
    return ConnectionLimits(
        head_bytes=section.header_bytes,
        head_fields=section.header_count,
        head_seconds=section.header_seconds,
        idle_seconds=section.idle_seconds,
        hosts=host_names(section.origin) | asking_hosts,
    )


def stranger_paces(section: GatewaySection) -> SourcePaces:
    """Give how fast requests without a session may come; programs have limits of their own."""

    def exempt(path: str) -> bool:
        return path != OPENAPI_PATH and is_called_by_machines(path)

    return SourcePaces(section.source_requests_per_second, exempt=exempt)


def certificate_files(settings: Settings) -> tuple[CertificateFiles, ...]:
    """Give where the gateway's certificates are, that of its own name first; none without TLS.

    A system's host without a certificate of its own is shown the first.
    """
    tls = settings.tls
    if tls is None:
        return ()
    hosts = {each.public_host for each in settings.upstreams if each.public_host is not None}
    own = [
        CertificateFiles(certificate=each.certificate_file, key=each.key_file, host=each.host)
        for each in tls.host_certificates
    ]
    first = CertificateFiles(
        certificate=tls.certificate_file,
        key=tls.key_file,
        host=urlsplit(settings.gateway.origin).hostname or "",
        others=tuple(sorted(hosts - {each.host for each in own})),
    )
    return first, *own


def served_certificate(settings: Settings) -> ServedCertificate | None:
    """Load the gateway's certificates, if it has any.

    Raises:
        CertificateError: it cannot be used.
    """
    if not (files := certificate_files(settings)):
        return None
    by_name = {each.host: ServedCertificate(each, clock) for each in files[1:]}
    return ServedCertificate(files[0], clock, by_name)


def strict_transport(section: GatewaySection) -> bytes:
    """Give the field that keeps browsers on https, with its CRLF; empty on localhost.

    Browsers keep it for a name, whatever the port: a trial over TLS would shut every other program
    of that machine that is reached by plain HTTP.
    """
    origin = urlsplit(section.origin)
    if origin.scheme != "https" or origin.hostname == "localhost":
        return b""
    words = [f"max-age={section.hsts_days * _DAY_SECONDS}"]
    words += ["includeSubDomains"] if section.hsts_subdomains else []
    words += ["preload"] if section.hsts_preload else []
    return f"Strict-Transport-Security: {'; '.join(words)}\r\n".encode("ascii")


def reception(
    inside: Inside,
    settings: Settings,
    certificate: ServedCertificate | None,
    loop: asyncio.AbstractEventLoop,
) -> Reception:
    """Make what lets connections in.

    Args:
        inside: what they are let into.
        settings: checked settings.
        certificate: what the gateway shows, if it speaks TLS itself.
        loop: the event loop of the worker.
    """
    tls, gateway = settings.tls, settings.gateway
    scheme = gateway.origin.partition("://")[0]
    origins: dict[bytes, str] = {}
    for origin in (gateway.origin, *(each.origin for each in system_hosts(settings).values())):
        name = origin.partition("://")[2].partition(":")[0]
        names = host_names(origin) | host_names(f"http://{name}")
        if tls is not None and tls.redirect_listen is not None:
            names |= {f"{name}:{tls.redirect_listen.rpartition(':')[2]}".encode("ascii")}
        origins |= dict.fromkeys(names, origin)
    rules = EntranceRules(
        fronts=tuple(_listed(each, inside, scheme) for each in settings.fronts),
        # An origin of plain HTTP listens on this machine alone: the settings see to that.
        neighbours=None if scheme == "http" else (*_THIS_MACHINE, *_asking(settings)),
        source_connections=gateway.source_connections,
        seconds=_ENTRANCE_SECONDS if tls is None else tls.handshake_seconds,
        handshakes=_HANDSHAKES if tls is None else tls.handshakes,
        answer_fields=strict_transport(gateway),
        origins=origins,
        plain_limits=replace(inside.limits, hosts=inside.limits.hosts | origins.keys()),
    )
    return Reception(inside, rules, certificate, loop)


def _listed(section: FrontSection, inside: Inside, scheme: str) -> ListedFront:
    by_header = None
    if section.tells == "header":
        by_header = ToldByHeader(
            inside, field=section.header, scheme=scheme, asking_path=FORWARD_AUTH_PATH
        )
    return ListedFront(networks=tuple(map(ip_network, section.networks)), by_header=by_header)


def _asking(settings: Settings) -> tuple[IPv4Network | IPv6Network, ...]:
    """Give the networks of the proxies that ask about their requests, over plain HTTP too."""
    return tuple(ip_network(each) for one in settings.front_proxies for each in one.networks)
