"""The address of a source of requests: as sources are counted, and looked up among networks."""

from __future__ import annotations

import ipaddress
from typing import Final

IPV6_PREFIX: Final = 64  # one subscriber has at least so many addresses to choose from
_CHARACTERS: Final = 64  # of what is no address


def place_of(source: str) -> str:
    """Give the address that stands for a source; of IPv6 the network, as addresses are free."""
    if ":" not in source:
        return source[:_CHARACTERS]
    try:
        address = ipaddress.IPv6Address(source.partition("%")[0])
    except ValueError:
        return source[:_CHARACTERS]
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False))


def address_of(source: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Give the address of a source, to be looked up among networks; None for what is none.

    A socket of both families tells an IPv4 client as ::ffff:192.0.2.1.
    """
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
