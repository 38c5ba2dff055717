"""Other proxies in the settings: each has a secret of its own, which nobody else reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings
from gateway.settings_proxies import read_secret
from tests.gateway.test_settings import MINIMAL

Write = Callable[[str], Path]
PROXY = """
[[front_proxy]]
id = "front-{name}"
kind = "nginx"
networks = ["127.0.0.1/32"]
secret_file = "{name}.secret"
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


def secret(folder: Path, name: str, text: str = "s" * 32, mode: int = 0o600) -> None:
    (folder / f"{name}.secret").write_text(text + "\n")
    (folder / f"{name}.secret").chmod(mode)


def test_proxies_are_read_with_their_secrets(write: Write, tmp_path: Path) -> None:
    secret(tmp_path, "a")
    secret(tmp_path, "b", "t" * 40)
    settings = load_settings(write(MINIMAL + PROXY.format(name="a") + PROXY.format(name="b")))

    assert [read_secret(each) for each in settings.front_proxies] == ["s" * 32, "t" * 40]


@pytest.mark.parametrize(
    ("text", "mode", "expected"),
    [
        ("s" * 31, 0o600, "is not 32 characters of ASCII or more; run `openssl rand"),
        ("s" * 31 + "é", 0o600, "is not 32 characters of ASCII or more"),
        ("s" * 32, 0o644, "is open to others (mode 0644)"),
    ],
)
def test_a_weak_secret_is_refused(
    write: Write, tmp_path: Path, text: str, mode: int, expected: str
) -> None:
    secret(tmp_path, "a", text, mode)
    with pytest.raises(SettingsError) as raised:
        load_settings(write(MINIMAL + PROXY.format(name="a")))

    assert expected in str(raised.value)


def test_two_proxies_with_one_secret_are_refused(write: Write, tmp_path: Path) -> None:
    """The secret says which of them asks."""
    secret(tmp_path, "a")
    secret(tmp_path, "b")
    with pytest.raises(SettingsError, match="is the secret of `front-a` too"):
        load_settings(write(MINIMAL + PROXY.format(name="a") + PROXY.format(name="b")))


def test_a_secret_that_is_not_there_is_told(write: Write) -> None:
    with pytest.raises(SettingsError, match="front_proxy"):
        load_settings(write(MINIMAL + PROXY.format(name="a")))
