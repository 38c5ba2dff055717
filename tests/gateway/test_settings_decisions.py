"""Programs that ask for decisions in the settings: each with its own name and token."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import SettingsError
from gateway.settings import load_settings
from tests.gateway.test_settings import MINIMAL

CLIENT = """
[[decisions.client]]
id = "{name}"
token_sha256 = "{digit}"
organisations = ["cheshire-police"]
"""


def settings_file(folder: Path, text: str) -> Path:
    (folder / "policy").mkdir()
    (folder / "ca.pem").write_text("certificate")
    (folder / "gateway.toml").write_text(MINIMAL + text)
    return folder / "gateway.toml"


def test_programs_are_read(tmp_path: Path) -> None:
    text = CLIENT.format(name="a", digit="0" * 64) + CLIENT.format(name="b", digit="1" * 64)
    settings = load_settings(settings_file(tmp_path, text))

    assert [each.id for each in settings.decisions.clients] == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CLIENT.format(name="a", digit="0" * 64) * 2, "gives two clients one id or one token"),
        (
            CLIENT.format(name="a", digit="0" * 64) + CLIENT.format(name="b", digit="0" * 64),
            "gives two clients one id or one token",
        ),
        (CLIENT.format(name="a", digit="0" * 63), "SHA-256 of its token"),
    ],
)
def test_programs_that_cannot_be_told_apart_are_refused(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(SettingsError, match=expected):
        load_settings(settings_file(tmp_path, text))
