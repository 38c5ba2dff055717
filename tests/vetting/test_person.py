"""The key of a person."""

from __future__ import annotations

import pytest

from vetting.errors import RegisterError
from vetting.person import PersonKey


@pytest.mark.parametrize("text", ["cheshire-fire/40011", "nwas/A-17.b_2"])
def test_a_key_is_written_and_read_back(text: str) -> None:
    assert str(PersonKey.from_text(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/",
        "cheshire-fire",
        "cheshire-fire/",
        "/40011",
        "cheshire-fire/40011/1",
        "Cheshire-Fire/40011",
        "cheshire-fire/40 011",
        "cheshire-fire/40011\n",
        "cheshire-fire/\u0664\u0660",
        "cheshire-fire/" + "4" * 65,
    ],
)
def test_what_could_be_read_as_another_key_is_refused(text: str) -> None:
    with pytest.raises(RegisterError, match="read person"):
        PersonKey.from_text(text)
