"""The sections about the way in: the gateway's own TLS, and fronts that terminate it instead.

Each is a frozen model, as in `gateway.settings_sections`; the description of a field is what a
person is told to do when the value does not fit.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, Strict

from gateway.settings_sections import LISTEN, FilePath, HeaderName, Identifier, Section
from gateway.settings_upstreams import LOOPBACK
from gateway.settings_zones import Network
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings_faults import FaultList, Place
    from gateway.settings_sections import GatewaySection

HIGHEST_PORT: Final = 65_535
_PRELOAD_DAYS: Final = 365  # browsers' lists take no less


class HostCertificateSection(Section):
    """The certificate that is shown to whoever asks for the host of a system."""

    host: str = Field(max_length=253)
    """Write the `public_host` of the system that it is for."""
    certificate_file: FilePath
    """Write the file with the certificate and those of its authorities (PEM), ours first."""
    key_file: FilePath
    """Write the file with its private key (PEM), readable by its owner alone."""


class TlsSection(Section):
    """TLS by the gateway itself; without this section a listed front terminates it."""

    certificate_file: FilePath
    """Write the file with the certificate and those of its authorities (PEM), our own first."""
    key_file: FilePath
    """Write the file with its private key (PEM), readable by its owner alone."""
    redirect_listen: str | None = Field(default=None, pattern=LISTEN)
    """The address and port, such as `0.0.0.0:80`, where plain HTTP is led to https."""
    handshake_seconds: float = Field(default=5.0, ge=0.5, le=60)
    """How long a client may take from connecting to the end of the handshake."""
    handshakes: int = Field(default=256, ge=1, le=4_096)
    """How many handshakes one worker works on at a time; the others wait."""
    host_certificates: Annotated[
        tuple[HostCertificateSection, ...], Strict(strict=False), Field(alias="host_certificate")
    ] = ()
    """Certificates of systems' own hosts; a host without one is shown the gateway's."""


class FrontSection(Section):
    """A front that terminates TLS, and tells from which address a client came."""

    id: Identifier
    """Write a short name for it, such as `haproxy`."""
    networks: Annotated[tuple[Network, ...], Strict(strict=False), Field(min_length=1)]
    """Write the networks it connects from, such as `10.1.2.3/32`; nobody else's word counts."""
    tells: Literal["proxy-protocol", "header"]
    """`proxy-protocol` (version 1 or 2, before anything else) or `header` (with each request)."""
    header: HeaderName = "X-Forwarded-For"
    """The field that it overwrites with the client's one address, where it tells by `header`."""


def check_entrance(
    gateway: GatewaySection,
    tls: TlsSection | None,
    fronts: Sequence[tuple[int, FrontSection]],
    faults: FaultList,
) -> None:
    """Check that staff reach the gateway over TLS, and that only who is meant tells addresses."""
    host = _check_address(("gateway", "listen"), gateway.listen, faults)
    origin = urlsplit(gateway.origin)
    if origin.scheme == "http":
        if origin.hostname != "localhost":
            faults.add(
                ("gateway", "origin"),
                f"{quoted(gateway.origin)} is plain HTTP off localhost",
                "write https://, or http://localhost for a trial on one machine",
            )
        if host not in LOOPBACK:
            faults.add(
                ("gateway", "listen"),
                f"{quoted(host)} is open to others while the origin is plain HTTP",
                "listen on 127.0.0.1, or give an https:// origin",
            )
        if tls is not None:
            faults.add(("tls",), "the origin is plain HTTP", "write https:// in `gateway.origin`")
    elif tls is None and not fronts:
        faults.add(
            ("gateway", "origin"),
            f"nothing terminates TLS for {quoted(gateway.origin)}",
            "add `[tls]`, or list the front that does as a `[[front]]`",
        )
    if gateway.hsts_preload and not (
        gateway.hsts_subdomains and gateway.hsts_days >= _PRELOAD_DAYS
    ):
        faults.add(
            ("gateway", "hsts_preload"),
            "browsers' lists want more",
            f"set `hsts_subdomains = true` and `hsts_days` to {_PRELOAD_DAYS} or more",
        )
    if tls is not None:
        _check_tls(tls, gateway.listen, faults)
    _check_fronts(fronts, faults)


def _check_tls(tls: TlsSection, listen: str, faults: FaultList) -> None:
    _check_pair(("tls",), tls, faults)
    for index, each in enumerate(tls.host_certificates):
        _check_pair(("tls", "host_certificate", index), each, faults)
    if tls.redirect_listen is not None:
        where = ("tls", "redirect_listen")
        _check_address(where, tls.redirect_listen, faults)
        if tls.redirect_listen == listen:
            faults.add(where, "is where https is served", "choose another port, such as 80")


def _check_pair(where: Place, pair: TlsSection | HostCertificateSection, faults: FaultList) -> None:
    faults.demand_readable((*where, "certificate_file"), pair.certificate_file)
    if faults.demand_readable((*where, "key_file"), pair.key_file):
        faults.demand_private((*where, "key_file"), pair.key_file)


def _check_fronts(fronts: Sequence[tuple[int, FrontSection]], faults: FaultList) -> None:
    seen: list[tuple[object, str]] = []
    for index, front in fronts:
        for number, written in enumerate(front.networks):
            network = ip_network(written)
            where = ("front", index, "networks", number)
            if not network.prefixlen:
                message = f"{quoted(written)} is everybody, who could then tell any address"
                faults.add(where, message, "write the front's own address")
            for other, owner in seen:
                if owner != front.id and network.overlaps(other):  # type: ignore[arg-type]
                    faults.add(where, f"overlaps one of {quoted(owner)}", "keep them apart")
            seen.append((network, front.id))


def _check_address(where: tuple[str, ...], listen: str, faults: FaultList) -> str:
    """Check the port of an address to listen on; gives its host."""
    host, port = host_and_port(listen)
    if not 0 < port <= HIGHEST_PORT:
        faults.add(where, f"port `{port}` does not exist", "choose one from 1 to 65535")
    return host


def host_and_port(listen: str) -> tuple[str, int]:
    """Give host and port of an address to listen on."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
