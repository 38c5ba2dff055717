"""`gateway directory test`: each step with its time, and what failed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deploy.demo.places import free_ports
from tests.doubles.slapd import PASSWORD, SERVICE_DN, SUFFIX, Slapd
from tests.gateway.cli.place import Place

pytestmark = pytest.mark.directory

FIRE = "cheshire-fire"


@pytest.fixture
def connected(place: Place, fire: Slapd) -> Place:
    """A gateway whose fire service has a real directory, beside a server that is away."""
    text = place.config.read_text()
    away = free_ports(1)[0]
    own = (
        f'uris = ["ldaps://127.0.0.1:{away}", "{fire.ldaps_uri}", "{fire.starttls_uri}"], '
        f'ca_file = "{fire.ca_file}", base = "{SUFFIX}", bind_dn = "{SERVICE_DN}", '
        f'bind_password_file = "{fire.bind_password_file}"'
    )
    old = 'uris = ["ldaps://127.0.0.1:6362"], ca_file = "ca.pem", base = "dc=fire"'
    assert old in text
    place.config.write_text(text.replace(old, own))
    return place


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return file


def test_every_server_is_tried_and_one_that_is_usable_suffices(connected: Place) -> None:
    told = connected.run("directory", "test", FIRE)
    lines = [line.split()[:2] for line in told.out.splitlines() if line.startswith("  ")]

    assert told.code == 0
    assert lines == [
        ["ok", "name"], ["failed", "connect"],
        ["ok", "name"], ["ok", "connect"], ["ok", "tls"], ["ok", "bind"], ["ok", "search"],
        ["ok", "name"], ["ok", "connect"], ["ok", "starttls"], ["ok", "tls"], ["ok", "bind"],
        ["ok", "search"],
    ]  # fmt: skip
    assert re.search(r"tls +\d+\.\d ms  TLSv1\.\d, certificate.* from .* to .* days\)", told.out)
    assert "connection refused" in told.out


def test_a_person_is_signed_in_at_one_server_only(
    connected: Place, fire: Slapd, password_file: Path
) -> None:
    """A wrong password must not count once for each server."""
    length = fire.log_length()
    told = connected.run(
        "directory", "test", FIRE, "--as", "alice", "--password-file", str(password_file)
    )

    assert told.code == 0
    assert "employee number 40011; posts Trainer, Watch manager; unit Warrington" in told.out
    assert "2 people" in told.out
    assert len([line for line in fire.binds(length) if "uid=alice" in line]) == 1
    assert PASSWORD not in told.out + told.err


def test_a_wrong_password_is_told_and_fails(connected: Place, password_file: Path) -> None:
    password_file.write_text("wrong")
    told = connected.run(
        "directory", "test", FIRE, "--as", "alice", "--password-file", str(password_file), "--json"
    )
    failed = [step for step in told.json()["steps"] if not step["passed"]]

    assert told.code == 1
    assert told.json()["usable"] is False
    assert [step["step"] for step in failed] == ["connect", "password"]
    assert "the name is known" in failed[1]["detail"]


def test_the_password_is_asked_for_where_no_file_holds_it(
    connected: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def prompt(text: str, **how: object) -> str:
        asked.append({"text": text, **how})
        return PASSWORD

    monkeypatch.setattr("click.prompt", prompt)
    told = connected.run("directory", "test", FIRE, "--as", "alice")

    assert told.code == 0
    assert asked == [{"text": "Password of alice", "hide_input": True, "err": True}]


def test_a_directory_of_which_no_server_can_be_used_fails(connected: Place, fire: Slapd) -> None:
    text = connected.config.read_text()
    connected.config.write_text(text.replace(SUFFIX, f"ou=nowhere,{SUFFIX}", 1))
    told = connected.run("directory", "test", FIRE)

    assert told.code == 1
    assert f"the base `ou=nowhere,{fire.base}` cannot be read" in told.out
    assert "not usable" in told.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cheshire-fir"], "did you mean `cheshire-fire`?"),
        ([FIRE, "--as", "alice", "--password-file", "gone"], "cannot be read"),
        ([FIRE, "--password-file", "gone"], "add --as NAME"),
        ([FIRE, "--as", "al\u200bice", "--password-file", "{file}"], "cannot be typed"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    connected: Place, password_file: Path, words: list[str], message: str
) -> None:
    told = connected.run("directory", "test", *(word.format(file=password_file) for word in words))

    assert told.code in {1, 2}
    assert message in told.err
