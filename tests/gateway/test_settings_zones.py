"""Network zones in the settings that cannot be meant are refused with what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from gateway.errors import SettingsError
from gateway.settings import load_settings
from gateway.settings_zones import ZoneSection
from tests.gateway.test_settings import MINIMAL

if TYPE_CHECKING:
    from pathlib import Path

TWICE = """
[[zone]]
id = "vpn"
networks = ["10.9.0.0/16"]

[[zone]]
id = "guests"
networks = ["10.8.0.0/16", "10.9.0.0/16"]
"""


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"id": "VPN", "networks": ["10.0.0.0/8"]}, "id"),
        ({"id": "vpn", "networks": []}, "networks"),
        ({"id": "vpn", "networks": ["10.0.0.1/8"]}, "host bits"),
        ({"id": "vpn", "networks": ["10.0.0.0/33"]}, "networks"),
        ({"id": "vpn", "networks": ["station"]}, "networks"),
    ],
)
def test_a_zone_that_cannot_be_meant_is_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ZoneSection(**wrong)


def written(directory: Path, more: str) -> Path:
    (directory / "policy").mkdir()
    (directory / "ca.pem").write_text("certificate")
    path = directory / "gateway.toml"
    path.write_text(MINIMAL + more)
    return path


def test_a_network_in_two_zones_is_refused_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, TWICE)

    with pytest.raises(SettingsError) as refused:
        load_settings(path)

    (fault,) = refused.value.faults
    assert "`10.9.0.0/16` is written already, in zone `vpn`" in str(fault)
    assert path.read_text().splitlines()[fault.line - 1].startswith('networks = ["10.8')


def test_zones_of_one_name_are_refused(tmp_path: Path) -> None:
    text = TWICE.replace("guests", "vpn").replace('"10.8.0.0/16", "10.9.0.0/16"', '"10.8.0.0/16"')

    with pytest.raises(SettingsError, match="is the id of another zone"):
        load_settings(written(tmp_path, text))
