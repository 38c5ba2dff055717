"""The section about network zones: which networks rules mean by `zone = ["vpn"]`.

A frozen model, as in `gateway.settings_sections`; the description of a field is what a person is
told to do when the value does not fit.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, Strict

from gateway.settings_sections import Identifier, Section
from vetting.errors import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.settings_faults import FaultList


def _network(written: str) -> str:
    """Refuse what is not a network, and an address inside one: it would be read as all of it."""
    ip_network(written)
    return written


Network = Annotated[str, Field(max_length=64), AfterValidator(_network)]


class ZoneSection(Section):
    """A network zone that rules may name; an address is in the zone of its smallest network."""

    id: Identifier
    """Write a short name, such as `station-network`; `internet` is what is in no other zone."""
    networks: Annotated[tuple[Network, ...], Strict(strict=False), Field(min_length=1)]
    """Write networks such as `10.0.0.0/8` or `2001:db8::/32`, without bits after the prefix."""


def check_zones(zones: Iterable[tuple[int, ZoneSection]], faults: FaultList) -> None:
    """Check that no network is in two zones: which one an address is in would be chance."""
    seen: dict[object, str] = {}
    for index, zone in zones:
        for number, written in enumerate(zone.networks):
            network = ip_network(written)
            if network in seen:
                faults.add(
                    ("zone", index, "networks", number),
                    f"{quoted(written)} is written already, in zone {quoted(seen[network])}",
                    "keep it in one zone",
                )
            seen[network] = zone.id
