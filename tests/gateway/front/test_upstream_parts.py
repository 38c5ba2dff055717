"""Systems as the settings have them: where they are, whom to believe, which instance."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from gateway.errors import UpstreamError
from gateway.front.upstream_parts import upstream_addresses, upstreams_of
from gateway.settings import UpstreamSection
from tests.gateway.front.conftest import SettingsMaker


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


async def test_a_system_of_several_instances_is_one_system(make_settings: SettingsMaker) -> None:
    settings = make_settings(
        (
            'url = "http://127.0.0.1:9000"',
            """urls = ["http://127.0.0.1:9", "http://localhost:9"]
host = "ebs.example:80"
balance = "least-loaded"
health_path = "/health"
total_seconds = 60""",
        ),
    )
    system = upstreams_of(settings, asyncio.get_running_loop())["ebs"]

    assert [each.url for each in system.instances] == ["http://127.0.0.1:9", "http://localhost:9"]
    assert {each.host for each in system.instances} == {b"ebs.example:80"}
    assert {each.pool.address.tls_name for each in system.instances} == {"ebs.example"}
    assert {each.pool.address.total_seconds for each in system.instances} == {60}
    assert system.instances[0].health.look_at < asyncio.get_running_loop().time() + 6
    assert {
        settings.gateway.origin,
        "http://localhost:9",
        "http://ebs.example",
    } <= system.origins.keys()


def test_a_system_is_shown_our_certificate_where_one_is_set(tmp_path: Path) -> None:
    own = trustme.CA().issue_cert("gate.example")
    own.cert_chain_pems[0].write_to_path(tmp_path / "own.pem")
    own.private_key_pem.write_to_path(tmp_path / "own.key")
    section = UpstreamSection(
        id="ebs",
        url="https://back.office",
        audience="ebs",
        paths=("/",),
        certificate_file=tmp_path / "own.pem",
        key_file=tmp_path / "gone.key",
    )
    with pytest.raises(UpstreamError, match="upstream: ebs: "):
        upstream_addresses(section)


async def test_a_system_with_a_host_knows_its_own_and_the_others(
    make_settings: SettingsMaker,
) -> None:
    other = """
[[upstream]]
id = "fleet"
url = "http://localhost:10"
audience = "fleet"
paths = ["/"]
public_host = "fleet.localhost"
"""
    settings = make_settings(('paths = ["/"]\n', f'paths = ["/"]\n{other}'))
    systems = upstreams_of(settings, asyncio.get_running_loop())
    main, fleet = settings.gateway.origin, "http://fleet.localhost:8080"

    assert (systems["ebs"].origins[main], systems["ebs"].origins[fleet]) == (b"", fleet.encode())
    assert (systems["fleet"].origins[fleet], systems["fleet"].origins[main]) == (b"", main.encode())
    for each in systems.values():
        each.close()
