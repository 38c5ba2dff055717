"""Which network zone an address is in, as the settings say (`[[zone]]`).

The smallest network that holds the address decides; an address in none is `internet`. While a rule
names a zone that the settings do not have, every zone is unknown: nothing is permitted by a zone
then, and every deny rule on one bites.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from gateway.sources import address_of
from policies.criteria.zone import INTERNET

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

REMEMBERED: Final = 4_096
"""Addresses whose zone is remembered; the staff of a partnership come from a few hundred."""


class NetworkZones:
    """Tells the zone of an address. One a worker, on the event loop; fixed once made."""

    def __init__(self, zones: Mapping[str, Iterable[str]]) -> None:
        """Sort the networks, the smallest first.

        Args:
            zones: the networks of each zone; no network is in two.
        """
        self.ids: Final = frozenset({INTERNET, *zones})
        networks = [(ip_network(each), zone) for zone, written in zones.items() for each in written]
        self._networks = sorted(networks, key=lambda each: -each[0].prefixlen)
        self._known: dict[str, str | None] = {}

    def zone_of(self, address: str, named: Collection[str]) -> str | None:
        """Give the zone of an address; `None` where it cannot be told.

        Args:
            address: of the client, as the socket tells it.
            named: the zones that the rules in force name.
        """
        if not self.ids.issuperset(named):
            return None
        if address in self._known:
            return self._known[address]
        if len(self._known) >= REMEMBERED:
            self._known.clear()
        found = self._known[address] = self._looked_up(address)
        return found

    def _looked_up(self, address: str) -> str | None:
        known = address_of(address)
        if known is None:
            return None
        for network, zone in self._networks:
            if known.version == network.version and known in network:
                return zone
        return INTERNET
