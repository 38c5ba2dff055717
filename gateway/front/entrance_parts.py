"""What the settings say of the way in: limits of connections and requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.front.from_settings import host_names
from gateway.front.open_routes import is_called_by_machines
from gateway.pace import SourcePaces
from gateway.wire.limits import ConnectionLimits

if TYPE_CHECKING:
    from gateway.settings_sections import GatewaySection


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
    return SourcePaces(section.source_requests_per_second, exempt=is_called_by_machines)
