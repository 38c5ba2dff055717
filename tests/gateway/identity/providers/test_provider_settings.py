"""The secret is read where it is used, and never told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import DirectoryMisconfigured
from tests.gateway.identity.providers.test_provider_claims import SETTINGS


def test_the_secret_is_read_anew_each_time(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    settings = replace(SETTINGS, client_secret_file=file)
    file.write_text("first\n")
    assert settings.client_secret() == "first"
    file.write_text("t0p-words")

    assert settings.client_secret() == "t0p-words"
    assert "t0p-words" not in repr(settings)
    assert SETTINGS.client_secret() is None


@pytest.mark.parametrize("content", [None, b"", b" \n", b"\xff\xfe"])
def test_a_secret_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DirectoryMisconfigured, match="secret"):
        replace(SETTINGS, client_secret_file=file).client_secret()
