"""Which network zone an address is in."""

from __future__ import annotations

import pytest

from gateway.network_zones import REMEMBERED, NetworkZones

ZONES = {
    "station-network": ["10.0.0.0/8", "2001:db8:10::/48"],
    "vpn": ["10.9.0.0/16", "2001:db8:10:9::/64"],
    "internet": ["10.9.200.0/24"],  # guests of the stations
}
NAMED = frozenset({"vpn"})


@pytest.mark.parametrize(
    ("address", "zone"),
    [
        ("10.8.255.255", "station-network"),
        ("10.9.0.0", "vpn"),
        ("10.9.255.255", "vpn"),
        ("10.10.0.0", "station-network"),
        ("10.9.200.7", "internet"),
        ("11.0.0.0", "internet"),
        ("::ffff:10.9.0.1", "vpn"),
        ("::10.9.0.1", "internet"),
        ("2001:db8:10:9::1", "vpn"),
        ("2001:db8:10:a::1", "station-network"),
        ("2001:db8:11::1", "internet"),
        ("fe80::1%eth0", "internet"),
        ("", None),
        ("10.9.0.1:443", None),
        ("010.9.0.1", None),
    ],
)
def test_the_smallest_network_that_holds_an_address_decides(address: str, zone: str | None) -> None:
    for order in (ZONES, dict(reversed(ZONES.items()))):
        zones = NetworkZones(order)

        assert [zones.zone_of(address, NAMED) for _ in range(2)] == [zone, zone]


def test_a_zone_that_the_settings_do_not_have_makes_every_zone_unknown() -> None:
    zones = NetworkZones(ZONES)

    assert zones.zone_of("10.9.0.1", {"vpn", "internet"}) == "vpn"
    assert zones.zone_of("10.9.0.1", {"vpn", "vpm"}) is None


def test_what_is_remembered_is_bounded() -> None:
    zones = NetworkZones(ZONES)
    for number in range(2 * REMEMBERED + 1):
        zones.zone_of(f"10.0.{number // 256}.{number % 256}", NAMED)

        assert len(zones._known) <= REMEMBERED
    assert zones.zone_of("10.9.0.1", NAMED) == "vpn"
