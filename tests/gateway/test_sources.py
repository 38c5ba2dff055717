"""One place stands for all addresses that a source can choose from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from gateway.sources import address_of, place_of


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("not:an:address", "not:an:address"),
        ("x" * 100, "x" * 64),
    ],
)
def test_an_ipv6_network_is_one_source(source: str, place: str) -> None:
    assert place_of(source) == place


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("192.0.2.7", IPv4Address("192.0.2.7")),
        ("::ffff:192.0.2.7", IPv4Address("192.0.2.7")),
        ("2001:db8::1", IPv6Address("2001:db8::1")),
        ("unknown", None),
        ("", None),
    ],
)
def test_an_address_is_looked_up_as_what_it_stands_for(
    source: str, address: IPv4Address | IPv6Address | None
) -> None:
    assert address_of(source) == address
