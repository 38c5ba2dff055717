"""What holds of the hosts that systems have of their own.

None may be the gateway's, or another system's, as nobody could tell then what is asked for; and
browsers must keep them apart, which they do by whole names only.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from gateway.settings_faults import nearest
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.settings_entrance import TlsSection
    from gateway.settings_faults import FaultList, Place
    from gateway.settings_proxies import FrontProxySection
    from gateway.settings_sections import GatewaySection
    from gateway.settings_upstreams import UpstreamSection


def check_hosts(
    gateway: GatewaySection | None,
    upstreams: Sequence[tuple[int, UpstreamSection]],
    proxies: Sequence[tuple[int, FrontProxySection]],
    tls: TlsSection | None,
    faults: FaultList,
) -> None:
    """Check that each host is one system's alone, and one that browsers keep apart.

    Args:
        gateway: the service itself, if its section stands.
        upstreams: the systems with their places in the file.
        proxies: other proxies, some of which name the gateway by a host of their own.
        tls: TLS by the gateway itself, whose certificates may be for these hosts.
        faults: where faults are added.
    """
    origin = urlsplit(gateway.origin) if gateway else None
    asking = {each.host.partition(":")[0]: each.id for _, each in proxies if each.host is not None}
    seen: dict[str, tuple[str, int]] = {}
    for index, upstream in upstreams:
        name = upstream.public_host
        if name is None:
            continue
        where: Place = ("upstream", index, "public_host")
        if _is_address(name):
            message = f"{quoted(name)} is an address"
            faults.add(where, message, "write a name, as people type it")
        elif origin is not None and name == origin.hostname:
            message = f"{quoted(name)} is the gateway's own host"
            faults.add(where, message, "give the system another, or leave `public_host` out")
        elif name in seen:
            system, first = seen[name]
            line = faults.source.line("upstream", first, "public_host")
            message = f"{quoted(name)} is the host of {quoted(system)}, line {line}"
            faults.add(where, message, "give each system its own")
        elif name in asking:
            message = f"{quoted(name)} is what the front proxy {quoted(asking[name])} asks with"
            faults.add(where, message, "give one of them another")
        elif origin is not None and origin.scheme == "http" and not name.endswith(".localhost"):
            message = f"{quoted(name)} is plain HTTP off localhost"
            remedy = "write a name such as `fleet.localhost`, or an https:// origin"
            faults.add(where, message, remedy)
        seen.setdefault(name, (upstream.id, index))
    if tls is not None:
        _check_certificates(tls, tuple(seen), faults)


def _check_certificates(tls: TlsSection, hosts: tuple[str, ...], faults: FaultList) -> None:
    certified: set[str] = set()
    for index, each in enumerate(tls.host_certificates):
        where: Place = ("tls", "host_certificate", index, "host")
        if each.host not in hosts:
            message = f"{quoted(each.host)} is no system's `public_host`"
            faults.add(where, message, nearest(each.host, hosts) if hosts else "remove it")
        elif each.host in certified:
            faults.add(where, f"{quoted(each.host)} has one already", "write one for each host")
        certified.add(each.host)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
