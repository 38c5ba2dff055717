"""The systems of the back office as the settings have them: addresses, trust, instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from gateway.backoffice.instance_health import HealthRule
from gateway.backoffice.upstream import Upstream, spellings
from gateway.backoffice.upstream_address import NEVER, UpstreamAddress
from gateway.backoffice.upstream_tls import UpstreamTls
from gateway.front.from_settings import system_hosts

if TYPE_CHECKING:
    import asyncio

    from gateway.settings import Settings
    from gateway.settings_upstreams import UpstreamSection

_LOOKS: Final = 2  # in a row that find an instance well, where it is asked for a page


def upstream_addresses(
    section: UpstreamSection, *, must: bool = True
) -> list[tuple[str, UpstreamAddress]]:
    """Give where each instance of a system is; over TLS its certificate is always verified.

    Args:
        section: of the system.
        must: refuse files of certificates that cannot be used; a worker waits for better ones.

    Raises:
        UpstreamError: a file of certificates cannot be used.
    """
    tls = None
    if section.places[0].startswith("https://"):
        tls = UpstreamTls(
            section.id,
            ca_file=section.ca_file,
            certificate_file=section.certificate_file,
            key_file=section.key_file,
            must=must,
        )
    addresses = []
    for place in section.places:
        url = urlsplit(place)
        address = UpstreamAddress(
            host=url.hostname or "",
            port=url.port or (443 if tls else 80),
            tls=tls,
            tls_name=None if section.host is None else section.host.partition(":")[0],
            connect_seconds=section.connect_seconds,
            first_byte_seconds=section.first_byte_seconds,
            idle_seconds=section.idle_seconds,
            total_seconds=section.total_seconds or NEVER,
            max_connections=section.max_connections,
        )
        addresses.append((place, address))
    return addresses


def upstreams_of(settings: Settings, loop: asyncio.AbstractEventLoop) -> dict[str, Upstream]:
    """Give every system by its id; nothing is connected yet."""
    main = settings.gateway.origin
    public = dict.fromkeys((each.id for each in settings.upstreams), main)
    public |= {name: each.origin for name, each in system_hosts(settings).items()}
    return {
        each.id: Upstream(
            id=each.id,
            addresses=upstream_addresses(each, must=False),
            loop=loop,
            host=each.host,
            own_origins=_spelt(public[each.id]),
            other_origins={
                spelt: other.encode("ascii")
                for other in {main, *public.values()} - {public[each.id]}
                for spelt in _spelt(other)
            },
            rule=HealthRule(
                failures=each.failures,
                out_seconds=each.out_seconds,
                looks=_LOOKS if each.health_path else 1,
                look_seconds=each.health_seconds if each.health_path else None,
            ),
            look_path=each.health_path,
            least_loaded=each.balance == "least-loaded",
            by_person=each.balance == "by-person",
        )
        for each in settings.upstreams
    }


def _spelt(origin: str) -> frozenset[str]:
    scheme, _, authority = origin.partition("://")
    return spellings(scheme, authority)
