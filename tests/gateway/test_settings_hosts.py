"""Hosts of systems in the settings: each one system's alone, each a whole name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings
from tests.gateway.test_settings import MINIMAL

Write = Callable[[str], Path]
SYSTEM = """
[[upstream]]
id = "{id}"
url = "http://127.0.0.1:9001"
audience = "{id}"
paths = ["/OA_HTML/"]
public_host = "{host}"
"""


@pytest.fixture
def write(tmp_path: Path) -> Write:
    (tmp_path / "policy").mkdir()
    (tmp_path / "ca.pem").write_text("certificate")

    def make(text: str) -> Path:
        path = tmp_path / "gateway.toml"
        path.write_text(text)
        return path

    return make


def test_systems_with_hosts_may_have_the_same_paths(write: Write) -> None:
    text = MINIMAL + SYSTEM.format(id="fleet", host="fleet.localhost")
    settings = load_settings(write(text + SYSTEM.format(id="learn", host="learn.localhost")))

    hosts = [each.public_host for each in settings.upstreams]
    assert hosts == [None, "fleet.localhost", "learn.localhost"]


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("localhost", "`localhost` does not have the form expected; write a whole name for"),
        ("*.localhost", "`*.localhost` does not have the form expected; write a whole name for"),
        ("fleet.localhost:80", "does not have the form expected; write a whole name for"),
        ("https://fleet.localhost", "does not have the form expected; write a whole name for"),
        ("Fleet.localhost", "does not have the form expected; write a whole name for"),
        ("fleet..localhost", "does not have the form expected; write a whole name for"),
        ("127.0.0.1", "`127.0.0.1` is an address; write a name, as people type it"),
        ("ebs.localhost", "`ebs.localhost` is the host of `own`, line 34; give each system its"),
        ("fleet.example", "is plain HTTP off localhost; write a name such as `fleet.localhost`"),
        ("front.localhost", "is what the front proxy `front` asks with; give one of them another"),
    ],
)
def test_a_host_that_is_no_systems_own_is_refused(
    write: Write, tmp_path: Path, host: str, said: str
) -> None:
    (tmp_path / "front.secret").write_text("s" * 32)
    (tmp_path / "front.secret").chmod(0o600)
    first = SYSTEM.format(id="own", host="ebs.localhost")
    front = """
[[front_proxy]]
id = "front"
kind = "forward-auth"
networks = ["127.0.0.1/32"]
secret_file = "front.secret"
host = "front.localhost:8080"
"""
    with pytest.raises(SettingsError) as refused:
        load_settings(write(MINIMAL + first + SYSTEM.format(id="fleet", host=host) + front))

    assert [
        each
        for each in map(str, refused.value.faults)
        if said in each and "upstream[3].public_host" in each
    ]


def test_the_gateways_own_host_is_no_systems(write: Write) -> None:
    text = MINIMAL.replace("http://localhost:8080", "http://gate.localhost:8080")
    with pytest.raises(SettingsError) as refused:
        load_settings(write(text + SYSTEM.format(id="fleet", host="gate.localhost")))

    assert "`gate.localhost` is the gateway's own host; give the system another" in str(
        refused.value
    )


def test_two_systems_at_one_host_share_no_path(write: Write) -> None:
    """Without a host, both are at the gateway's."""
    text = MINIMAL + SYSTEM.format(id="fleet", host="x.localhost").replace("public_host", "#")
    with pytest.raises(SettingsError) as refused:
        load_settings(write(text))

    assert "`/OA_HTML/` overlaps `/OA_HTML/`, line 27; give each path to one system" in str(
        refused.value
    )
