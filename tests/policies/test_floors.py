"""Floors: what lets in too many is refused, and for police records no reason is enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policies.errors import PolicyFileError
from policies.floors import is_screening
from policies.policy_set import load_policy_set
from tests.policies.people import SHARED, copied_set, requirement

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("text", ["BASE", "DBSB", "N2F or BASE"])
def test_what_a_basic_check_meets_is_screening(text: str) -> None:
    assert is_screening(requirement(text))


@pytest.mark.parametrize("text", ["N2F", "DBSS", "N2F and BASE", "MV"])
def test_what_a_basic_check_does_not_meet_is_more(text: str) -> None:
    assert not is_screening(requirement(text))


@pytest.mark.parametrize("owner", ["cheshire-police", "cheshire-fire"])
def test_sensitive_police_records_are_never_left_to_screening(tmp_path: Path, owner: str) -> None:
    directory = copied_set(tmp_path)
    (directory / "catalogue.toml").write_text(
        f'based_on = "{SHARED / "catalogue.toml"}"\n[[change]]\nid = "hr.search"\n'
        f'floor_by_owner = {{ {owner} = "BASE" }}\nscreening_suffices = "we trust them"\n',
        encoding="utf-8",
    )
    if owner == "cheshire-fire":
        assert load_policy_set(directory).catalogue.functions["hr.search"].screening_suffices
        return
    with pytest.raises(PolicyFileError, match="merely screened"):
        load_policy_set(directory)
