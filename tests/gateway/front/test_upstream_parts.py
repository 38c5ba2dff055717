"""Systems as the settings have them: where they are, whom to believe, which instance."""

from __future__ import annotations

import ssl

import pytest

from gateway.front.upstream_parts import upstream_addresses
from gateway.settings import UpstreamSection


@pytest.mark.parametrize(
    ("url", "host", "port", "tls"),
    [
        ("http://127.0.0.1:9000", "127.0.0.1", 9000, False),
        ("http://back.office", "back.office", 80, False),
        ("https://back.office", "back.office", 443, True),
        ("https://back.office:8443", "back.office", 8443, True),
    ],
)
def test_a_system_is_reached_where_it_is_and_over_tls_it_is_verified(
    url: str, host: str, port: int, tls: bool
) -> None:
    section = UpstreamSection(
        id="ebs", url=url, audience="ebs", paths=("/",), first_byte_seconds=7, max_connections=9
    )
    address = upstream_addresses(section)[0][1]

    assert (address.host, address.port, address.first_byte_seconds, address.max_connections) == (
        host,
        port,
        7,
        9,
    )
    assert (address.tls is not None) is tls
    if address.tls is not None:
        assert address.tls.context().verify_mode is ssl.CERT_REQUIRED
        assert address.tls.context().check_hostname
        assert address.tls.context().minimum_version >= ssl.TLSVersion.TLSv1_2
