"""What the settings say of the way in."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from gateway.entrance.certificates import CertificateError
from gateway.errors import SettingsError
from gateway.front.entrance_parts import (
    certificate_files,
    connection_limits,
    reception,
    served_certificate,
    stranger_paces,
    strict_transport,
)
from gateway.settings import Settings, load_settings
from tests.gateway.entrance.entrance import LIMITS, Worker
from tests.gateway.front.conftest import SettingsMaker
from tests.gateway.wire.bench import ok


def test_the_limits_of_a_connection_are_those_that_are_set(make_settings: SettingsMaker) -> None:
    section = make_settings(("[gateway]\n", "[gateway]\nheader_count = 40\n")).gateway
    limits = connection_limits(section, frozenset({b"internal:8080"}))

    assert (limits.head_fields, limits.idle_seconds) == (40, section.idle_seconds)
    assert limits.hosts == {b"localhost:8080", b"internal:8080"}


def test_strangers_have_the_pace_that_is_set_and_programs_their_own_limits(
    make_settings: SettingsMaker,
) -> None:
    section = make_settings(("[gateway]\n", "[gateway]\nsource_requests_per_second = 1\n")).gateway
    paces = stranger_paces(section)

    taken = [paces.take("192.0.2.7", "/-/sign-in", 1) for _ in range(11)]
    assert taken == [0] * 10 + [1]
    assert paces.take("192.0.2.7", "/-/access/v1/evaluation", 1) == 0
    assert paces.take("192.0.2.7", "/-/openapi.json", 1) == 1  # large, and no server needs it often


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("", b"max-age=63072000"),
        ("hsts_days = 0\n", b"max-age=0"),
        (
            "hsts_days = 365\nhsts_subdomains = true\nhsts_preload = true\n",
            b"max-age=31536000; includeSubDomains; preload",
        ),
    ],
)
def test_browsers_are_kept_on_https_for_as_long_as_is_set(
    make_settings: SettingsMaker, more: str, field: bytes
) -> None:
    section = behind(make_settings, more).gateway

    assert strict_transport(section) == b"Strict-Transport-Security: " + field + b"\r\n"


def test_on_localhost_nothing_is_said_of_https(make_settings: SettingsMaker) -> None:
    """It would lock every other program on the machine out for two years, on whatever port."""
    plain = make_settings().gateway

    assert strict_transport(plain) == b""
    assert strict_transport(plain.model_copy(update={"origin": "https://localhost:8443"})) == b""


def behind(make_settings: SettingsMaker, more: str = "", tells: str = "header") -> Settings:
    """Set up a gateway behind a front."""
    front = f'[[front]]\nid = "f"\nnetworks = ["192.0.2.0/28"]\ntells = "{tells}"\n'
    old = '[gateway]\norigin = "http://localhost:8080"\n'
    return make_settings((old, f'{front}[gateway]\norigin = "https://gate.example"\n{more}'))


@pytest.mark.parametrize(
    ("tells", "ip", "front", "neighbour"),
    [
        ("header", "192.0.2.1", "by header", False),
        ("proxy-protocol", "192.0.2.1", "before", False),
        ("proxy-protocol", "::ffff:192.0.2.1", "before", False),
        ("header", "192.0.2.77", None, False),
        ("header", "127.0.0.1", None, True),
        ("header", "::1", None, True),
        ("header", "10.9.8.7", None, True),  # a proxy that asks
        ("header", "", None, False),
    ],
)
async def test_who_is_who_is_said_by_the_settings(
    make_settings: SettingsMaker,
    tmp_path: Path,
    tells: str,
    ip: str,
    front: str | None,
    *,
    neighbour: bool,
) -> None:
    (tmp_path / "proxy.secret").write_text("x" * 32)
    (tmp_path / "proxy.secret").chmod(0o600)
    asking = (
        '[[front_proxy]]\nid = "p"\nkind = "nginx"\nnetworks = ["10.9.8.7/32"]\n'
        'secret_file = "proxy.secret"\n[policy]\n'
    )
    settings = behind(make_settings, tells=tells)
    config = tmp_path / "gateway.toml"
    config.write_text(config.read_text().replace("[policy]\n", asking))
    worker = Worker(ok, LIMITS, at_most=1)
    made = reception(worker, load_settings(config), None, asyncio.get_running_loop())
    found, is_neighbour = made._look_up(ip)

    assert settings.fronts[0].tells == tells
    assert is_neighbour is neighbour
    if front is None:
        assert found is None
    else:
        assert found is not None
        assert (found.by_header is not None) is (front == "by header")
        assert made._look_up(ip) is made._look_up(ip)  # looked up once


async def test_on_plain_localhost_everybody_is_a_neighbour(make_settings: SettingsMaker) -> None:
    """The settings let such a gateway listen on this machine alone."""
    worker = Worker(ok, LIMITS, at_most=1)
    made = reception(worker, make_settings(), None, asyncio.get_running_loop())

    assert made._look_up("127.0.0.1") == (None, True)


async def test_plain_http_may_name_us_with_the_port_of_plain_http(
    make_settings: SettingsMaker, tmp_path: Path
) -> None:
    for name in ("gate.pem", "gate.key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    tls = '[tls]\ncertificate_file = "gate.pem"\nkey_file = "gate.key"\n'
    old = '[gateway]\norigin = "http://localhost:8080"\n'
    new = (
        f'{tls}redirect_listen = "0.0.0.0:8081"\n[gateway]\norigin = "https://gate.example:8443"\n'
    )
    settings = make_settings((old, new))
    made = reception(Worker(ok, LIMITS, at_most=1), settings, None, asyncio.get_running_loop())

    hosts = made._redirect.limits.hosts
    assert {b"gate.example", b"gate.example:80", b"gate.example:8081"} <= hosts
    (files,) = certificate_files(settings)
    assert (files.host, files.key.name) == ("gate.example", "gate.key")
    with pytest.raises(CertificateError, match="no certificate that can be read"):
        served_certificate(settings)


async def test_a_systems_host_has_its_certificate_and_its_way_to_https(
    make_settings: SettingsMaker, tmp_path: Path
) -> None:
    for name in ("gate.pem", "gate.key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    pair = 'certificate_file = "gate.pem"\nkey_file = "gate.key"\n'
    tls = (
        f'[tls]\n{pair}redirect_listen = "0.0.0.0:80"\n'
        f'[[tls.host_certificate]]\nhost = "fleet.example"\n{pair}'
    )
    old, last = 'origin = "http://localhost:8080"\n', 'paths = ["/"]\n'
    systems = "".join(
        f'[[upstream]]\nid = "{name}"\nurl = "http://127.0.0.1:1"\naudience = "{name}"\n'
        f'{last}public_host = "{name}.example"\n'
        for name in ("fleet", "kit")
    )
    settings = make_settings(
        (old, 'origin = "https://gate.example"\n'), (last, f"{last}{systems}{tls}")
    )
    made = reception(Worker(ok, LIMITS, at_most=1), settings, None, asyncio.get_running_loop())

    first, own = certificate_files(settings)
    assert (first.host, first.others) == ("gate.example", ("kit.example",))
    assert own.host == "fleet.example"
    to = made._redirect._to
    assert to[b"gate.example:80"] == "https://gate.example"
    assert to[b"fleet.example"] == to[b"fleet.example:80"] == "https://fleet.example"


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("flet.example", "`flet.example` is no system's `public_host`; did you mean `fleet.exa"),
        ("fleet.example", "`fleet.example` has one already; write one for each host"),
    ],
)
def test_a_certificate_is_for_a_host_that_there_is(
    make_settings: SettingsMaker, tmp_path: Path, host: str, said: str
) -> None:
    for name in ("gate.pem", "gate.key"):
        (tmp_path / name).write_text("x")
        (tmp_path / name).chmod(0o600)
    pair = 'certificate_file = "gate.pem"\nkey_file = "gate.key"\n'
    more = "".join(
        f'[[tls.host_certificate]]\nhost = "{each}"\n{pair}' for each in ("fleet.example", host)
    )
    last = 'paths = ["/"]\n'
    with pytest.raises(SettingsError, match=re.escape(said)):
        make_settings(
            ('origin = "http://localhost:8080"\n', 'origin = "https://gate.example"\n'),
            (last, f'{last}public_host = "fleet.example"\n[tls]\n{pair}{more}'),
        )
