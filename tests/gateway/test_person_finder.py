"""Whom an auditor means: every way of writing a person leads to the same entries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.person_finder import person_finder
from tests.gateway.identity.parts import Parts, new_parts


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    with new_parts(tmp_path) as made:
        made.sign_in("alice", "40011")
        made.sign_in("alice", "70150", organisation="nwas")
        yield made


@pytest.mark.parametrize(
    "typed",
    [
        "alice@cheshire-fire",
        "cheshire-fire/alice",
        "40011",
        " cheshire-fire/40011 ",
        "cheshire-fire/id-alice",
    ],
)
def test_a_person_is_found_however_they_are_written(parts: Parts, typed: str) -> None:
    found = person_finder(parts.store)(typed)

    assert "cheshire-fire/id-alice" in found.staff_ids
    assert "cheshire-fire/40011" in found.subjects
    assert "nwas/id-alice" not in found.staff_ids


def test_a_name_of_two_people_means_both(parts: Parts) -> None:
    found = person_finder(parts.store)("alice")

    assert {"cheshire-fire/id-alice", "nwas/id-alice"} < set(found.staff_ids)


def test_somebody_who_never_came_is_looked_for_as_they_stand(parts: Parts) -> None:
    """Records about them may be there all the same."""
    found = person_finder(parts.store)(" cheshire-fire/99999 ")

    assert (found.staff_ids, found.subjects) == (("cheshire-fire/99999",),) * 2
