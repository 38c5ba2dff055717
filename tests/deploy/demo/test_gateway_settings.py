"""The settings written for the demo are ones the gateway takes, and reach all of the catalogue."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.demo.certificates import ensure_certificates
from deploy.demo.gateway_settings import BRANCHES, write_settings
from deploy.demo.places import Places, free_ports, port_is_free
from gateway.front.entrance_parts import served_certificate
from gateway.settings import Settings, load_settings
from gateway.settings_directories import OidcSection
from tests.policies.people import SHARED


@pytest.fixture
def places(tmp_path: Path) -> Places:
    chosen = Places.choose(tmp_path / "demo", None)
    chosen.state.mkdir(parents=True, mode=0o700)
    for directory in chosen.directories:
        directory.prepare(datetime.now(UTC))  # noqa: TID251 - certificates are dated from now
        directory.bind_password_file.write_text("secret")
        directory.bind_password_file.chmod(0o600)
    for provider in chosen.providers:
        provider.prepare()
    return chosen


@pytest.fixture
def settings(places: Places) -> Settings:
    write_settings(places, workers=3, policy_set=places.scenario.policy_set)
    return load_settings(places.settings_file)


def test_the_gateway_takes_them(settings: Settings, places: Places) -> None:
    organisations = {organisation.id for organisation in settings.organisations}

    assert settings.gateway.workers == 3
    assert settings.gateway.origin == f"http://localhost:{places.port}"
    assert organisations == {account.organisation for account in places.scenario.accounts.each}


def test_over_tls_the_gateway_shows_a_certificate_of_the_demos_own_authority(
    places: Places,
) -> None:
    """Staff reach it by https then, and nothing of the demo by plain HTTP."""
    over_tls = replace(places, tls=True)
    ensure_certificates(over_tls.certificates, "Gateway", datetime.now(UTC))  # noqa: TID251 - as above
    write_settings(over_tls, workers=1, policy_set=places.scenario.policy_set)
    settings = load_settings(over_tls.settings_file)

    assert settings.gateway.origin == f"https://localhost:{places.port}"
    assert settings.tls is not None
    assert served_certificate(settings)
    assert over_tls.ca_file == settings.tls.certificate_file.with_name("ca.pem")
    assert {each.gateway for each in over_tls.providers} == {settings.gateway.origin}
    assert places.ca_file is None


def test_no_directory_attribute_names_vetting(settings: Settings) -> None:
    for organisation in settings.organisations:
        for directory in organisation.directories:
            named = directory.claims if isinstance(directory, OidcSection) else directory.attributes
            names = named.model_dump().values()

            assert not [name for name in names if "vetting" in str(name).lower()]


def test_every_path_of_the_catalogue_belongs_to_the_back_office() -> None:
    catalogue = tomllib.loads((SHARED / "catalogue.toml").read_text("utf-8"))
    paths = {
        match["path"]
        for function in catalogue["function"]
        if function["system"] != "gateway"
        for match in function["match"]
    }

    assert paths
    assert {path for path in paths if not path.startswith(BRANCHES)} == set()


def test_free_ports_are_free_and_different() -> None:
    ports = free_ports(6)

    assert len(set(ports)) == 6
    assert all(port_is_free(port) for port in ports)
